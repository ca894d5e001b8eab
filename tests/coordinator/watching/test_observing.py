"""A platform of the sandbox is broken and healed, and what follows is right to the second of the simulated time."""

from __future__ import annotations

import asyncio
import json

import pytest

from coordinator.alerts.outbox import Outbox
from coordinator.errors import Unreachable
from coordinator.heartbeats import Heartbeats
from coordinator.history import History
from coordinator.status_page.reading import Reader
from coordinator.status_page.rendering import page
from coordinator.watching import declared, observing
from coordinator.watching.archive import Archive
from coordinator.watching.declared import OutputsUnknown
from coordinator.watching.incidents import Watch
from coordinator.watching.metrics import WatchMetrics
from coordinator.watching.observing import Internet, Observation
from coordinator.watching.probe import Prober
from coordinator.watching.watcher import TASK, Watcher
from coordinator.watching_settings import StatusPage, Watching
from tests.coordinator.test_recovery import site_world
from tests.coordinator.waiting import until
from tests.coordinator.watching.test_watcher import Clock, Wall
from tests.sandbox.cloudflare.small_world import SITE, TOKEN, OriginSite

SETTINGS = Watching(interval=30)


def outputs_of(*sites):
    platforms = [
        {"name": one.name, "hostname": one.hostname, "host_header": one.hostname, "url": f"https://{one.hostname}"}
        for one in sites
    ]
    return json.dumps({"site_url": f"https://{SITE}", "release": "r1", "platforms": platforms})


@pytest.fixture
async def world(tmp_path):
    record = json.dumps({"release": "r1", "token": TOKEN}).encode()
    sites = [OriginSite(name, record) for name in ("one", "two")]
    async with site_world(tmp_path / "world", *sites) as found:
        found.sites = sites
        yield found


def internet_of(world):
    said = world.running.description
    return Internet(said["environment"]["HTTPS_PROXY"], said["environment"]["SSL_CERT_FILE"], said["name_servers"])


class Drill:
    """A watcher whose rounds are 30 simulated seconds apart."""

    def __init__(self, world, http, archive, outbox, clock):
        self.clock, self.archive = clock, archive
        outputs = declared.read(outputs_of(*world.sites))
        targets = declared.targets(outputs, SETTINGS, internet_of(world).servers)
        watch = Watch(observing.rules_of(SETTINGS), declared.public(outputs))
        self.watcher = Watcher(
            targets, Prober(http, clock), watch, archive, outbox, site=SITE, interval=30, clock=clock
        )

    async def rounds(self, count):
        events = []
        for _ in range(count):
            self.clock.now += 30
            events += await self.watcher.round()
        return events


async def test_a_platform_that_breaks_and_heals_is_one_incident_and_one_alert_on_each_channel(world, tmp_path):
    clock, walls = Clock(), [Wall("mail"), Wall("matrix"), Wall("mastodon")]
    begin = clock.now
    async with (
        internet_of(world).client() as http,
        Archive(tmp_path / "watch.db", clock) as archive,
        Outbox(tmp_path / "alerts.db", walls, clock) as outbox,
        History(tmp_path / "history.db", clock) as history,
    ):
        drill = Drill(world, http, archive, outbox, clock)
        assert await drill.rounds(2) == []
        assert {one.target: (one.good, one.release) for one in await archive.now()} == {
            SITE: (True, "r1"),
            "dns": (True, ""),
            "one": (True, "r1"),
            "two": (True, "r1"),
        }
        await world.fault("one")
        assert await drill.rounds(1) == []
        (opened,) = await drill.rounds(2)
        assert (opened.kind, opened.subject, opened.at) == ("opened", "one", begin + 90)
        await world.heal("one")
        assert await drill.rounds(2) == []
        (closed,) = await drill.rounds(1)
        assert (closed.kind, closed.subject, closed.at) == ("closed", "one", begin + 180)
        for wall in walls:
            while await outbox.send_next(wall) == 0.0:
                pass
            assert wall.taken == [f"{SITE}: one is not well", f"{SITE}: one is well again"]
        await archive.keep_outputs(outputs_of(*world.sites))
        view = await Reader(SITE, archive, history, SETTINGS, StatusPage(), 30, clock).view()
        (incident,) = view.incidents
        assert (incident.opened, incident.closed, incident.seconds(clock.now)) == (begin + 90, begin + 180, 90)
        assert "Over after 1 min 30 s" in page(view)
        assert (view.state, [row.state for row in view.rows]) == ("well", ["well"] * 4)


