"""What a stack can be expected to reach, in closed form.

A request fails because the front is down, because of a mistake of our own, because all platforms are down at once, or
because the platform that it is sent to has failed and the edge has not noticed. Each of these has a chance; the shares
are told apart in that order, so they sum to the total: ``total = 1 - product of (1 - chance)``. Formulas:
``docs/availability.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planning import assumptions, providers, records
from planning.assumptions import Assumptions, Values
from planning.detection import Checking
from planning.overlap import MOST_UNITS, all_fail
from planning.providers import Providers
from planning.rates import YEAR_MINUTES, Cause, Evidence
from planning.records import Outage

Numbers = NDArray[np.float64]
Mode = Literal["load-balancer", "worker"]

DRAWS = 2000
"""Draws of rates and lengths from what the records leave open, for the interval."""
INTERVAL = (5.0, 95.0)
"""Percentiles that the interval spans."""
#: Key → what the minutes are lost to, in the order in which they are told apart.
TERMS: Mapping[str, str] = {
    "front": "the front (Cloudflare) is down",
    "switching": "one of two fronts is down and its visitors are still on it",
    "deploys": "bad deploys",
    "certificate": "certificate not renewed",
    "domain": "domain or its name servers",
    "overlap": "all platforms down: shared clouds, coincidence",
    "beta": "all platforms down: causes nobody knows",
    "detection": "a failed platform that the edge has not left yet",
}


@dataclass(frozen=True)
class Stack:
    """The settings of a stack that bear on availability. Times are seconds."""

    hosts: tuple[str, ...]
    """Platforms in failover order."""
    interval: float = 60
    timeout: float = 5
    retries: int = 2
    down: int = 2
    up: int = 2
    regions: int = 1
    mode: Mode = "load-balancer"
    fronts: int = 1
    """1, or 2 independent ones that both serve at all times."""
    dns_ttl: float | None = None
    """None: proxied. Otherwise visitors reach the platforms themselves, and no request is tried again."""

    def __post_init__(self) -> None:
        """Raise ValueError for a stack that the model cannot count."""
        if not 1 <= len(self.hosts) <= MOST_UNITS:
            raise ValueError(f"hosts: {len(self.hosts)} platforms; the model counts 1 to {MOST_UNITS}")
        if len(set(self.hosts)) != len(self.hosts):
            raise ValueError(f"hosts: {', '.join(self.hosts)} names a platform twice; name each once")
        if self.fronts not in (1, 2):
            raise ValueError(f"fronts: {self.fronts}; the model counts 1 or 2")
        if self.mode == "worker" and self.dns_ttl is not None:
            raise ValueError("dns_ttl: a Worker runs in the proxy; leave dns_ttl away in this mode")


@dataclass(frozen=True)
class Facts:
    """Everything that was read from the data files."""

    providers: Providers
    records: tuple[Outage, ...]
    assumptions: Assumptions

    @cached_property
    def evidence(self) -> Evidence:
        """What the records say."""
        return Evidence(self.records, self.providers, self.values)

    @cached_property
    def values(self) -> Values:
        """The assumed numbers."""
        return assumptions.values(self.assumptions)

    def assuming(self, **values: float) -> Facts:
        """The same with other numbers in place of some assumptions."""
        changed = {name: self.assumptions[name].model_copy(update={"value": value}) for name, value in values.items()}
        return replace(self, assumptions={**self.assumptions, **changed})


def load_facts() -> Facts:
    """The data files of this folder. Raises DataError with every mistake in one of them."""
    known = providers.load()
    return Facts(known, records.load(known=known), assumptions.load())


@dataclass(frozen=True)
class Layout:
    """Who fails for which reason. Rows of the arrays are causes."""

    causes: tuple[Cause, ...]
    hosts: Numbers
    """Chance that an outage of the cause takes the platform down, shape (causes, platforms)."""
    front: Numbers
    """The same for the front, shape (causes,)."""
    checking: Checking


def layout(stack: Stack, facts: Facts) -> Layout:
    """Causes of a stack and what they reach."""
    evidence = facts.evidence
    footing = [one.on for key in (*stack.hosts, stack.mode) for one in _stands_on(key, facts.providers)]
    keys = tuple(dict.fromkeys((*stack.hosts, *footing)))
    hosts = np.array([[evidence.reach(host, cause) for host in stack.hosts] for cause in keys])
    # A way of the edge has no outages of its own: none is on record apart from the proxy's.
    front = np.array([evidence.reach(stack.mode, cause) for cause in keys])
    checking = Checking(
        stack.interval,
        stack.timeout,
        stack.retries,
        stack.down,
        stack.up,
        stack.regions,
        facts.values.propagation_seconds,
        stack.dns_ttl,
    )
    return Layout(tuple(evidence.cause(key) for key in keys), hosts, front, checking)


def _stands_on(key: str, known: Providers) -> Sequence[providers.Footing]:
    provider = known.get(key)
    return provider.stands_on if provider else ()


@dataclass(frozen=True)
class Burdens:
    """Mean minutes that one outage of each cause costs, shape (…, causes)."""

    outage: Numbers
    """Minutes x share of requests."""
    soft: Numbers
    """The part with error pages that passes before the platform is left."""
    hard: Numbers
    """The same for outages without an answer."""
    switch: Numbers
    """The part that passes before visitors have left a front."""

    @classmethod
    def of(cls, plan: Layout, switch_minutes: float, weights: Sequence[Numbers] | None = None) -> Burdens:
        """With ``weights`` of each cause's marks, shape (…, marks); without, all marks alike."""
        columns: dict[str, list[Numbers]] = {"outage": [], "soft": [], "hard": [], "switch": []}
        for index, cause in enumerate(plan.causes):
            marks, check = cause.marks, plan.checking
            size = len(marks.minutes)
            weight = weights[index] if weights is not None else np.full(size, 1 / size)
            kinds = {
                "outage": marks.minutes,
                "soft": marks.soft * check.exposed(marks.minutes, marks.shares, hard=False),
                "hard": (1 - marks.soft) * check.exposed(marks.minutes, marks.shares, hard=True),
                "switch": np.minimum(marks.minutes, switch_minutes),
            }
            for name, minutes in kinds.items():
                columns[name].append(weight @ (minutes * marks.shares))
        return cls(**{name: np.stack(found, axis=-1) for name, found in columns.items()})


