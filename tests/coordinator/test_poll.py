from __future__ import annotations

import asyncio

import pytest

from coordinator.heartbeats import Heartbeats
from coordinator.history import History, Outcome, Result
from coordinator.poll import Poll
from coordinator.queue import DeployQueue
from coordinator.tips import Remote, TipUnknown
from tests.coordinator.delivering import Site
from tests.coordinator.test_deployer import Tips
from tests.coordinator.waiting import until


class World:
    def __init__(self, queue, history, now):
        self.queue = queue
        self.history = history
        self.now = now
        self.tips = Tips("a")
        self.beats = Heartbeats(clock=lambda: now[0])
        self.poll = Poll(
            "site",
            queue,
            history,
            self.tips,
            pause=10.0,
            retry_failed_after=3600.0,
            beats=self.beats,
            clock=lambda: now[0],
        )

    async def tried(self, tip, outcome):
        begun = await self.history.begin("site", 1, tip, "up")
        await self.history.end(begun.id, Result(outcome, ""))

    async def wants(self):
        await self.poll.once()
        return [one.number for one in await self.queue.wanted()]


@pytest.fixture
async def world(tmp_path):
    now = [1000.0]
    async with (
        DeployQueue(tmp_path / "q") as queue,
        History(tmp_path / "h", clock=lambda: now[0]) as history,
    ):
        yield World(queue, history, now)


async def test_a_tip_that_was_never_tried_is_wanted_once(world):
    assert await world.wants() == [1]
    assert await world.wants() == [1]


@pytest.mark.parametrize(
    ("tip", "outcome", "wanted"),
    [
        ("a", Outcome.DEPLOYED, []),
        ("b", Outcome.DEPLOYED, [1]),
        ("a", Outcome.FAILED, []),
        ("b", Outcome.FAILED, [1]),
        ("a", Outcome.DIED, [1]),
        ("a", Outcome.INTERRUPTED, [1]),
    ],
)
async def test_only_what_is_not_live_or_has_just_failed_is_wanted(world, tip, outcome, wanted):
    await world.tried(tip, outcome)
    assert await world.wants() == wanted


async def test_a_failure_is_tried_again_after_its_time(world):
    await world.tried("a", Outcome.FAILED)
    world.now[0] += 3600.0
    assert await world.wants() == [1]


async def test_a_repository_that_does_not_answer_is_said_once(world, caplog):
    world.tips.said = [TipUnknown("no route")]
    assert [await world.wants() for _ in range(3)] == [[], [], []]
    assert caplog.text.count("no route") == 1


async def test_a_poll_that_hangs_is_named_as_stuck(world):
    hanging = asyncio.Event()

    class Hanging:
        async def tip(self):
            await hanging.wait()

    world.poll._tips = Hanging()
    task = asyncio.create_task(world.poll.run())
    await until(lambda: "poll" in world.beats.shown())
    world.now[0] += 1000.0
    assert list(world.beats.stuck()) == ["poll"]
    task.cancel()


async def test_the_tip_of_a_repository_is_asked_of_git(tmp_path):
    site = Site(tmp_path)
    assert await Remote(site.url, "main").tip() == site.commits[-1]
    new = site.commit()
    assert await Remote(site.url, None).tip() == new
    with pytest.raises(TipUnknown, match="has no branch or tag 'other'"):
        await Remote(site.url, "other").tip()
    with pytest.raises(TipUnknown, match="could not be asked for its branches"):
        await Remote((tmp_path / "nowhere").as_uri(), "main").tip()
    with pytest.raises(TipUnknown, match="is a folder"):
        await Remote(str(tmp_path), "main").tip()
