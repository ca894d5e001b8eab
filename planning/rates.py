"""How often each cause takes something down, and for how long: estimated from the records.

Estimator: outages of a cause are a Poisson process. With ``n`` outages seen in a window of ``W`` years, the rate has
the posterior Gamma(n + 1/2, W) (Jeffreys prior); its mean is (n + 1/2) / W outages a year. The window is the five years
that end with the youngest date of reading in ``outages.csv``. Length and share of an outage are drawn from the cause's
own rows (Bayesian bootstrap: weights from a flat Dirichlet); rows without minutes count for the rate alone. A cause
whose rows are all without effect on a static site has n = 0, and the lengths of all causes pooled.

A cause without any row was not looked at, so its window counts for nothing. It gets an assumption in place of a rate:
as many outages as its provider's promise (SLA) leaves room for, Gamma(1/2) around that, lengths and shares pooled.
Where nothing is promised, the weakest promise among the known platforms is taken.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planning.assumptions import Values
from planning.providers import Provider, Providers
from planning.records import Outage

Numbers = NDArray[np.float64]

YEAR_MINUTES = 365.25 * 24 * 60
WINDOW_YEARS = 5
JEFFREYS = 0.5


@dataclass(frozen=True)
class Marks:
    """The outages that a cause's next one may be like, equally likely; arrays of one length."""

    minutes: Numbers
    shares: Numbers
    """Of the requests, 0 to 1."""
    soft: Numbers
    """Chance that it answers with an error page, 0 to 1."""

    @property
    def burden(self) -> float:
        """Mean of minutes x share."""
        return float(np.mean(self.minutes * self.shares))


@dataclass(frozen=True)
class Cause:
    """Something that takes down whatever stands on it. Its rate is Gamma(shape, years) in outages a year."""

    key: str
    title: str
    shape: float
    years: float
    marks: Marks
    basis: str
    """How the rate was found, for people."""
    assumed: bool
    """No record stands behind the rate."""

    @property
    def rate(self) -> float:
        """Mean number of outages a year."""
        return self.shape / self.years

    def draw_rates(self, seed: int, size: int) -> Numbers:
        """Rates from the posterior, shape (size,); the same for a seed, whatever else is drawn."""
        return self._generator(seed, "rate").gamma(self.shape, 1 / self.years, size)

    def draw_weights(self, seed: int, size: int) -> Numbers:
        """Weights of the marks, shape (size, marks)."""
        return self._generator(seed, "marks").dirichlet(np.ones(len(self.marks.minutes)), size)

    def _generator(self, seed: int, purpose: str) -> np.random.Generator:
        return np.random.default_rng([seed, zlib.crc32(f"{self.key} {purpose}".encode())])


@dataclass(frozen=True)
class Evidence:
    """Records within the window, and what they say."""

    records: Sequence[Outage]
    providers: Providers
    values: Values

    @cached_property
    def window(self) -> tuple[date, date]:
        """First and last day that are looked at."""
        last = max(row.read for row in self.records)
        return last - timedelta(days=round(WINDOW_YEARS * 365.25)), last

    @cached_property
    def rows(self) -> tuple[Outage, ...]:
        """Rows within the window."""
        first, last = self.window
        return tuple(row for row in self.records if first <= row.date <= last)

    @cached_property
    def pooled(self) -> Marks:
        """Marks of all platforms and clouds, for those that have none of their own."""
        fitting = {key for key, found in self.providers.items() if found.role in ("platform", "cloud")}
        return self._marks(row for row in self.rows if row.provider == row.cause and row.provider in fitting)

    def cause(self, key: str) -> Cause:
        """What is known of one cause; a provider that nobody knows gets the weakest promise."""
        own = [row for row in self.rows if row.provider == key and row.cause == key]
        surveyed = any(row.provider == key for row in self.rows)
        provider = self.providers.get(key)
        if not surveyed:
            return self._promised(key, provider)
        seen = [row for row in own if row.seen]
        marks = self._marks(seen) if any(row.minutes for row in seen) else self.pooled
        title = provider.name if provider else key
        return Cause(key, title, len(seen) + JEFFREYS, float(WINDOW_YEARS), marks, _basis(seen), assumed=False)

    def reach(self, key: str, cause: str) -> float:
        """Chance that an outage of ``cause`` takes ``key`` down too, 0 to 1.

        Where the records have an outage of ``key`` because of ``cause``: (hits + 1/2) / (outages + 1).
        """
        if key == cause:
            return 1.0
        outages = sum(row.provider == cause and row.cause == cause and row.seen for row in self.rows)
        hits = sum(row.provider == key and row.cause == cause and row.seen for row in self.rows)
        if hits:
            return (hits + JEFFREYS) / (max(outages, hits) + 2 * JEFFREYS)
        provider = self.providers.get(key)
        weights = {"wholly": 1.0, "partly": self.values.partly, "perhaps": self.values.perhaps}
        return max(
            (weights[one.extent] for one in provider.stands_on if one.on == cause) if provider else [], default=0
        )

    def _marks(self, rows: Iterable[Outage]) -> Marks:
        weight = self.values.whole_outage
        soft = {"hard": 0.0, "soft": 1.0, "unknown": self.values.soft_where_unknown}
        found = [
            (row.minutes + weight * ((row.minutes_most or row.minutes) - row.minutes), row.share, soft[row.kind])
            for row in rows
            if row.minutes and row.seen
        ]
        return Marks(*(np.array(column, dtype=np.float64) for column in zip(*found, strict=True)))

    def _promised(self, key: str, provider: Provider | None) -> Cause:
        promise, said = self._promise(provider)
        rate = (1 - promise) * YEAR_MINUTES / self.pooled.burden
        basis = f"no record; assumed as bad as its promise of {promise:.2%} allows ({said})"
        title = provider.name if provider else key
        return Cause(key, title, JEFFREYS, JEFFREYS / rate, self.pooled, basis, assumed=True)

    def _promise(self, provider: Provider | None) -> tuple[float, str]:
        if provider and provider.sla:
            note = f", {provider.sla_note}" if provider.sla_note else ""
            return provider.sla, f"{provider.sla_source}{note}; {provider.sla_mark}"
        weakest = min(found.sla for found in self.providers.values() if found.sla)
        why = "promises nothing" if provider else "is unknown to the model"
        return weakest, f"the platform {why}, so the weakest one among those known is taken"


def _basis(seen: Sequence[Outage]) -> str:
    if not seen:
        return f"no outage of static files on record in {WINDOW_YEARS} years; lengths pooled"
    marks = Counter(row.mark for row in seen)
    guessed = Counter(column for row in seen for column in row.assumed)
    trust = ", ".join(f"{count} {mark}" for mark, count in sorted(marks.items(), reverse=True))
    also = "".join(f"; {column} assumed in {count}" for column, count in sorted(guessed.items(), reverse=True))
    return f"{len(seen)} outage{'' if len(seen) == 1 else 's'} on record in {WINDOW_YEARS} years ({trust}{also})"
