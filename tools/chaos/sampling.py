"""Which of many cases are tried: all, each n-th, or the share of one of several who try all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Sample:
    """Each ``every``-th case; ``first`` is the number of the first one, from 1 on, and None a random one."""

    every: int = 1
    first: int | None = None

    def numbers(self, total: int, random: Random) -> range:
        """Numbers from 1 to ``total``; where one is chosen at random there is never none."""
        first = self.first or 1 + random.randrange(min(self.every, max(1, total)))
        return range(first, total + 1, self.every)

    def shares(self, jobs: int, random: Random) -> list[Sample]:
        """The same cases, dealt out in turn."""
        first = self.first or 1 + random.randrange(self.every)
        return [Sample(self.every * jobs, first + self.every * job) for job in range(jobs)]
