"""The monthly cost of a stack at a traffic, by platform and item, and what happens where something free ends.

Visits go to the first platform until one of its allowances ends in a stop, then to the next: that is what ordered
failover does, in a month with the same number of visits every day. Quantities are exact decimals, money is US dollars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from planning import consumption, prices
from planning.consumption import Assumed, Declared, Use
from planning.prices import DAYS, Plan, Prices, Row
from planning.traffic import Load

EDGE = "cloudflare"
_CENT = Decimal("0.01")
_ASKED = ("requests", "traffic", "credits", "function-calls", "key-reads", "origin-reads")
"""Items that a request uses."""
_VISIT = Decimal("0.001")
_NONE = Decimal(0)


@dataclass(frozen=True)
class Facts:
    """Prices, and what is assumed of consumption."""

    prices: Prices
    assumed: Assumed


@dataclass(frozen=True)
class Line:
    """One item of one provider in this month."""

    provider: str
    plan: str
    item: str
    row: Row
    use: Use
    visits: Decimal
    """Served by this provider."""

    @property
    def key(self) -> str:
        """``provider.item``: unique within a bill."""
        return f"{self.provider}.{self.item}"

    @property
    def quantity(self) -> Decimal:
        """Units in each period: a month, or the mean day."""
        month = self.use.at(self.visits)
        return month / DAYS if self.row.period == "day" else month

    @property
    def headroom(self) -> Decimal | None:
        """Free units that are left in each period; None without a limit or if not known."""
        return max(_NONE, self.row.free - self.quantity) if isinstance(self.row.free, Decimal) else None

    @property
    def used(self) -> Decimal | None:
        """Share of the free part that is used; None where nothing is free, or not known."""
        return self.quantity / self.row.free if isinstance(self.row.free, Decimal) and self.row.free else None

    @property
    def cost(self) -> Decimal | None:
        """Dollars; None if not known."""
        return self.row.cost(self.quantity)

    @property
    def visits_until_end(self) -> Decimal | None:
        """Visits a month at which the free part ends, if this provider serves them all; None if they do not use it."""
        free = self.row.free_in_a_month
        if free is None or not self.use.each_visit:
            return None
        return max(_NONE, free - self.use.standing) / self.use.each_visit

    @property
    def exceeded(self) -> bool:
        """Whether the free part is used up."""
        return isinstance(self.row.free, Decimal) and self.quantity > self.row.free


@dataclass(frozen=True)
class Carrier:
    """One platform's part of the month."""

    platform: str
    visits: Decimal
    first_day: Decimal
    """Days since the month began, from 0."""
    last_day: Decimal
    """When it stops, or 30."""
    stopped: bool
    """Whether it stops within this month."""
    weakest: Line | None
    """The item that stops it at a traffic that is high enough; None if it goes on for money, or without end."""


@dataclass(frozen=True)
class Bill:
    """What a stack costs in a month."""

    declared: Declared
    load: Load
    lines: Sequence[Line]
    carriers: Sequence[Carrier]
    """In failover order; one without visits stands by."""
    unserved: Decimal
    """Visits that nobody serves."""
    without_prices: Sequence[str]
    """Platforms with a plan that nobody has written down prices of."""

    @cached_property
    def by_provider(self) -> Mapping[str, Decimal]:
        """What is known of each provider's invoice, in whole cents."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            sums[line.provider] = sums.get(line.provider, _NONE) + (line.cost or _NONE)
        credit = {line.provider: line.row.free for line in self.lines if line.row.end == "credit"}
        for provider, amount in credit.items():
            assert isinstance(amount, Decimal)  # noqa: S101 - for mypy; a credit is an amount
            usage = sum((line.cost or _NONE for line in self._usage(provider)), _NONE)
            sums[provider] -= min(amount, usage)
        return {provider: amount.quantize(_CENT, ROUND_HALF_UP) for provider, amount in sums.items()}

    def _usage(self, provider: str) -> Iterator[Line]:
        return (line for line in self.lines if line.provider == provider and line.item != "subscription")

    @property
    def total(self) -> Decimal:
        """The sum of what is known."""
        return sum(self.by_provider.values(), _NONE)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the sum leaves out, for its price is not known: keys of lines, and platforms."""
        return (*(line.key for line in self.lines if line.cost is None), *self.without_prices)

    def line(self, key: str) -> Line:
        """The line ``provider.item``; raises KeyError."""
        for line in self.lines:
            if line.key == key:
                return line
        raise KeyError(key)