class Asked:
    """A stack that can be asked, or not."""

    def __init__(self, text=""):
        self.text = text

    async def __call__(self):
        if not self.text:
            raise OutputsUnknown("the backend does not answer")
        return self.text


class Observed:
    def __init__(self, folder, ask, internet):
        self.archive, self.outbox = Archive(folder / "watch.db"), Outbox(folder / "alerts.db", [])
        self.beats, self.metrics = Heartbeats(), WatchMetrics()
        self.made = Observation(ask, SETTINGS, internet, self.archive, self.outbox, self.metrics, self.beats)

    async def __aenter__(self):
        await self.archive.__aenter__()
        await self.outbox.__aenter__()
        self.task = asyncio.create_task(self.made.run())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.outbox.__aexit__(None, None, None)
        await self.archive.__aexit__(None, None, None)

    async def looked(self):
        return {one.target for one in await self.archive.now()}


async def test_it_waits_for_the_first_publication_and_then_watches(world, tmp_path, monkeypatch):
    monkeypatch.setattr(observing, "_FIRST_PAUSE", 0.05)
    ask = Asked("{}")
    async with Observed(tmp_path, ask, lambda: internet_of(world)) as observed:
        await until(lambda: TASK in observed.beats.shown())
        assert observed.beats.shown()[TASK] == "waiting for what there is to watch"
        ask.text = outputs_of(*world.sites)
        await until(observed.looked, 30)
        assert await observed.looked() == {SITE, "dns", "one", "two"}
        assert observed.beats.stuck() == {}


async def test_while_the_stack_cannot_be_asked_what_it_said_last_is_watched(world, tmp_path):
    async with Archive(tmp_path / "watch.db") as archive:
        await archive.keep_outputs(outputs_of(world.sites[0]))
    async with Observed(tmp_path, Asked(), lambda: internet_of(world)) as observed:
        await until(observed.looked, 30)
        assert await observed.looked() == {SITE, "dns", "one"}


async def test_a_sandbox_that_does_not_run_is_waited_for_and_is_no_outage(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(observing, "_FIRST_PAUSE", 0.01)

    monkeypatch.setattr(observing, "_LONGEST_PAUSE", 0.01)
    asked = []

    def nowhere():
        asked.append(True)
        raise Unreachable("no sandbox runs here")

    async with Observed(tmp_path, Asked(outputs_of(OriginSite("one"))), nowhere) as observed:
        await until(lambda: len(asked) > 3)
        assert caplog.text.count("no sandbox runs here") == 1
        assert await observed.looked() == set()


def test_announced_work_and_rules_are_the_settings():
    settings = Watching.model_validate(
        {
            "failures": 4,
            "flapsAbove": 60,
            "maintenance": [
                {
                    "begins": "2026-12-01T02:00:00Z",
                    "ends": "2026-12-01T03:00:00Z",
                    "repeat": "weekly",
                    "targets": ["aws"],
                }
            ],
        }
    )
    (window,) = observing.windows_of(settings)
    assert (window.ends - window.begins, window.every, window.targets) == (3600, 7 * 86_400, {"aws"})
    rules = observing.rules_of(settings)
    assert (rules.failures, rules.successes, rules.flaps_above, rules.calm_below) == (4, 3, 0.6, 0.25)
