"""The same stack, lived through year by year: what the closed form approximates or cannot say.

Outages of every cause are laid out in time with their lengths, shares and kinds, and with what each takes down.
Overlaps are then found on the time line, and every check of a failing platform is made. So it holds the spread of
single years, and it agrees with the closed form on the mean (``tests/planning/test_simulation.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planning.assumptions import Values
from planning.detection import Checking
from planning.model import TERMS, Facts, Layout, Stack, layout, shared_beta
from planning.rates import YEAR_MINUTES, Marks

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Simulation:
    """Minutes lost in each simulated year, shape (years,), by term of TERMS; capped at a whole year in the total."""

    terms: Mapping[str, Numbers]
    total: Numbers

    @property
    def mean(self) -> float:
        """Minutes a year."""
        return float(self.total.mean())

    @property
    def error(self) -> float:
        """Standard error of the mean, minutes a year."""
        return float(self.total.std(ddof=1) / np.sqrt(len(self.total)))

    def within(self, minutes: float) -> float:
        """Share of years that lose at most so many minutes."""
        return float(np.mean(self.total <= minutes))

    def percentiles(self, *which: float) -> tuple[float, ...]:
        """Minutes lost in the best ``which`` percent of years, at most."""
        return tuple(float(value) for value in np.percentile(self.total, which))


@dataclass(frozen=True)
class Events:
    """Outages in the order of their start; arrays of one length. Times are minutes since the first year began."""

    start: Numbers
    minutes: Numbers
    share: Numbers
    soft: Flags
    hits: Flags
    """What each takes down, shape (events, units)."""

    @property
    def end(self) -> Numbers:
        """When each is over."""
        found: Numbers = self.start + self.minutes
        return found

    def only(self, which: Flags) -> Events:
        """Those for which ``which`` holds."""
        return Events(self.start[which], self.minutes[which], self.share[which], self.soft[which], self.hits[which])


def simulate(stack: Stack, facts: Facts, *, years: int = 10_000, seed: int = 1, open_rates: bool = True) -> Simulation:
    """Live through ``years``. The same for a seed.

    ``open_rates``: each year draws its rates from what the records leave open; otherwise each has their mean.
    """
    plan, values = layout(stack, facts), facts.values
    rng = np.random.default_rng(seed)
    rates = np.stack([_rates(cause.shape, cause.years, rng, years, open_rates) for cause in plan.causes], axis=-1)
    pooled = facts.evidence.pooled
    found = {
        **_front(stack, plan, values, rates, rng),
        **_own(values, years, rng),
        **_hosts(stack, plan, values, rates, pooled, rng),
    }
    total = np.minimum(sum(found.values(), start=np.zeros(years)), YEAR_MINUTES)
    return Simulation({key: found[key] for key in TERMS}, total)


def _rates(shape: float, exposure: float, rng: np.random.Generator, years: int, draw: bool) -> Numbers:
    return rng.gamma(shape, 1 / exposure, years) if draw else np.full(years, shape / exposure)


def _own(values: Values, years: int, rng: np.random.Generator) -> dict[str, Numbers]:
    bad = rng.poisson(values.deploys_per_year * values.bad_deploy, years)
    certificates = rng.poisson(values.certificate_per_year, years)
    domains = rng.poisson(values.domain_per_year, years)
    return {
        "deploys": np.asarray(bad * values.repair_minutes, dtype=np.float64),
        "certificate": np.asarray(certificates * values.certificate_minutes, dtype=np.float64),
        "domain": np.asarray(domains * values.domain_minutes, dtype=np.float64),
    }


def _lay_out(rates: Numbers, marks: Marks, reach: Numbers, rng: np.random.Generator) -> Events:
    """Outages of one cause; ``rates``: a year, shape (years,); ``reach``: chance to take each unit down."""
    counts = rng.poisson(rates)
    size = int(counts.sum())
    start = (np.repeat(np.arange(len(rates)), counts) + rng.random(size)) * YEAR_MINUTES
    mark = rng.integers(len(marks.minutes), size=size)
    soft = rng.random(size) < marks.soft[mark]
    hits = rng.random((size, len(reach))) < reach
    return Events(start, marks.minutes[mark], marks.shares[mark], soft, hits)


def _merged(events: list[Events]) -> Events:
    start = np.concatenate([one.start for one in events])
    order = np.argsort(start, kind="stable")
    columns = [[one.minutes for one in events], [one.share for one in events]]
    minutes, share = (np.concatenate(column)[order] for column in columns)
    soft = np.concatenate([one.soft for one in events])[order]
    merged = Events(start[order], minutes, share, soft, np.concatenate([one.hits for one in events])[order])
    return merged.only(np.asarray(merged.hits.any(axis=1)))


def _front(stack: Stack, plan: Layout, values: Values, rates: Numbers, rng: np.random.Generator) -> dict[str, Numbers]:
    """One front, or two that fail apart but for the share ``beta_front``."""
    years = len(rates)
    if stack.fronts == 1:
        events = _merged(
            [_lay_out(rates[:, i], c.marks, plan.front[i : i + 1], rng) for i, c in enumerate(plan.causes)]
        )
        return {"front": all_down(events, years), "switching": np.zeros(years)}
    apart, laid = 1 - values.beta_front, []
    for index, cause in enumerate(plan.causes):
        reach = plan.front[index]
        for side in ((reach, 0.0), (0.0, reach)):
            laid.append(_lay_out(apart * rates[:, index], cause.marks, np.array(side), rng))
        laid.append(_both(values.beta_front * rates[:, index] * reach, cause.marks, rng))
    events = _merged(laid)
    single = events.only(~np.asarray(events.hits.all(axis=1)))
    moving = single.share * np.minimum(single.minutes, values.front_switch_seconds / 60) / 2
    return {"front": all_down(events, years), "switching": _by_year(single.start, moving, years)}


def _both(rates: Numbers, marks: Marks, rng: np.random.Generator, units: int = 2) -> Events:
    return _lay_out(rates, marks, np.ones(units), rng)


def _hosts(
    stack: Stack, plan: Layout, values: Values, rates: Numbers, pooled: Marks, rng: np.random.Generator
) -> dict[str, Numbers]:
    years, units = len(rates), len(stack.hosts)
    beta = shared_beta(stack, values)
    known = _merged(
        [_lay_out((1 - beta) * rates[:, i], c.marks, plan.hosts[i], rng) for i, c in enumerate(plan.causes)]
    )
    burdens = np.array([cause.marks.burden for cause in plan.causes])
    common = beta * ((rates * burdens) @ plan.hosts).min(axis=-1) / pooled.burden
    everything = _merged([known, _both(common, pooled, rng, units)])
    overlap = all_down(known, years)
    return {
        "overlap": overlap,
        "beta": np.maximum(all_down(everything, years) - overlap, 0.0),
        "detection": _unnoticed(stack, known, plan.checking, years, rng),
    }


def _by_year(start: Numbers, minutes: Numbers, years: int) -> Numbers:
    year = np.minimum((start / YEAR_MINUTES).astype(np.int64), years - 1)
    return np.asarray(np.bincount(year, weights=minutes, minlength=years), dtype=np.float64)


def all_down(events: Events, years: int) -> Numbers:
    """Minutes of each year in which requests find every unit failing, weighted with their share.

    Between two moments at which an outage begins or ends nothing changes. In a stretch in which every unit is touched
    by some outage, each outage affects a request with the chance of its share, independently of the others.
    """
    moments = np.concatenate([events.start, events.end])
    order = np.argsort(moments, kind="stable")
    change = np.concatenate([events.hits.astype(np.int64), -events.hits.astype(np.int64)])[order]
    touched = np.asarray((np.cumsum(change, axis=0) > 0).all(axis=1))[:-1]
    begin, length = moments[order][:-1][touched], np.diff(moments[order])[touched]
    return _by_year(begin, length * _all_hit(events, begin), years)


def _all_hit(events: Events, moments: Numbers) -> Numbers:
    """Chance that a request at each moment is hit on all units."""
    running = _running(events, moments)
    width = running.shape[1]
    share = np.where(running >= 0, events.share[running], 0.0)
    bits = events.hits @ (1 << np.arange(events.hits.shape[1]))
    unit = np.where(running >= 0, bits[running], 0)
    everything, chance = (1 << events.hits.shape[1]) - 1, np.zeros(len(moments))
    for pattern in range(1, 2**width):
        taken = ((pattern >> np.arange(width)) & 1).astype(bool)
        hit = np.bitwise_or.reduce(unit[:, taken], axis=1) == everything
        chance += hit * np.where(taken, share, 1 - share).prod(axis=1)
    return chance


def _running(events: Events, moments: Numbers) -> Indices:
    """Outages that run just after each moment, shape (moments, most at once), filled up with -1."""
    longest = float(events.minutes.max(initial=0.0))
    low = np.searchsorted(events.start, moments - longest, "left")
    high = np.searchsorted(events.start, moments, "right")
    candidates = [high - 1 - back for back in range(int((high - low).max(initial=0)))]
    columns = [np.where((one >= low) & (events.end[one] > moments), one, -1) for one in candidates]
    table = np.stack(columns, axis=1) if columns else np.empty((len(moments), 0), dtype=np.int64)
    table = -np.sort(-table, axis=1)  # those that run stand first
    return table[:, : int((table >= 0).sum(axis=1).max(initial=0))]


def _unnoticed(stack: Stack, events: Events, check: Checking, years: int, rng: np.random.Generator) -> Numbers:
    """Minutes of each year lost on the serving platform until the edge leaves it, while another one is up."""
    if stack.mode == "worker" or not len(events.start):
        return np.zeros(years)
    serving, following = _serving(events, rng)
    rows = np.arange(len(events.start))
    lost = events.hits[rows, serving] & ~events.hits.all(axis=1)
    if stack.dns_ttl is None:
        lost &= events.soft | events.hits[rows, following]
    found = events.only(lost)
    exposed = np.zeros(len(found.start))
    for hard in (False, True):
        which = found.soft != hard
        exposed[which] = watched(check, found.minutes[which], found.share[which], rng, hard=hard)
    return _by_year(found.start, exposed * found.share, years)


def _serving(events: Events, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Platform that serves when each outage begins, the first that no earlier one has down; and the next in order."""
    seen = events.only(rng.random(len(events.start)) < events.share)
    units = events.hits.shape[1]
    up = np.empty((len(events.start), units), dtype=bool)
    for unit in range(units):
        own = seen.only(seen.hits[:, unit])
        begun = np.searchsorted(own.start, events.start, "left")
        up[:, unit] = begun == np.searchsorted(np.sort(own.end), events.start, "right")
    serving = np.argmax(up, axis=1)
    return serving, (serving + 1) % units


