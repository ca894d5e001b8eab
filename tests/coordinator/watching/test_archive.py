from __future__ import annotations

import pytest

from coordinator.watching.archive import DAY, FIVE_MINUTES, LOOKS_KEPT, SUMS_KEPT, Archive
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
        await archive.keep([look(at=START + number * 10, good=number % 4 != 0, seconds=0.2)])
    sums = await archive.sums("aws", FIVE_MINUTES, START)
    assert [(one.begins, one.good, one.bad) for one in sums] == [
        (START + FIVE_MINUTES * place, 23 if place % 2 else 22, 7 if place % 2 else 8) for place in range(4)
    ]
    (day,) = await archive.sums("aws", DAY, START)
    assert (day.good, day.bad, day.looks) == (90, 30, 120)
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


async def test_old_looks_and_sums_go_and_days_stay(archive, clock, tmp_path):
    await archive.keep([look()])
    clock.now = START + SUMS_KEPT + 2 * FIVE_MINUTES
    await archive.keep([look(at=clock.now)])
    assert [one.begins for one in await archive.sums("aws", FIVE_MINUTES, 0)] == [int(clock.now)]
    assert len(await archive.sums("aws", DAY, 0)) == 2
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
