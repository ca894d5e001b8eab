"""The deployer with a way and a repository that do as the test says."""

from __future__ import annotations

import asyncio

import pytest

from coordinator.deployer import Deployer, Patience
from coordinator.heartbeats import Heartbeats
from coordinator.history import History, HostResult, Outcome, Result
from coordinator.metrics import Metrics
from coordinator.queue import Delivery, DeployQueue
from coordinator.reports import Telling
from coordinator.tips import TipUnknown
from tests.coordinator.waiting import until

WELL = Result(Outcome.DEPLOYED, "published and verified")
BADLY = Result(Outcome.FAILED, "failed on netlify", (HostResult("netlify", "", "r0", "down"),))


class Tips:
    """Answers with ``said`` one after the other, then with the last for ever."""

    def __init__(self, *said):
        self.said = list(said)
        self.asked = 0

    async def tip(self):
        self.asked += 1
        found = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(found, Exception):
            raise found
        return found


class ScriptedWay:
    """Ends a deployment when the test says so; ``results`` are those that end by themselves."""

    name = "up"

    def __init__(self):
        self.begun = []
        self.results = []
        self.ended = asyncio.Queue()

    async def deploy(self, deployment, note, stop):
        self.begun.append(deployment)
        return self.results.pop(0) if self.results else await self.ended.get()

    async def close(self):
        pass

    def tips(self):
        return [one.tip for one in self.begun]


