"""Pushes, repeated deliveries, crashes, restarts, deployments that end well or badly, in any order.

The real queue, history and deployer; only the way and the repository are the test's.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.strategies import integers

from coordinator.deployer import Patience
from coordinator.history import Outcome, Result
from coordinator.queue import Delivery
from tests.coordinator.test_deployer import World

_TURNS = 60


class Deliveries(RuleBasedStateMachine):
    """A tip is a number: a later push has a higher one."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.world = World(Path(self.folder.name))
        self.world.patience = Patience(attempts=2, wait=0.0, longest_wait=0.0, between_answers=0.0, between_looks=0.0)
        self.world.tips.said = ["0"]
        self.tip, self.ends, self.live = 0, 0, []
        self.do(self.world.open())

    def do(self, work):
        return self.loop.run_until_complete(work)

    def settle(self):
        """Let the tasks go on until they wait for something."""

        async def turns():
            for _ in range(_TURNS):
                await asyncio.sleep(0.0005)

        self.do(turns())

    @property
    def running(self):
        """The tip that is being deployed."""
        return self.world.way.begun[-1].tip if len(self.world.way.begun) > self.ends else None

    def end(self, outcome):
        self.ends += 1
        self.world.way.ended.put_nowait(Result(outcome, str(outcome)))
        self.settle()

    @rule()
    def push(self):
        self.tip += 1
        self.world.tips.said = [str(self.tip)]
        assert self.do(self.world.queue.accept(Delivery("github", str(self.tip), "site")))
        self.settle()

    @rule(back=integers(0, 3))
    def redeliver(self, back):
        if self.tip - back >= 1:
            self.do(self.world.queue.accept(Delivery("github", str(self.tip - back), "site")))
            self.settle()

    @precondition(lambda self: self.running is not None)
    @rule()
    def deploy_ok(self):
        self.live.append(int(self.running))
        self.end(Outcome.DEPLOYED)
        assert self.live == sorted(self.live), "an older tip after a newer one"

    @precondition(lambda self: self.running is not None)
    @rule()
    def deploy_fails(self):
        self.end(Outcome.FAILED)

    @rule()
    def crash_and_restart(self):
        self.do(self.world.crash())
        self.ends = len(self.world.way.begun)
        self.world.way.ended = asyncio.Queue()
        self.do(self.world.open())
        self.settle()

    def failed_for_good(self):
        """Whether the newest tip was given up, which only a further push or delivery changes."""
        last = self.do(self.world.history.last("site"))
        if last is None or last.outcome is not Outcome.FAILED or last.tip != str(self.tip):
            return False
        return last.attempt >= self.world.patience.attempts and not self.do(self.world.queue.wanted())

    def teardown(self):
        if not hasattr(self, "world"):
            return
        for _ in range(10):
            if self.running is not None:
                self.deploy_ok()
        if self.tip and not self.failed_for_good():
            assert self.live[-1:] == [self.tip], "the newest push is not live in the end"
        self.do(self.world.crash())
        self.loop.close()
        self.folder.cleanup()


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
