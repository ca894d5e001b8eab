from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tools.drill.load import Load, Pages

RIGHT = b"<h1>right</h1>"
PAGES = Pages({"/": hashlib.sha256(RIGHT).hexdigest()}, {("/", '"1"'): "aws"})


@asynccontextmanager
async def site(answer):
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    try:
        yield f"http://127.0.0.1:{listening._server.sockets[0].getsockname()[1]}/"
    finally:
        await runner.cleanup()


async def samples(answer, rate=50, seconds=0.4):
    async with site(answer) as url:
        return await Load(url, PAGES, rate, seconds).run()


async def test_requests_are_due_at_fixed_moments_whatever_becomes_of_those_before():
    async def slow(_):
        await asyncio.sleep(0.3)
        return web.Response(body=RIGHT)

    found = await samples(slow)
    assert [one.at for one in found] == pytest.approx([number / 50 for number in range(20)])
    assert all(0.3 <= one.took < 2.0 for one in found)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "seen"),
    [
        (200, RIGHT, "right", "200"),
        (200, b"<h1>parked</h1>", "wrong", "200"),
        (503, RIGHT, "failed", "503"),
        (301, b"", "failed", "301"),
    ],
)
async def test_an_answer_counts_by_status_and_bytes(status, body, outcome, seen):
    async def answer(_):
        return web.Response(status=status, body=body, headers={"Location": "/"} if status == 301 else {})

    assert Counter((one.outcome, one.seen) for one in await samples(answer)) == {(outcome, seen): 20}


async def test_a_connection_that_breaks_is_a_failed_visitor():
    async def cut(request):
        request.transport.abort()
        return web.Response()

    assert {(one.outcome, one.seen) for one in await samples(cut)} == {("failed", "ServerDisconnectedError")}


@pytest.mark.parametrize(
    ("headers", "platform"),
    [({"X-Served-From": "copy", "ETag": '"1"'}, "copy"), ({"ETag": '"1"'}, "aws"), ({"ETag": '"2"'}, ""), ({}, "")],
)
async def test_who_answered_is_told_by_the_edge_or_by_the_entity_tag(headers, platform):
    async def answer(_):
        return web.Response(body=RIGHT, headers=headers)

    assert {one.by for one in await samples(answer)} == {platform}
