"""Clients that send slowly, or too much, keep nobody else from being served. The coordinator's own are in
tests/coordinator/test_receiver.py and test_receiver_hostile.py.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.sandbox import tiny
from tests.worlds import running

SLOW = 300


@pytest.fixture
async def sandbox(tmp_path):
    async with running(tmp_path / "world", [tiny.platform, lambda world: tiny.edge()]) as found:
        yield found


def addresses(sandbox):
    """Every kind of listener: a platform, the edge, the control API, a platform's API, the proxy."""
    described = sandbox.description
    return {
        "platform": described["platforms"]["tiny"]["url"],
        "edge": described["site_url"],
        "control": described["control_url"],
        "api": sandbox.environment["TINY_API_URL"],
        "proxy": sandbox.environment["HTTP_PROXY"],
    }


async def opened(url):
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def test_hundreds_of_half_sent_requests_hinder_nobody(sandbox):
    urls = addresses(sandbox)
    held = [await opened(url) for url in urls.values() for _ in range(SLOW // len(urls))]
    try:
        for _, writer in held:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
            async with http.get(urls["platform"]) as answer:
                assert await answer.read() == tiny.PAGE
            async with http.get(f"{urls['control']}/status") as answer:
                assert answer.status == 200
            async with http.get(f"http://{tiny.HOSTNAME}/", proxy=urls["proxy"]) as answer:
                assert await answer.read() == tiny.PAGE
    finally:
        for _, writer in held:
            writer.close()


@pytest.mark.parametrize("listener", ["platform", "edge", "control", "api", "proxy"])
async def test_a_head_that_is_too_large_is_refused_and_the_next_client_is_served(sandbox, listener):
    url = addresses(sandbox)[listener]
    reader, writer = await opened(url)
    writer.write(b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\nX-Large: " + b"x" * 200_000 + b"\r\n\r\n")
    async with asyncio.timeout(20):
        try:
            await writer.drain()
            first = await reader.read(100)
        except ConnectionError:
            first = b""
    assert first == b"" or first.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 431")), first
    writer.close()
    async with aiohttp.ClientSession() as http, http.get(addresses(sandbox)["platform"]) as answer:
        assert answer.status == 200


async def test_a_body_that_is_too_large_for_the_control_api_is_refused(sandbox):
    url = f"{addresses(sandbox)['control']}/faults/tiny"
    body = json.dumps({"kind": "down", "more": "x" * 3_000_000})
    async with aiohttp.ClientSession() as http, http.post(url, data=body) as answer:
        assert answer.status == 413
