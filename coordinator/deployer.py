"""Makes the newest tip live: takes what is wanted from the queue, asks for the tip, deploys it, tries again.

One deployment runs at a time. The tip is asked for after the pushes it serves, so it holds them all; a push that comes
later is wanted still. No tip is deployed after a newer one: a tip that was live before another is believed only when
the repository says so three times, for a mirror may lag behind.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass, replace

import stamina

from coordinator.heartbeats import Heartbeats
from coordinator.history import Deployment, History, Outcome, Result
from coordinator.metrics import Metrics
from coordinator.queue import DeployQueue, Wanted, oldest
from coordinator.reports import Telling
from coordinator.stopping import Stopped, rest, unless_stopped
from coordinator.tips import Tips, TipUnknown
from coordinator.ways import Way

_log = logging.getLogger(__name__)
TASK = "deployments"
_ANSWERS = 3
"""Equal answers after which a tip that was live before is believed to be the tip again."""

_ONE_ANSWER = 300.0


@dataclass(frozen=True)
class Patience:
    """Real seconds, and how often."""

    attempts: int = 5
    wait: float = 30.0
    longest_wait: float = 900.0
    limit: float = 3600.0
    between_answers: float = 10.0
    between_looks: float = 1.0
    """However many pushes come, the repository is asked for the tip no oftener than this."""

    def before(self, attempt: int) -> float:
        """Pause before an attempt, the second being the first that has one."""
        return float(min(self.wait * 2 ** (attempt - 2), self.longest_wait))


class Deployer:
    """One target, one way."""

    def __init__(
        self,
        queue: DeployQueue,
        history: History,
        tips: Tips,
        way: Way,
        telling: Telling,
        *,
        patience: Patience,
        metrics: Metrics,
        beats: Heartbeats,
    ) -> None:
        self._queue = queue
        self._history = history
        self._tips = tips
        self._way = way
        self._telling = telling
        self._patience = patience
        self._metrics = metrics
        self._beats = beats
        self._looked = -math.inf

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set and what runs has ended."""
        try:
            await self._take_up(stop)
            while True:
                self._queue.changed.clear()
                wanted = await self._waiting()
                if wanted is not None:
                    await rest(stop, self._looked + self._patience.between_looks - time.monotonic())
                    await self._serve(wanted.target, stop)
                    self._looked = time.monotonic()
                else:
                    self._beats.beat(TASK, "waiting for a push")
                    await unless_stopped(stop, self._queue.changed.wait())
        except Stopped:
            self._beats.beat(TASK, "stopped")

    async def _take_up(self, stop: asyncio.Event) -> None:
        """What a coordinator that was killed or stopped left: followed where that goes, noted where it does not."""
        last = await self._history.last_success()
        self._metrics.succeeded(last.ended if last else None)
        for left in await self._history.unfinished():
            if left.handle and left.way == self._way.name:
                _log.info("deployment %d of %s goes on: %s", left.id, left.tip[:12], left.handle)
                await self._attempt(left, stop)
            else:
                _log.warning("deployment %d of %s was cut off; it is done again", left.id, left.tip[:12])
                result = Result(Outcome.DIED, "the coordinator was cut off within it; it is done again")
                await self._ended(left, result, final=False)
                await self._queue.want_unless_waiting(left.target)

    async def _serve(self, target: str, stop: asyncio.Event) -> None:
        """Deploy the tip, again and again until it is live, it fails for good, or a newer one comes."""
        before = await self._series(target)
        while True:
            wanted = await self._waiting(target)
            if wanted is None:
                return
            tip = await self._tip(target, stop)
            if await self._is_live(target, tip):
                _log.info("%s is live already", tip[:12])
                await self._queue.finish(wanted, deployed=True)
                return
            if before is not None and before.tip != tip:
                await self._history.tell(self._telling.superseded(before, tip))
                before = None
            begun = await self._history.begin(target, wanted.number, tip, self._way.name, before)
            before = await self._attempt(begun, stop)
            if before.outcome is Outcome.INTERRUPTED:
                raise Stopped
            if before.outcome is Outcome.DEPLOYED or before.attempt >= self._patience.attempts:
                return
            await self._rest(before, stop)

    async def _series(self, target: str) -> Deployment | None:
        """The last attempt, where it is to be followed by others."""
        last = await self._history.last(target)
        if last is None or last.outcome is Outcome.DEPLOYED:
            return None
        final = last.outcome is Outcome.FAILED and last.attempt >= self._patience.attempts
        return None if final else last

    async def _attempt(self, deployment: Deployment, stop: asyncio.Event) -> Deployment:
        tip = deployment.tip[:12]
        _log.info("deployment %d: %s by %s, attempt %d", deployment.id, tip, self._way.name, deployment.attempt)
        self._beats.beat(TASK, f"deploying {tip} by {self._way.name}", self._patience.limit)
        if deployment.attempt == 1:
            await self._history.tell(self._telling.begun(deployment))
        with self._metrics.timed("deploy"):
            result = await self._way.deploy(deployment, lambda handle: self._history.note(deployment.id, handle), stop)
        followed = self._way.name != "up" and result.outcome is Outcome.INTERRUPTED
        if followed:  # it goes on without us and is taken up at the next start
            return replace(deployment, outcome=Outcome.INTERRUPTED)
        final = result.outcome is Outcome.FAILED and deployment.attempt >= self._patience.attempts
        await self._ended(deployment, result, final=final)
        return await self._history.deployment(deployment.id)

    async def _ended(self, deployment: Deployment, result: Result, *, final: bool) -> None:
        """Remember first, then take it from the queue: killed between the two, it is done again."""
        level = logging.INFO if result.outcome is Outcome.DEPLOYED else logging.WARNING
        _log.log(level, "deployment %d: %s: %s", deployment.id, result.outcome, result.said)
        reports = self._telling.ended(deployment, result, final=final, of=self._patience.attempts)
        await self._history.end(deployment.id, result, reports)
        self._metrics.deployments.labels(deployment.way, result.outcome).inc()
        if result.outcome is Outcome.DEPLOYED or final:
            deployed = result.outcome is Outcome.DEPLOYED
            await self._queue.finish(Wanted(deployment.target, deployment.number, 0.0), deployed=deployed)
        if result.outcome is Outcome.DEPLOYED:
            last = await self._history.last_success()
            self._metrics.succeeded(last.ended if last else None)

    async def _tip(self, target: str, stop: asyncio.Event) -> str:
        """The tip; raises Stopped. A repository that does not answer is asked ever more rarely."""
        patient = stamina.retry_context(
            on=self._unknown,
            attempts=None,
            timeout=None,
            wait_initial=self._patience.wait / 10,
            wait_max=self._patience.longest_wait,
        )

        async def ask() -> str:
            async for attempt in patient:
                with attempt, self._metrics.timed("tip"):
                    self._beats.beat(TASK, "asking for the tip", _ONE_ANSWER)
                    return await self._believable(target)
            raise TipUnknown("never asked")

        return await unless_stopped(stop, ask())

    async def _believable(self, target: str) -> str:
        tip = await self._tips.tip()
        if not await self._history.is_older(target, tip):
            return tip
        for _ in range(_ANSWERS - 1):
            await asyncio.sleep(self._patience.between_answers)
            again = await self._tips.tip()
            if again != tip:
                return again
        _log.warning("the branch has gone back to %s", tip[:12])
        return tip

    def _unknown(self, error: Exception) -> bool:
        if not isinstance(error, TipUnknown):
            return False
        _log.warning("the tip is not known: %s", error)
        return True

    async def _is_live(self, target: str, tip: str) -> bool:
        last = await self._history.last(target)
        return last is not None and last.tip == tip and last.outcome is Outcome.DEPLOYED

    async def _rest(self, failed: Deployment, stop: asyncio.Event) -> None:
        """Pause before the next attempt; a new push ends it."""
        pause = self._patience.before(failed.attempt + 1)
        self._beats.beat(TASK, f"waiting {pause:.0f} s to try {failed.tip[:12]} again")
        end = time.monotonic() + pause
        while (left := end - time.monotonic()) > 0:
            self._queue.changed.clear()
            wanted = await self._waiting(failed.target)
            if wanted is None or wanted.number > failed.number:
                return
            await rest(stop, left, sooner=self._queue.changed)

    async def _waiting(self, target: str | None = None) -> Wanted | None:
        found = await self._queue.wanted()
        self._metrics.waiting.set(len(found))
        return oldest([one for one in found if target in {None, one.target}])
