"""How a pool that was down gets its visitors back. Pure: what was seen and the time go in, what to set comes out.

Cloudflare has no slow start: a pool that is healthy again gets all of its traffic at once, before anybody hears of it.
So a pool is closed while it is down, by shedding all of its traffic, and opened step by step once it is well.

A pool's *share* is the part of its own traffic it may take, in percent: 0 closed, 100 whole, between them it *returns*.
Times are seconds of one clock that goes on through restarts. Should it jump, counting starts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

CLOSED, WHOLE = 0, 100


class Health(StrEnum):
    """What the checks of a pool say."""

    HEALTHY = "healthy"
    DOUBTFUL = "doubtful"
    """It serves, but not every place that checks is content."""
    DOWN = "down"
    UNKNOWN = "unknown"
    """Not checked yet, or switched off. Nothing is concluded from that."""


@dataclass(frozen=True)
class Rules:
    """How fast and how far."""

    steps: tuple[int, ...] = (5, 25, 50, 100)
    """Shares on the way back, rising, the last one 100."""
    dwell: float = 300.0
    """Least time on a step, and from recovery to the first step."""
    clean_probes: int = 3
    """Good checks in a row, none before the last change, until the next step."""
    longest_wait: float = 3600.0
    """Most time from recovery to the first step, however often the pool failed."""
    calm: float = 86400.0
    """Time whole and without failure after which earlier failures are forgotten."""
    whole_pools: int = 1
    """Pools that must be whole and serving for another one to be closed."""
    silence: float = 180.0
    """After so long without news nothing that was counted before counts."""


@dataclass(frozen=True)
class Seen:
    """One pool as the load balancer tells of it now."""

    name: str
    health: Health
    share: int | None
    """None: shed in a way that is not ours."""
    interval: float
    """Time between two checks: seen twice within it, a good check counts once."""
    why: str = ""
    """What the checks complain of."""

    @property
    def serves(self) -> bool:
        """Whether the load balancer sends visitors there."""
        return self.health in {Health.HEALTHY, Health.DOUBTFUL}


@dataclass(frozen=True)
class Pool:
    """What is remembered of a pool."""

    share: int
    """The share it is to have."""
    settled: bool
    """Whether the load balancer has shown that share since it was decided on."""
    since: float
    """When it got its share, or when its present health began, whichever is later."""
    seen: float
    """When it was last heard of."""
    clean: int = 0
    """Good checks since then."""
    counted: float = 0.0
    """When the last of them was counted."""
    failing: bool = False
    wait: float = 0.0
    """From recovery to its first step; 0: it has not failed for long."""


@dataclass(frozen=True)
class Command:
    """Set the share of a pool."""

    pool: str
    name: str
    share: int
    reason: str


@dataclass(frozen=True)
class Decision:
    """What to remember, what to set, and in that order."""

    pools: Mapping[str, Pool]
    commands: tuple[Command, ...]


def decide(rules: Rules, known: Mapping[str, Pool], seen: Mapping[str, Seen], now: float) -> Decision:
    """What follows from one look at all pools; both maps go by pool id, ``seen`` in failover order.

    Without a look there is no decision: whoever cannot see all pools leaves everything as it is.
    """
    return _Look(rules, known, seen, now).decision()


class _Look:
    """One look, being thought through."""

    def __init__(self, rules: Rules, known: Mapping[str, Pool], seen: Mapping[str, Seen], now: float) -> None:
        self._rules = rules
        self._seen = seen
        self._now = now
        self._reasons: dict[str, str] = {}
        self._pools: dict[str, Pool] = {}
        for key, pool in seen.items():
            self._pools[key] = self._heard(key, known[key], pool) if key in known else self._met(pool)

    def decision(self) -> Decision:
        """Close what fails, open what must, then take one step."""
        self._keep_one_returning()
        self._rescue()
        self._close()
        self._step()
        changed = [key for key, pool in self._pools.items() if not pool.settled]
        changed.sort(key=lambda key: self._pools[key].share == CLOSED)  # open first: no moment without a whole pool
        return Decision(dict(self._pools), tuple(self._command(key) for key in changed))

    def _command(self, key: str) -> Command:
        found = self._seen[key]
        shown = "shed in another way" if found.share is None else f"at {found.share} %"
        reason = self._reasons.get(key, f"it is {shown} and not as it was left")
        return Command(key, found.name, self._pools[key].share, reason)

    # What was heard

    def _met(self, seen: Seen) -> Pool:
        """A pool nothing is remembered of: one that is shed as we would have done it is on its way back."""
        ours = seen.share in {CLOSED, *self._rules.steps} and seen.share is not None
        share = seen.share if ours and seen.share is not None else WHOLE
        failing = seen.health is Health.DOWN and share != WHOLE
        wait = self._rules.dwell if share != WHOLE else 0.0
        first = seen.health is Health.HEALTHY
        return Pool(share, True, self._now, self._now, int(first), self._now, failing, wait)

    def _heard(self, key: str, pool: Pool, seen: Seen) -> Pool:
        if not 0 <= self._now - pool.seen <= self._rules.silence:
            pool = replace(pool, since=self._now, clean=0, counted=self._now)
        pool = self._compared(pool, seen)
        bad = seen.health is Health.DOWN or (seen.health is Health.DOUBTFUL and pool.share != WHOLE)
        if bad:
            pool = self._failed(key, pool, seen)
        elif seen.health is Health.HEALTHY:
            pool = self._well(pool, seen)
        else:
            pool = replace(pool, clean=0)
        return replace(pool, seen=self._now)

    def _compared(self, pool: Pool, seen: Seen) -> Pool:
        """Whether the load balancer shows what was decided; a whole pool that somebody else sheds is theirs."""
        if seen.share == pool.share:
            return pool if pool.settled else replace(pool, settled=True, since=self._now, clean=0, counted=self._now)
        if pool.share == WHOLE and pool.settled:
            return pool
        return replace(pool, settled=False, clean=0, counted=self._now)

    def _failed(self, key: str, pool: Pool, seen: Seen) -> Pool:
        if pool.failing:
            return replace(pool, clean=0)
        wait = self._next_wait(pool)
        pool = replace(pool, failing=True, wait=wait, since=self._now, clean=0)
        if pool.share in {CLOSED, WHOLE}:
            return pool
        self._reasons[key] = (
            f"failed at {pool.share} % ({seen.why or seen.health}); next try {wait:.0f} s after recovery"
        )
        return replace(pool, share=CLOSED, settled=False)

    def _next_wait(self, pool: Pool) -> float:
        calm = pool.share == WHOLE and self._now - pool.since >= self._rules.calm
        if pool.wait == 0 or calm:
            return self._rules.dwell
        return min(2 * pool.wait, max(self._rules.longest_wait, self._rules.dwell))

    def _well(self, pool: Pool, seen: Seen) -> Pool:
        if pool.failing:
            return replace(pool, failing=False, since=self._now, clean=1, counted=self._now)
        if pool.share == WHOLE and pool.wait and self._now - pool.since >= self._rules.calm:
            pool = replace(pool, wait=0.0)
        if self._now - pool.counted < seen.interval:
            return pool
        return replace(pool, clean=pool.clean + 1, counted=self._now)

    # What to do

    def _whole(self) -> list[str]:
        """Pools that serve and take all of their traffic."""
        return [
            key
            for key, pool in self._pools.items()
            if pool.share == WHOLE and self._seen[key].serves and not self._theirs(key)
        ]

    def _theirs(self, key: str) -> bool:
        """Whether a pool that is whole by our account is shed by somebody else."""
        return self._pools[key].settled and self._pools[key].share == WHOLE and self._seen[key].share != WHOLE

    def _set(self, key: str, share: int, reason: str) -> None:
        pool = self._pools[key]
        if pool.share == share:
            return
        self._pools[key] = replace(pool, share=share, settled=False, since=self._now, clean=0, counted=self._now)
        self._reasons[key] = reason

    def _returning(self) -> list[str]:
        return [key for key, pool in self._pools.items() if CLOSED < pool.share < WHOLE]

    def _keep_one_returning(self) -> None:
        """Several are found on their way back only when what was remembered is lost."""
        for key in self._returning()[1:]:
            self._set(key, CLOSED, "another pool is on its way back")

    def _rescue(self) -> None:
        """With no whole pool that serves, visitors would go to the fallback pool, whatever its health."""
        if self._whole():
            return
        serving = [key for key in self._pools if self._seen[key].serves and self._pools[key].share != WHOLE]
        if serving:
            best = max(serving, key=lambda key: self._pools[key].share)
            self._set(best, WHOLE, "no other pool that serves is whole")
        elif all(found.health is Health.DOWN for found in self._seen.values()):
            for key in self._pools:
                self._set(key, WHOLE, "every pool is down: the first one back must take all visitors")

    def _close(self) -> None:
        """Close what is down, before its health flips."""
        if len(self._whole()) < self._rules.whole_pools:
            return
        for key, found in self._seen.items():
            if found.health is Health.DOWN and self._pools[key].share == WHOLE and not self._theirs(key):
                wait = self._pools[key].wait
                self._set(
                    key, CLOSED, f"down ({found.why or 'no reason given'}); first step {wait:.0f} s after recovery"
                )

    def _step(self) -> None:
        """One step of one pool, and only while every pool is known to be as it was left."""
        if not all(pool.settled for pool in self._pools.values()):
            return
        waiting = [key for key, pool in self._pools.items() if pool.share == CLOSED]
        for key in self._returning() or waiting:
            if self._ready(key):
                self._advance(key)
                return

    def _ready(self, key: str) -> bool:
        pool = self._pools[key]
        rest = self._rules.dwell if pool.share else max(pool.wait, self._rules.dwell)
        clean = self._seen[key].health is Health.HEALTHY and pool.clean >= self._rules.clean_probes
        return clean and self._now - pool.since >= rest

    def _advance(self, key: str) -> None:
        pool = self._pools[key]
        share = next((step for step in self._rules.steps if step > pool.share), WHOLE)
        elapsed = self._now - pool.since
        self._set(key, share, f"{pool.clean} good checks and {elapsed:.0f} s without failure")
