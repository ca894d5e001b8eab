from __future__ import annotations

import pytest

from coordinator.watching.archive import DAY, LOOKS_KEPT, QUARTER, SUMS_KEPT, Archive
from coordinator.watching.incidents import Event
from coordinator.watching.targets import Finding

START = 20_000 * DAY


class Clock:
    def __init__(self):
        self.now = float(START)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def archive(tmp_path, clock):
    async with Archive(tmp_path / "watch.db", clock) as opened:
        yield opened


def look(target="aws", at=START, good=True, seconds=0.1, release="r1", days=None):
    return Finding(target, at, good, "" if good else "answers 503", seconds, release if good else "", days)


async def test_sums_count_every_look_once(archive):
    for number in range(120):
        await archive.keep([look(at=START + number * 10, good=number % 4 != 0, seconds=0.2)], each=10)
    sums = (await archive.sums(START))["aws"]
    assert [(one.begins, one.good, one.bad) for one in sums] == [(START, 67, 23), (START + QUARTER, 23, 7)]
    (day,) = (await archive.days(START))["aws"]
    assert (day.good, day.bad, day.looks, day.watched, day.down) == (90, 30, 120, 1200, 300)
    assert day.seconds == pytest.approx(0.2)


async def test_the_last_look_is_known_with_how_long_its_release_has_been_there(archive):
    await archive.keep([look(at=START, release="r1", days=40.0), look("netlify", START, release="r1")])
    await archive.keep([look(at=START + 60, release="r2"), look("netlify", START + 60, good=False)])
    await archive.keep([look(at=START + 120, release="r2"), look("netlify", START + 120)])
    aws, netlify = await archive.now()
    assert (aws.target, aws.release, aws.since, aws.certificate_days) == ("aws", "r2", START + 60, 40.0)
    assert (netlify.release, netlify.since, netlify.good) == ("r1", START, True)


async def test_a_bad_look_says_why_and_forgets_no_release(archive):
    await archive.keep([look()])
    await archive.keep([look(at=START + 10, good=False)])
    (now,) = await archive.now()
    assert (now.good, now.why, now.release) == (False, "answers 503", "r1")


async def test_looks_stand_for_the_time_between_them_also_when_that_changes(archive):
    await archive.keep([look(good=False)], each=60)
    await archive.keep([look(at=START + 60, good=False)], each=10)
    await archive.keep([look(at=START + 70)], each=10)
    (day,) = (await archive.days(START))["aws"]
    assert (day.watched, day.down) == (80, 70)


async def test_many_rounds_kept_at_once_are_the_same_as_one_by_one(archive, tmp_path, clock):
    looks = [
        look(name, START + 40 * number, number % 3 != 0, number / 10, f"r{number // 5}")
        for number in range(20)
        for name in ("aws", "netlify")
    ]
    for place in range(0, len(looks), 2):
        await archive.keep(looks[place : place + 2], each=40)
    async with Archive(tmp_path / "other.db", clock) as other:
        await other.keep(looks, each=40)
        for ask in ("now", "last_incident"):
            assert await getattr(other, ask)() == await getattr(archive, ask)()
        for ask in ("sums", "days", "sights"):
            assert await getattr(other, ask)(0) == await getattr(archive, ask)(0)


async def test_a_release_is_seen_for_the_first_time_once(archive):
    for number, (release, good) in enumerate([("r1", True), ("r1", False), ("r1", True), ("r2", True), ("r1", True)]):
        await archive.keep([look(at=START + number, good=good, release=release)])
    found = [(one.release, one.at - START) for one in await archive.sights(0)]
    assert found == [("r1", 4), ("r2", 3), ("r1", 0)]


async def test_an_incident_that_reaches_back_is_there_with_all_of_its_time_line(archive):
    opened, other = Event("opened", "aws", START, "", 1), Event("opened", "netlify", START, "", 2)
    closed = Event("closed", "aws", START + 10, "", 1)
    await archive.keep([], [opened, other])
    await archive.keep([], [closed])
    assert await archive.events(START + 5) == [opened, closed]
    assert await archive.last_incident() == 2


async def test_what_the_stack_said_is_kept(archive):
    assert await archive.outputs() == ""
    await archive.keep_outputs("{}")
    assert await archive.outputs() == "{}"


async def test_old_looks_and_sums_go_and_days_stay(archive, clock, tmp_path):
    await archive.keep([look()])
    clock.now = START + SUMS_KEPT + 2 * QUARTER
    await archive.keep([look(at=clock.now)])
    assert [one.begins for one in (await archive.sums(0))["aws"]] == [int(clock.now)]
    assert len((await archive.days(0))["aws"]) == 2
    rows = await archive._query("SELECT count(*) FROM look WHERE at < ?", (clock.now - LOOKS_KEPT,))
    assert rows == [(0,)]


async def test_what_happened_and_what_is_known_survive_a_restart(tmp_path, clock):
    event = Event("opened", "aws", START, "answers 503", 1)
    async with Archive(tmp_path / "one.db", clock) as archive:
        assert await archive.situation() == ""
        await archive.keep([look()], [event], '{"x": 1}')
    async with Archive(tmp_path / "one.db", clock) as archive:
        assert await archive.events(START) == [event]
        assert await archive.events(START + 1) == []
        assert await archive.situation() == '{"x": 1}'