@dataclass(frozen=True)
class Estimate:
    """Expected downtime in minutes a year, by term of TERMS and as a whole; (low, high) bounds 90 % of what is open."""

    stack: Stack
    plan: Layout
    minutes: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    total: float
    total_range: tuple[float, float]
    notes: tuple[str, ...] = field(default=())

    @property
    def availability(self) -> float:
        """Share of requests that are answered, 0 to 1."""
        return 1 - self.total / YEAR_MINUTES

    @property
    def shares(self) -> Mapping[str, float]:
        """Part of the total by term; sums to 1."""
        return {key: minutes / self.total if self.total else 0.0 for key, minutes in self.minutes.items()}


def estimate(stack: Stack, facts: Facts, *, seed: int = 1, draws: int = DRAWS) -> Estimate:
    """Expected downtime of a stack. The same for a seed; ``draws`` of 0 leaves the intervals empty (nan)."""
    plan = layout(stack, facts)
    switch = facts.values.front_switch_seconds / 60
    rates = np.array([cause.rate for cause in plan.causes])
    minutes = _minutes(chances(stack, plan, facts.values, rates, Burdens.of(plan, switch)))
    total = float(sum(minutes.values()))
    ranges = {key: (float("nan"), float("nan")) for key in (*TERMS, "total")}
    if draws:
        weights = [cause.draw_weights(seed, draws) for cause in plan.causes]
        drawn = np.stack([cause.draw_rates(seed, draws) for cause in plan.causes], axis=-1)
        found = _minutes(chances(stack, plan, facts.values, drawn, Burdens.of(plan, switch, weights)))
        spread = {**found, "total": sum(found.values(), start=np.zeros(draws))}
        ranges = {key: _range(values) for key, values in spread.items()}
    points = {key: float(value) for key, value in minutes.items()}
    return Estimate(stack, plan, points, ranges, total, ranges.pop("total"), tuple(_notes(stack, facts)))


def _range(values: Numbers) -> tuple[float, float]:
    low, high = np.percentile(values, INTERVAL)
    return float(low), float(high)


