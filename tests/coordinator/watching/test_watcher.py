from __future__ import annotations

import pytest

from coordinator.alerts.outbox import Outbox
from coordinator.watching.archive import Archive
from coordinator.watching.incidents import Event, Rules, Watch
from coordinator.watching.targets import Finding, Page
from coordinator.watching.watcher import Watcher, messages

TARGETS = [Page(name, f"https://{name}.example", f"{name}.example", "word") for name in ("www", "aws", "netlify")]


class Clock:
    def __init__(self):
        self.now = 1_790_000_000.0

    def __call__(self):
        return self.now


class Scripted:
    """A prober that finds what it was told."""

    def __init__(self, clock):
        self.clock = clock
        self.bad = set()

    async def round(self, targets):
        self.clock.now += 60
        return [
            Finding(one.name, self.clock.now, one.name not in self.bad, "answers 503" if one.name in self.bad else "")
            for one in targets
        ]


class Wall:
    def __init__(self, name):
        self.name = name
        self.taken = []

    async def send(self, message):
        self.taken.append(message.subject)


class Stand:
    """A watcher with its disk; ``again`` is a restart."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = Clock()
        self.prober = Scripted(self.clock)
        self.walls = [Wall("mail"), Wall("mastodon")]
        self.targets = TARGETS

    async def lived(self, *rounds):
        async with (
            Archive(self.folder / "watch.db", self.clock) as archive,
            Outbox(self.folder / "alerts.db", self.walls, self.clock) as outbox,
        ):
            watch = Watch(Rules(), frozenset({"www"}))
            watcher = Watcher(
                self.targets, self.prober, watch, archive, outbox, site="www.example.org", interval=60, clock=self.clock
            )
            for bad in rounds:
                self.prober.bad = set(bad.split())
                await watcher.round()
            for wall in self.walls:
                while await outbox.send_next(wall) == 0.0:
                    pass
            return await archive.events(0)


@pytest.fixture
def stand(tmp_path):
    return Stand(tmp_path)


async def test_an_outage_is_told_once_on_every_channel_and_its_end_too(stand):
    await stand.lived("", "aws", "aws", "aws", "", "", "", "")
    told = ["www.example.org: aws is not well", "www.example.org: aws is well again"]
    assert [wall.taken for wall in stand.walls] == [told, told]


async def test_a_restart_in_the_middle_tells_nothing_twice(stand):
    for bad in ("", "aws", "aws", "aws", "", "", "", ""):
        await stand.lived(bad)
    assert stand.walls[0].taken == ["www.example.org: aws is not well", "www.example.org: aws is well again"]


async def test_one_failed_look_tells_nobody(stand):
    await stand.lived("", "aws", "", "www", "", "netlify", "")
    assert stand.walls[0].taken == []


async def test_the_public_name_tells_for_all(stand):
    events = await stand.lived("", "www", "www", "www aws", "www aws", "", "", "")
    assert stand.walls[0].taken == ["www.example.org: the site is not well", "www.example.org: the site is well again"]
    assert [event.kind for event in events] == ["opened", "noted", "closed"]


async def test_doubts_about_ourselves_are_not_for_the_public(stand):
    await stand.lived("www aws netlify", "www aws netlify", "", "", "")
    assert stand.walls[0].taken == [
        "www.example.org: monitoring is not well",
        "www.example.org: monitoring is well again",
    ]
    assert stand.walls[1].taken == []


async def test_what_was_known_is_begun_anew_when_it_cannot_be_read(stand, caplog):
    async with Archive(stand.folder / "watch.db", stand.clock) as archive:
        await archive.keep([], (), '{"targets": 7}')
    await stand.lived("aws", "aws")
    assert stand.walls[0].taken == ["www.example.org: aws is not well"]
    assert "starting anew" in caplog.text


def test_messages_of_one_incident_have_one_thread_and_keys_of_their_own():
    opened, closed = Event("opened", "aws", 100.0, "answers 503", 7), Event("closed", "aws", 200.0, "", 7)
    (first,), (second,) = messages(opened, "s", 5), messages(closed, "s", 5)
    assert (first.key, first.thread, second.thread) == ("incident-5-7", "incident-5-7", "incident-5-7")
    assert second.key == "incident-5-7-closed"
    assert list(messages(Event("noted", "site", 1.0, "", 7), "s", 5)) == []


async def test_an_alert_is_told_although_the_file_of_what_was_found_is_lost(stand):
    told = ["www.example.org: aws is not well"]
    await stand.lived("aws", "aws")
    (stand.folder / "watch.db").unlink()
    await stand.lived("aws", "aws")
    assert stand.walls[0].taken == [*told, *told]


async def test_a_target_that_is_not_watched_any_more_ends_its_incident(stand):
    await stand.lived("aws", "aws")
    stand.targets = [one for one in TARGETS if one.name != "aws"]
    events = await stand.lived("")
    assert [(one.kind, one.text) for one in events] == [
        ("opened", "answers 503"),
        ("closed", "is not watched any more"),
    ]