class World:
    def __init__(self, folder):
        self.folder = folder
        self.tips = Tips("a")
        self.way = ScriptedWay()
        self.metrics = Metrics()
        self.beats = Heartbeats()
        self.patience = Patience(attempts=3, wait=0.01, longest_wait=0.02, between_answers=0.0, between_looks=0.0)
        self.pushes = 0

    async def open(self):
        self.queue = await DeployQueue(self.folder / "queue").__aenter__()
        self.history = await History(self.folder / "history").__aenter__()
        self.stop = asyncio.Event()
        telling = Telling(["github"], ["netlify"])
        self.deployer = Deployer(
            self.queue,
            self.history,
            self.tips,
            self.way,
            telling,
            patience=self.patience,
            metrics=self.metrics,
            beats=self.beats,
        )
        self.task = asyncio.create_task(self.deployer.run(self.stop))

    async def crash(self):
        """Everything that is not on disk is gone."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.close()

    async def close(self):
        await self.queue.__aexit__(None, None, None)
        await self.history.__aexit__(None, None, None)

    async def push(self, tip=None):
        if tip is not None:
            self.tips.said = [tip]
        self.pushes += 1
        assert await self.queue.accept(Delivery("github", str(self.pushes), "site"))

    async def at_rest(self):
        async def nothing():
            return not await self.queue.wanted() and self.beats.shown()["deployments"] == "waiting for a push"

        await until(nothing)


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path)
    await made.open()
    yield made
    made.stop.set()
    made.way.ended.put_nowait(Result(Outcome.INTERRUPTED, "stopped"))
    await asyncio.wait_for(made.task, 5)
    await made.close()


async def test_a_push_has_the_tip_deployed_which_the_repository_says(world):
    world.way.results = [WELL]
    await world.push("b")
    await world.at_rest()
    assert world.way.tips() == ["b"]
    assert (await world.history.last("site")).outcome is Outcome.DEPLOYED


async def test_a_tip_that_is_live_is_not_deployed_again(world):
    world.way.results = [WELL]
    await world.push("b")
    await world.at_rest()
    await world.push("b")
    await world.at_rest()
    assert world.way.tips() == ["b"]


async def test_pushes_during_a_deployment_make_one_more_of_the_newest(world):
    await world.push("a")
    await until(lambda: world.way.begun)
    for number in range(50):
        await world.push(f"b{number}")
    world.way.ended.put_nowait(WELL)
    world.way.ended.put_nowait(WELL)
    await world.at_rest()
    assert world.way.tips() == ["a", "b49"]


async def test_a_failure_is_tried_again_and_is_final_after_the_last_attempt(world):
    world.way.results = [BADLY] * 3
    await world.push("b")
    await world.at_rest()
    assert [one.attempt for one in world.way.begun] == [1, 2, 3]
    assert len({one.first for one in world.way.begun}) == 1
    report = await world.history.next_report("github")
    assert (report.state, report.said) == ("failure", "failed on netlify")
    world.way.results = [WELL]
    assert await world.queue.accept(Delivery("github", str(world.pushes), "site")), "it may be sent again"
    await world.at_rest()
    assert world.way.begun[-1].attempt == 1


async def test_before_the_last_attempt_nobody_is_told_of_a_failure(world):
    world.way.results = [BADLY]
    await world.push("b")
    await until(lambda: len(world.way.begun) == 2)
    report = await world.history.next_report("github")
    assert (report.state, report.said) == ("running", "attempt 1 of 3: failed on netlify")
    world.way.ended.put_nowait(WELL)
    await world.at_rest()


async def test_a_new_push_ends_the_pause_and_the_old_tip_gives_way(world):
    world.deployer._patience = Patience(attempts=3, wait=1000.0, between_looks=0.0)
    world.way.results = [BADLY, WELL]
    await world.push("b")
    await until(lambda: "again" in world.beats.shown().get("deployments", ""))
    await world.push("c")
    await world.at_rest()
    assert [(one.tip, one.attempt) for one in world.way.begun] == [("b", 1), ("c", 1)]
    report = await world.history.next_report("github")
    assert (report.tip, report.state, report.said) == ("b", "error", "gave way to c")


async def test_a_repository_that_does_not_answer_is_asked_again_and_the_push_waits(world, caplog):
    world.way.results = [WELL]
    world.tips.said = [TipUnknown("no route"), TipUnknown("no route"), "b"]
    await world.push()
    await world.at_rest()
    assert world.way.tips() == ["b"]
    assert "the tip is not known: no route" in caplog.text


async def test_an_older_tip_from_a_mirror_that_lags_is_not_believed(world):
    world.way.results = [WELL, WELL]
    for tip in "ab":
        await world.push(tip)
        await world.at_rest()
    world.tips.said = ["a", "a", "b"]
    await world.push()
    await world.at_rest()
    assert world.way.tips() == ["a", "b"]


async def test_a_branch_that_was_set_back_is_followed_after_three_equal_answers(world):
    world.way.results = [WELL, WELL, WELL]
    for tip in "ab":
        await world.push(tip)
        await world.at_rest()
    before = world.tips.asked
    await world.push("a")
    await world.at_rest()
    assert (world.way.tips(), world.tips.asked - before) == (["a", "b", "a"], 3)


async def test_a_run_that_died_is_noted_and_done_again(world, caplog):
    await world.push("b")
    await until(lambda: world.way.begun)
    await world.crash()
    world.way.results = [WELL]
    await world.open()
    await world.at_rest()
    assert world.way.tips() == ["b", "b"]
    assert "deployment 1 of b was cut off; it is done again" in caplog.text
    assert (await world.history.deployment(1)).outcome is Outcome.DIED
    assert [one.attempt for one in world.way.begun] == [1, 1], "to be killed is no failure"


async def test_a_remote_run_that_was_under_way_is_taken_up(world):
    class Remote(ScriptedWay):
        name = "gitlab-pipeline"

        async def deploy(self, deployment, note, stop):
            if not deployment.handle:
                await note("70")
            return await super().deploy(deployment, note, stop)

    await world.crash()
    world.way = Remote()
    await world.open()
    await world.push("b")
    await until(lambda: world.way.begun)
    await world.crash()
    world.way.results = [WELL]
    await world.open()
    await world.at_rest()
    assert [(one.id, one.handle) for one in world.way.begun] == [(1, ""), (1, "70")]


async def test_a_stop_waits_for_what_runs_and_begins_nothing_more(world):
    await world.push("b")
    await until(lambda: world.way.begun)
    await world.push("c")
    world.stop.set()
    await asyncio.sleep(0.02)
    assert not world.task.done()
    world.way.ended.put_nowait(Result(Outcome.INTERRUPTED, "stopped"))
    await asyncio.wait_for(asyncio.shield(world.task), 5)
    assert (world.way.tips(), len(await world.queue.wanted())) == (["b"], 1)


async def test_a_deployment_that_takes_too_long_is_named_as_stuck(tmp_path):
    now = [0.0]
    world = World(tmp_path)
    world.beats = Heartbeats(clock=lambda: now[0])
    await world.open()
    await world.push("b")
    await until(lambda: world.way.begun)
    assert world.beats.stuck() == {}
    now[0] = world.patience.limit + 1
    assert world.beats.stuck() == {"deployments": "deploying b by up, for 3601 s"}
    await world.crash()