def watched(check: Checking, minutes: Numbers, shares: Numbers, rng: np.random.Generator, *, hard: bool) -> Numbers:
    """Minutes of each outage during which visitors are sent to the failing platform; makes every single check."""
    fails = np.array([check.round_fails(float(share)) for share in shares])
    exposed = np.zeros(len(minutes))
    left = np.arange(len(minutes))
    healthy, row = np.ones(len(minutes), dtype=bool), np.zeros(len(minutes), dtype=np.int64)
    decided = rng.random(len(minutes)) * check.interval + check.lag(hard=hard)
    since = np.zeros(len(minutes))
    while len(left):
        until = np.minimum(decided, minutes[left] * 60)
        exposed[left] += np.where(healthy, until - since, 0.0)
        failed = rng.random(len(left)) < fails[left]
        # `row`: results in a row that speak against the present health.
        row = np.where(failed == healthy, row + 1, 0)
        flips = row >= np.where(healthy, check.down, check.up)
        healthy, row = healthy ^ flips, np.where(flips, 0, row)
        since, decided = until, decided + check.interval
        going = (since < minutes[left] * 60) & (healthy | (fails[left] < 1))
        left, healthy, row, since, decided = left[going], healthy[going], row[going], since[going], decided[going]
    return exposed / 60