def load_facts() -> Facts:
    """Everything from the files. Raises DataError."""
    return Facts(prices.load(), consumption.load())


def bill(declared: Declared, load: Load, facts: Facts) -> Bill:
    """The month's bill."""
    edge = _lines(EDGE, declared.mode, facts, consumption.of_edge(declared, load, facts.assumed))
    offers = {name: _offer(name, declared, load, facts) for name in declared.hosts}
    front = limit(edge)
    served = min(load.visits, front[0]) if front else load.visits
    carriers = tuple(_carried(offers, served, load.visits))
    lines = [replace(line, visits=load.visits) for line in edge]
    for carrier in carriers:
        lines += [replace(line, visits=carrier.visits) for line in offers[carrier.platform]]
    unserved = (load.visits - sum((carrier.visits for carrier in carriers), _NONE)).quantize(_VISIT)
    missing = tuple(name for name, offer in offers.items() if not offer)
    return Bill(declared, load, lines, carriers, unserved, missing)


def alone(declared: Declared, platform: str, load: Load, facts: Facts) -> tuple[Line, ...]:
    """A platform's items if it served all visits, as it does while those before it are down."""
    return tuple(replace(line, visits=load.visits) for line in _offer(platform, declared, load, facts))


def of_checks(declared: Declared, load: Load, facts: Facts) -> tuple[Line, ...]:
    """What the health checks alone use of the platforms' items."""
    idle = replace(load, visits=_NONE, deploys=_NONE)
    return tuple(line for name in declared.hosts for line in _offer(name, declared, idle, facts) if line.item in _ASKED)


def limit(lines: Sequence[Line]) -> tuple[Decimal, Line] | None:
    """Visits a month until the first item of a provider stops it, and that item; None if nothing does."""
    ends = [(line.visits_until_end, line) for line in lines if line.row.stops]
    return min(((visits, line) for visits, line in ends if visits is not None), key=lambda one: one[0], default=None)


def _offer(name: str, declared: Declared, load: Load, facts: Facts) -> tuple[Line, ...]:
    plan = declared.plans.get(name) or _only_plan(facts, name)
    return _lines(name, plan, facts, consumption.of_platform(declared, load, facts.assumed))


def _only_plan(facts: Facts, name: str) -> str:
    """The plan of a platform that has no other."""
    plans = tuple(facts.prices.get(name, {}))
    return plans[0] if len(plans) == 1 else ""


def _lines(provider: str, plan: str, facts: Facts, uses: Mapping[str, Use]) -> tuple[Line, ...]:
    rows = facts.prices.get(provider, {}).get(plan, {})
    found = {item: _pooled(item, rows, uses) for item in rows}
    return tuple(Line(provider, plan, item, rows[item], use, _NONE) for item, use in found.items())


def _pooled(item: str, rows: Plan, uses: Mapping[str, Use]) -> Use:
    """An item's own use, and what other items take of it as their pool."""
    total = uses.get(item, Use())
    for other, row in rows.items():
        if row.pool == item:
            total += uses[other].times(row.each / row.per)
    return total


def _carried(offers: Mapping[str, Sequence[Line]], served: Decimal, wanted: Decimal) -> Iterator[Carrier]:
    """Each platform's visits; ``wanted`` are all of the month's, which set the pace of its days."""
    left, day = served, _NONE
    for name, lines in offers.items():
        found = limit(lines)
        stopped = found is not None and found[0] < left
        taken = found[0] if found and stopped else left
        until = day + (DAYS * taken / wanted if wanted else _NONE)
        yield Carrier(name, taken, day, until if stopped else DAYS, stopped, found[1] if found else None)
        left, day = left - taken, until
