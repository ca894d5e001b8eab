"""How long visitors are still sent to a platform that has failed.

Cloudflare checks each platform every ``interval`` seconds from three data centres for each region. A data centre's
check fails with the share of requests that fail; two of three settle a region, more than half of the regions settle a
round. ``down`` failed rounds in a row take the platform out, ``up`` good ones bring it back, so a partial outage may go
unnoticed or flap. An outage begins at any moment between two checks with equal chance.
https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

PROBES_PER_REGION = 3
_SETTLED = 1e-15


@dataclass(frozen=True)
class Checking:
    """How health is checked. Times are seconds."""

    interval: float = 60
    timeout: float = 5
    retries: int = 2
    """Repetitions of a check that timed out; no other failure is repeated."""
    down: int = 2
    up: int = 2
    regions: int = 1
    propagation: float = 0
    """From a settled health to all visitors being sent elsewhere."""
    dns_ttl: float | None = None
    """Life of the DNS answer when the edge is not proxied; None: proxied, so no visitor's DNS has to change."""

    def lag(self, *, hard: bool) -> float:
        """Seconds from the start of the deciding check until visitors go elsewhere.

        A platform that does not answer makes the check wait for every time-out; an error page answers at once.
        """
        waiting = self.timeout * (self.retries + 1) if hard else 0.0
        return waiting + self.propagation + (self.dns_ttl or 0.0) / 2

    def mean_delay(self, *, hard: bool) -> float:
        """Seconds until a platform that fails entirely gets no more visitors, on average.

        interval / 2 + (down - 1) x interval + lag.
        """
        return self.interval / 2 + (self.down - 1) * self.interval + self.lag(hard=hard)

    def round_fails(self, share: float) -> float:
        """Chance that one round of checks finds the platform failing while ``share`` of its requests fail."""
        region = _more_than(PROBES_PER_REGION / 2, PROBES_PER_REGION, share)
        return _more_than(self.regions / 2, self.regions, region)

    def exposed(self, minutes: Numbers, shares: Numbers, *, hard: bool) -> Numbers:
        """Minutes of each outage during which visitors are sent to the platform, by length and share of the outage."""
        lag = self.lag(hard=hard)
        found = [self._exposed(float(m) * 60, float(s), lag) / 60 for m, s in zip(minutes, shares, strict=True)]
        return np.array(found, dtype=np.float64)

    def _exposed(self, seconds: float, share: float, lag: float) -> float:
        """The chance of still being sent there, summed over the outage.

        After the lag it falls from one round's value to the next along a straight line, for the first check is equally
        likely at any moment of the interval.
        """
        if seconds <= lag:
            return seconds
        rounds = (seconds - lag) / self.interval
        whole = math.floor(rounds)
        chance = _healthy(self.round_fails(share), self.down, self.up, whole + 1)
        last = chance[whole] + (rounds - whole) * (chance[whole + 1] - chance[whole])
        body = np.trapezoid(chance[: whole + 1]) + (rounds - whole) * (chance[whole] + last) / 2
        return lag + self.interval * float(body)


def _more_than(half: float, trials: int, chance: float) -> float:
    """Chance of more than ``half`` successes among ``trials``."""
    return min(
        1.0,
        math.fsum(
            math.comb(trials, hits) * chance**hits * (1 - chance) ** (trials - hits)
            for hits in range(math.floor(half) + 1, trials + 1)
        ),
    )


@lru_cache(maxsize=4096)
def _healthy(fails: float, down: int, up: int, rounds: int) -> Numbers:
    """Chance that the platform counts as healthy after 0, 1, … ``rounds`` rounds, shape (rounds + 1,).

    A Markov chain: healthy with 0 … down-1 failures in a row, then unhealthy with 0 … up-1 passes in a row.
    """
    step = _transitions(fails, down, up)
    state = np.zeros(down + up)
    state[0] = 1.0
    chances = np.empty(rounds + 1)
    for number in range(rounds + 1):
        chances[number] = state[:down].sum()
        following = state @ step
        if np.abs(following - state).max() < _SETTLED:
            chances[number:] = chances[number]
            break
        state = following
    return chances


def _transitions(fails: float, down: int, up: int) -> Numbers:
    step = np.zeros((down + up, down + up))
    for failures in range(down):
        step[failures, failures + 1] = fails  # the last one leads to `down`: unhealthy, no pass yet
        step[failures, 0] += 1 - fails
    for passes in range(up):
        step[down + passes, down] += fails
        step[down + passes, (down + passes + 1) if passes + 1 < up else 0] += 1 - fails
    return step
