"""A monitor of the twin really looks, and calls what it sees by the meaning of its type."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp import web

from publisher.resources.uptimerobot_monitor import settings
from sandbox import uptimerobot
from sandbox.twin import Twin
from sandbox.world import Fault
from tests.worlds import running


def site(world):
    """A platform with one page."""
    world.serve_names("first", lambda: ["first.example"])

    async def page(request):
        if request.path == "/moved":
            raise web.HTTPFound("/page")
        return web.json_response({"token": "word"}, status=404 if request.path == "/missing" else 200)

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    return Twin("first", public=app)


@pytest.fixture
async def account(tmp_path):
    async with (
        running(tmp_path / "world", [site, uptimerobot.twin], speed=600) as sandbox,
        aiohttp.ClientSession() as http,
    ):

        async def status(path="/page", host="first.example", **changed):
            inputs = {"name": "n", "keyword": "word", "interval": 300, "timeout": 30, "contacts": []}
            body = {**settings({**inputs, "url": f"https://{host}{path}"}), **changed}
            headers = {"Authorization": f"Bearer {sandbox.environment['UPTIMEROBOT_API_KEY']}"}
            url = f"{sandbox.environment['UPTIMEROBOT_API_URL']}/monitors"
            async with http.post(url, json=body, headers=headers) as answer:
                assert answer.status == 201, await answer.text()
                return (await answer.json())["status"]

        status.sandbox = sandbox
        yield status


async def test_a_page_with_the_word_is_up_and_everything_else_is_down(account):
    assert await account() == "UP"
    assert await account(keywordType="ALERT_EXISTS") == "DOWN"
    assert await account(keywordValue="other") == "DOWN"
    assert await account(keywordValue="WORD") == "DOWN"
    assert await account(keywordValue="WORD", keywordCaseType=1) == "UP"
    assert await account("/missing") == "DOWN"
    assert await account("/moved") == "DOWN"
    assert await account(host="nowhere.example") == "DOWN"


async def test_a_platform_that_is_broken_is_down(account):
    world = account.sandbox.world
    world.faults["first"] = Fault("error")
    assert await account() == "DOWN"
    del world.faults["first"]
    assert await account() == "UP"