def _minutes(found: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Minutes a year by term: what is told apart later counts only where nothing before it has failed."""
    left = np.ones_like(next(iter(found.values())))
    minutes = {}
    for key in TERMS:
        chance = np.clip(found[key], 0.0, 1.0)
        minutes[key] = YEAR_MINUTES * left * chance
        left = left * (1 - chance)
    return minutes


def chances(stack: Stack, plan: Layout, values: Values, rates: Numbers, cost: Burdens) -> dict[str, Numbers]:
    """Chance that a request fails for each of TERMS, taken by itself, shape (…,); ``rates``: (…, causes), a year."""
    load = rates * cost.outage / YEAR_MINUTES
    zero = np.zeros(load.shape[:-1])
    deploys = values.deploys_per_year * values.bad_deploy * values.repair_minutes
    found = {
        "deploys": zero + deploys / YEAR_MINUTES,
        "certificate": zero + values.certificate_per_year * values.certificate_minutes / YEAR_MINUTES,
        "domain": zero + values.domain_per_year * values.domain_minutes / YEAR_MINUTES,
    }
    return {
        **found,
        **_front(stack, plan, values, rates, load, cost),
        **_hosts(stack, plan, values, rates, load, cost),
    }


def _front(
    stack: Stack, plan: Layout, values: Values, rates: Numbers, load: Numbers, cost: Burdens
) -> dict[str, Numbers]:
    """One front: down while any of its causes is. Two: beta factor, and half the visitors until they have moved."""
    running = load @ plan.front
    if stack.fronts == 1:
        return {"front": -np.expm1(-running), "switching": np.zeros_like(running)}
    apart = (1 - values.beta_front) * running
    both = np.expm1(-apart) ** 2
    down = 1 - (1 - both) * np.exp(-values.beta_front * running)
    moving = (1 - values.beta_front) * ((rates * cost.switch) @ plan.front) / YEAR_MINUTES
    return {"front": down, "switching": moving}


def shared_beta(stack: Stack, values: Values) -> float:
    """Beta factor of the platforms; a single one shares nothing."""
    return values.beta if len(stack.hosts) > 1 else 0.0


def _hosts(
    stack: Stack, plan: Layout, values: Values, rates: Numbers, load: Numbers, cost: Burdens
) -> dict[str, Numbers]:
    """All platforms down at once, and the serving one down unnoticed."""
    beta = shared_beta(stack, values)
    apart = (1 - beta) * load
    # An outage of all is an outage of each: it cannot be more frequent than beta of the best platform's.
    common = beta * (load @ plan.hosts).min(axis=-1, keepdims=True)
    overlap = all_fail(apart, plan.hosts)
    everyone = np.vstack([plan.hosts, np.ones(len(stack.hosts))])
    whole = all_fail(np.concatenate([apart, common], axis=-1), everyone)
    lost = (1 - beta) * _unnoticed(stack, plan, apart, rates, cost)
    return {"overlap": overlap, "beta": np.clip(whole - overlap, 0.0, 1.0), "detection": lost}


def _unnoticed(stack: Stack, plan: Layout, load: Numbers, rates: Numbers, cost: Burdens) -> Numbers:
    """Chance that a request goes to a failed platform though another one is up.

    Sum over platforms of (chance that it serves) x (its outages a year) x (what one costs until it is noticed).
    """
    lost = np.zeros(load.shape[:-1])
    if stack.mode == "worker":
        return lost  # a Worker tries the next platform within the same request, whatever the failure
    before = np.ones(load.shape[:-1])
    for index in range(len(stack.hosts)):
        after = all_fail(load, plan.hosts[:, : index + 1])
        cost_of_one = cost.soft * soft_miss(plan.hosts, index) + cost.hard * hard_miss(stack, plan.hosts, index)
        lost = lost + (before - after) * (rates * cost_of_one).sum(axis=-1) / YEAR_MINUTES
        before = after
    return lost


def soft_miss(reach: Numbers, index: int) -> Numbers:
    """Chance by cause that an outage takes platform ``index`` down but not all: nothing masks an error page."""
    found: Numbers = reach[:, index] - reach.prod(axis=1)
    return found


def hard_miss(stack: Stack, reach: Numbers, index: int) -> Numbers:
    """The same for platforms that do not answer: the edge tries once more, on the next, which must be down too.

    https://developers.cloudflare.com/load-balancing/understand-basics/adaptive-routing/
    """
    if stack.dns_ttl is not None:
        return soft_miss(reach, index)
    following = reach[:, (index + 1) % reach.shape[1]]
    found: Numbers = reach[:, index] * following - reach.prod(axis=1)
    return found


def _notes(stack: Stack, facts: Facts) -> Sequence[str]:
    known = providers.platforms(facts.providers)
    return [
        f"{host} is unknown to the model: it is taken to stand on nothing that others stand on, and to be as good as "
        f"the weakest promise among the known platforms. Add it to planning/providers.toml, and its outages to "
        f"planning/outages.csv."
        for host in stack.hosts
        if host not in known
    ]
