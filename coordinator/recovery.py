"""The recovery at work: look, decide, remember, set; and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

import stamina

from coordinator.balancer import Balancer
from coordinator.errors import Unreachable
from coordinator.memory import Memory
from coordinator.ramp import Command, Health, Rules, Seen, decide

_log = logging.getLogger(__name__)
#: While Cloudflare cannot be asked, so many usual pauses are between two tries at the most. With the usual 15 s that is
#: its block for too many requests: https://developers.cloudflare.com/fundamentals/api/reference/limits/
_LONGEST_PAUSE = 20
_TROUBLE = (Unreachable, OSError)


class Recovery:
    """Brings the pools of one load balancer back in steps. Fails static: without a whole look nothing is changed."""

    def __init__(
        self,
        balancer: Balancer,
        memory: Memory,
        rules: Rules,
        pause: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``pause`` is real seconds between two looks; ``clock`` goes on through restarts."""
        self._balancer = balancer
        self._memory = memory
        self._rules = rules
        self._pause = pause
        self._clock = clock
        self._healths: dict[str, Health] = {}
        self._trouble = ""

    async def run(self) -> None:
        """For ever; while Cloudflare cannot be asked, ever more rarely."""
        while True:
            patient = stamina.retry_context(
                on=self._noted,
                attempts=None,
                timeout=None,
                wait_initial=self._pause,
                wait_max=_LONGEST_PAUSE * self._pause,
                wait_jitter=self._pause / 10,
            )
            async for attempt in patient:
                with attempt:
                    await self.once()
            self._relieved()
            await asyncio.sleep(self._pause)

    async def once(self) -> None:
        """One look and what follows from it; raises Unreachable or OSError.

        What is to be set is remembered first, so that whoever comes after a crash goes on from there. The first thing
        that cannot be set ends it: the rest was decided in the belief that it was.
        """
        seen = await self._balancer.look()
        self._tell(seen)
        decision = decide(self._rules, self._memory.pools, seen, self._clock())
        self._memory.keep(decision.pools)
        for command in decision.commands:
            await self._balancer.set_share(command.pool, command.share)
            _log.info("%s", told(command, seen))

    def _tell(self, seen: Mapping[str, Seen]) -> None:
        for key, pool in seen.items():
            before, self._healths[key] = self._healths.get(key), pool.health
            if before is not None and before is not pool.health:
                _log.info("%s: %s → %s%s", pool.name, before, pool.health, f" ({pool.why})" if pool.why else "")

    def _noted(self, error: Exception) -> bool:
        """Say once what the trouble is; true when it is one that time can heal."""
        if not isinstance(error, _TROUBLE):
            return False
        if str(error) != self._trouble:
            self._trouble = str(error)
            _log.warning("%s; traffic stays as it is", error)
        return True

    def _relieved(self) -> None:
        if self._trouble:
            self._trouble = ""
            _log.info("Cloudflare can be asked again")


class Rehearsal:
    """A balancer that is looked at and not changed: what would be set is shown to the next look instead."""

    def __init__(self, balancer: Balancer) -> None:
        self._balancer = balancer
        self._set: dict[str, int] = {}

    async def look(self) -> dict[str, Seen]:
        """The pools, with the shares they would have."""
        found = await self._balancer.look()
        return {
            key: Seen(pool.name, pool.health, self._set.get(key, pool.share), pool.interval, pool.why)
            for key, pool in found.items()
        }

    async def set_share(self, pool: str, share: int) -> None:
        """Only remembered."""
        self._set[pool] = share


def told(command: Command, seen: Mapping[str, Seen]) -> str:
    """One line: who, from which share to which, and why."""
    before = seen[command.pool].share
    shown = f"{before} %" if before is not None else "shed by somebody else"
    return f"{command.name}: {shown} → {command.share} %: {command.reason}"
