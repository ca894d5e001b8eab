from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import booleans, integers

from coordinator.queue import Delivery, DeployQueue, QueueUnavailable, Wanted, oldest

MAIN = "github:robot/site:main"


@pytest.fixture
async def queue(tmp_path):
    async with DeployQueue(tmp_path / "queue.sqlite") as opened:
        yield opened


async def test_a_delivery_is_wanted_once_however_often_it_is_sent(queue):
    assert await queue.accept(Delivery("github", "1", MAIN))
    assert not await queue.accept(Delivery("github", "1", MAIN))
    assert await queue.accept(Delivery("gitlab", "1", "gitlab:robot/site:main"))
    assert {one.target: one.number for one in await queue.wanted()} == {MAIN: 1, "gitlab:robot/site:main": 1}


async def test_fifty_pushes_within_a_deployment_make_one_more(queue):
    await queue.accept(Delivery("github", "0", MAIN))
    (running,) = await queue.wanted()
    await asyncio.gather(*(queue.accept(Delivery("github", str(number), MAIN)) for number in range(1, 51)))
    await queue.finish(running, deployed=True)
    (again,) = await queue.wanted()
    assert again.number == 51
    await queue.finish(again, deployed=True)
    assert await queue.wanted() == []


async def test_a_failed_deployment_may_be_asked_for_by_the_same_delivery(queue):
    await queue.accept(Delivery("github", "1", MAIN))
    (running,) = await queue.wanted()
    await queue.finish(running, deployed=False)
    assert await queue.wanted() == []
    assert await queue.accept(Delivery("github", "1", MAIN))
    assert len(await queue.wanted()) == 1


async def test_an_end_that_is_reported_late_takes_nothing_back(queue):
    await queue.accept(Delivery("github", "1", MAIN))
    (first,) = await queue.wanted()
    await queue.accept(Delivery("github", "2", MAIN))
    (second,) = await queue.wanted()
    await queue.finish(second, deployed=True)
    await queue.finish(first, deployed=True)
    assert await queue.wanted() == []


async def test_the_one_that_waits_longest_comes_first(tmp_path):
    now = [100.0]
    async with DeployQueue(tmp_path / "q", clock=lambda: now[0]) as queue:
        await queue.want("b")
        now[0] = 200.0
        await queue.want("a")
        await queue.want("b")
        assert oldest(await queue.wanted()) == Wanted("b", 2, 100.0)


async def test_old_deliveries_are_forgotten(tmp_path):
    now = [0.0]
    async with DeployQueue(tmp_path / "q", clock=lambda: now[0]) as queue:
        await queue.accept(Delivery("github", "1", MAIN))
        now[0] = 8 * 24 * 3600.0
        await queue.accept(Delivery("github", "2", MAIN))
        assert await queue.accept(Delivery("github", "1", MAIN))


async def test_what_was_accepted_is_there_after_a_restart(tmp_path):
    async with DeployQueue(tmp_path / "q") as queue:
        await queue.accept(Delivery("github", "1", MAIN))
    async with DeployQueue(tmp_path / "q") as queue:
        assert queue.changed.is_set()
        assert not await queue.accept(Delivery("github", "1", MAIN))
        assert [one.target for one in await queue.wanted()] == [MAIN]


async def test_a_disk_that_takes_nothing_is_an_error_and_nothing_is_queued(tmp_path):
    async with DeployQueue(tmp_path / "q") as queue:
        pages = queue._database.connection.execute("PRAGMA page_count").fetchone()[0]
        queue._database.connection.execute(f"PRAGMA max_page_count = {pages}")
        many = [queue.accept(Delivery("github", f"{number:0200d}", f"{number}:{MAIN}")) for number in range(1000)]
        with pytest.raises(QueueUnavailable, match="full"):
            await asyncio.gather(*many)
        queue._database.connection.execute("PRAGMA max_page_count = 100000")
        assert await queue.wanted() == []
        assert await queue.accept(Delivery("github", "new", MAIN))
        assert len(await queue.wanted()) == 1


WRITER = """
import asyncio, sys
from pathlib import Path
from coordinator.queue import Delivery, DeployQueue
async def main():
    async with DeployQueue(Path(sys.argv[1])) as queue:
        for number in range(int(sys.argv[2]), 10**9):
            await asyncio.gather(*(queue.accept(Delivery("github", f"{number}-{part}", "t")) for part in range(3)))
            print(number, flush=True)
asyncio.run(main())
"""


def accepted_until_killed(path, first, after):
    """Last number that a writer said it had queued before it was killed, ``after`` numbers from the first."""
    command = [sys.executable, "-c", WRITER, str(path), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(after):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        return max([first + after - 1, *map(int, writer.stdout.read().split("\n")[:-1])])


async def test_nothing_accepted_is_lost_by_kill_9(tmp_path):
    path, accepted = tmp_path / "q", -1
    for round_number in range(10):
        accepted = accepted_until_killed(path, accepted + 1, 3 + 5 * round_number)
    async with DeployQueue(path) as queue:
        again = [await queue.accept(Delivery("github", f"{number}-2", "t")) for number in range(accepted + 1)]
        assert not any(again)
        (wanted,) = await queue.wanted()
        assert wanted.number >= 3 * (accepted + 1)


class Deployments(RuleBasedStateMachine):
    """Pushes, repeated deliveries, crashes and deployments in any order: the newest tip is live in the end."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "queue.sqlite"
        self.loop = asyncio.new_event_loop()
        self.tip, self.live, self.running, self.failed = 0, 0, None, False
        self.undeployed = set()
        self.open()

    def open(self):
        self.queue = self.loop.run_until_complete(DeployQueue(self.path).__aenter__())

    def do(self, work):
        return self.loop.run_until_complete(work)

    @rule()
    def push(self):
        self.tip += 1
        assert self.do(self.queue.accept(Delivery("github", str(self.tip), "t")))
        self.failed = False

    @rule(back=integers(0, 3))
    def redeliver(self, back):
        number = self.tip - back
        if number < 1 or not self.do(self.queue.accept(Delivery("github", str(number), "t"))):
            return
        assert number in self.undeployed
        self.undeployed.discard(number)
        self.failed = False

    @rule()
    def begin_deployment(self):
        wanted = self.do(self.queue.wanted())
        if wanted and self.running is None:
            self.running = (wanted[0], self.tip)

    @rule(deployed=booleans())
    def end_deployment(self, deployed):
        if self.running is None:
            return
        wanted, tip = self.running
        assert tip >= self.live, "an older tip after a newer"
        self.live = tip if deployed else self.live
        if not deployed:
            self.undeployed |= set(range(1, tip + 1))
        self.do(self.queue.finish(wanted, deployed=deployed))
        self.failed = not deployed and not self.do(self.queue.wanted())
        self.running = None

    @rule()
    def restart(self):
        self.running = None
        self.do(self.queue.__aexit__(None, None, None))
        self.open()

    @invariant()
    def a_newer_tip_is_always_wanted_running_or_has_failed(self):
        if hasattr(self, "queue") and self.live < self.tip:
            assert self.failed or self.do(self.queue.wanted())

    def teardown(self):
        if hasattr(self, "queue"):
            self.do(self.queue.__aexit__(None, None, None))
            self.loop.close()
            self.folder.cleanup()


TestDeployments = Deployments.TestCase
TestDeployments.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
