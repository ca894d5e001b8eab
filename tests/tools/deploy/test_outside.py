from __future__ import annotations

import asyncio

import pytest

from publisher.resources.uptimerobot_monitor import settings
from sandbox import uptimerobot
from sandbox.uptimerobot.api import MONITORS
from tests.sandbox.uptimerobot.test_looking import site
from tests.worlds import running
from tools.deploy.outside import INVERTED, complaints

ASKED = {"name": "n", "keyword": "word", "interval": 300, "timeout": 30, "contacts": []}


class Account:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.next = 800_000_001

    def has(self, url="https://first.example/page", **changed):
        """A monitor; what a stack's outputs say of it."""
        identifier, self.next = str(self.next), self.next + 1
        document = {**settings({**ASKED, "url": url}), "created": "", **changed}
        self.sandbox.world.store.put(MONITORS, identifier, document)
        return {"id": identifier, "url": url}

    async def says(self, *monitors, **environment):
        found = {**self.sandbox.environment, **environment}
        return await asyncio.to_thread(complaints, {"monitors": list(monitors)}, found)


@pytest.fixture
async def account(tmp_path):
    async with running(tmp_path / "world", [site, uptimerobot.twin], speed=600) as sandbox:
        yield Account(sandbox)


async def test_what_is_up_is_not_mentioned_and_what_is_down_is(account):
    up, down = account.has(), account.has("https://first.example/missing")
    assert await account.says(up) == []
    assert await account.says(up, down) == ["UptimeRobot calls https://first.example/missing down."]


async def test_when_all_are_down_the_meaning_of_the_word_is_suspected(account):
    inverted = [account.has(keywordType="ALERT_EXISTS") for _ in range(25)]
    assert await account.says(*inverted) == [INVERTED]


async def test_a_monitor_that_is_gone_is_named(account):
    gone = {"id": "7", "url": "https://first.example/gone"}
    (said,) = await account.says(account.has(), gone)
    assert said.startswith("UptimeRobot has no monitor for https://first.example/gone any more")


async def test_where_it_cannot_be_asked_that_is_said_without_the_key_or_not_at_all(account):
    monitor = account.has()
    assert await account.says(monitor, UPTIMEROBOT_API_KEY="") == []
    assert await account.says(UPTIMEROBOT_API_KEY="wrong-PLANTED") == []
    (said,) = await account.says(monitor, UPTIMEROBOT_API_KEY="wrong-PLANTED")
    assert said.startswith("UptimeRobot could not be asked (HTTPError)")
