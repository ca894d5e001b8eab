from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from aiohttp import web

from coordinator.alerts.channels import Message, NotTaken
from coordinator.alerts.outbox import Outbox
from coordinator.alerts.selfcheck import SelfCheck
from tests.coordinator.alerts.forms import Clock, Wall, listening, sent

MORNING = datetime(2026, 11, 30, 6, 59, 0, tzinfo=UTC).timestamp()


class Stand:
    """Three channels on one disk; ``begun`` is a start of the coordinator."""

    def __init__(self, folder):
        self.path = folder / "alerts.db"
        self.clock = Clock()
        self.clock.now = MORNING
        self.walls = {name: Wall(name) for name in ("mail", "matrix", "mastodon")}

    @asynccontextmanager
    async def begun(self, url="", heartbeat="07:00"):
        async with (
            httpx.AsyncClient(trust_env=False) as http,
            Outbox(self.path, self.walls.values(), self.clock) as outbox,
        ):
            self.outbox = outbox
            yield SelfCheck(
                outbox, "www.example.org", heartbeat=heartbeat, silence=600, http=http, url=url, clock=self.clock
            )

    async def all_sent(self):
        for wall in self.walls.values():
            await sent(self.outbox, wall)

    def told(self, name):
        return [message.subject for message in self.walls[name].messages]


@pytest.fixture
def stand(tmp_path):
    return Stand(tmp_path)


def alert(stand, key="one"):
    return Message(key, key, f"subject {key}", "", stand.clock.now)


async def test_once_a_day_the_private_channels_say_that_alerting_works(stand):
    for start in range(3):
        async with stand.begun() as check:
            for _ in range(48):
                await check.look()
                await stand.all_sent()
                stand.clock.now += 1800
        days = [f"www.example.org: alerting works, {day}" for day in ("2026-11-30", "2026-12-01", "2026-12-02")]
        assert stand.told("mail") == stand.told("matrix") == days[: start + 1]
    assert stand.told("mastodon") == []
    assert stand.walls["mail"].messages[0].text == "It works by mail, matrix, mastodon."
    assert len({message.thread for message in stand.walls["mail"].messages}) == 1


async def test_no_heartbeat_before_its_hour_and_none_where_it_is_off(stand):
    async with stand.begun() as check:
        await check.look()
    async with stand.begun(heartbeat="") as check:
        stand.clock.now += 3600
        await check.look()
        await stand.all_sent()
    assert stand.told("mail") == []


async def test_a_channel_that_takes_nothing_is_reported_once_by_the_others_and_its_end_too(stand):
    mail = stand.walls["mail"]
    mail.refusals = [NotTaken("the mail server answered 535", after=300.0)] * 4
    for number in range(30):
        async with stand.begun(heartbeat="") as check:
            if number == 0:
                await stand.outbox.add([alert(stand)])
            await stand.all_sent()
            await check.look()
            await stand.all_sent()
            stand.clock.now += 60
    fails, works = "alerts by mail do not get through", "alerts by mail get through again"
    assert stand.told("matrix") == ["subject one", f"www.example.org: {fails}", f"www.example.org: {works}"]
    failed, worked = stand.walls["matrix"].messages[1:]
    assert (failed.text, failed.closes, worked.closes) == ("the mail server answered 535", False, True)
    assert (failed.at - MORNING, worked.at - MORNING) == (660, 1200)
    assert stand.told("mail") == ["subject one"]
    assert stand.told("mastodon") == ["subject one"]


async def test_a_channel_that_gives_a_message_up_is_reported(stand):
    stand.walls["matrix"].refusals = [NotTaken("answered 400", again=False)]
    async with stand.begun(heartbeat="") as check:
        await stand.outbox.add([alert(stand)])
        await stand.all_sent()
        await check.look()
        await stand.all_sent()
        assert stand.told("mail")[1:] == ["www.example.org: alerts by matrix do not get through"]
        await stand.outbox.add([alert(stand, "two")])
        await stand.all_sent()
        await check.look()
        await stand.all_sent()
    assert stand.told("mail")[-1] == "www.example.org: alerts by matrix get through again"


async def test_what_waits_for_its_hour_is_no_failure(stand):
    async with (
        httpx.AsyncClient() as http,
        Outbox(stand.path, stand.walls.values(), stand.clock, most_per_hour=1) as outbox,
    ):
        check = SelfCheck(outbox, "s", heartbeat="", silence=600, http=http, clock=stand.clock)
        stand.outbox = outbox
        await outbox.add([alert(stand), alert(stand, "two")])
        await stand.all_sent()
        stand.clock.now += 1800
        await check.look()
        assert await outbox.troubles() == set()
        assert (await outbox.unsent()) == {"mail": 1, "matrix": 1, "mastodon": 1}


async def test_where_no_channel_is_left_the_log_says_it_once(stand, caplog):
    stand.walls = {"mail": Wall("mail")}
    stand.walls["mail"].refusals = [NotTaken("down")] * 99
    async with stand.begun(heartbeat="") as check:
        await stand.outbox.add([alert(stand)])
        for _ in range(20):
            await stand.all_sent()
            await check.look()
            stand.clock.now += 60
    assert caplog.text.count("no alert gets through by mail: down; no other channel can tell") == 1


async def test_a_service_hears_of_the_heartbeat_once_all_channels_have_taken_it(stand):
    asked, answers = [], [503, 200]

    async def ping(request):
        asked.append(stand.clock.now)
        return web.Response(status=answers.pop(0) if answers else 200)

    app = web.Application()
    app.router.add_get("/ping", ping)
    stand.walls["matrix"].refusals = [NotTaken("busy")]
    stand.clock.now = MORNING + 120
    async with listening(app) as url, stand.begun(url=f"{url}/ping") as check:
        await check.look()
        await stand.all_sent()
        await check.look()
        assert asked == []
        for _ in range(4):
            stand.clock.now += 30
            await stand.all_sent()
            await check.look()
    assert len(asked) == 2
