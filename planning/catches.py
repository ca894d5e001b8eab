"""What about a bill must not surprise anybody: each catch with its numbers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from planning import consumption
from planning.cost import EDGE, Bill, Facts, Line, of_checks
from planning.figures import amount, dollars, plural
from planning.prices import DAYS, outdated

_MUCH = Decimal("0.8")
_LEAST_SHARE = Decimal("0.01")


@dataclass(frozen=True)
class Catch:
    """One catch. ``about`` is a provider, ``kind`` a word for scripts."""

    kind: str
    about: str
    text: str


def catches(bill: Bill, facts: Facts, today: datetime.date) -> tuple[Catch, ...]:
    """All of them, the gravest first."""
    return (
        *_unserved(bill),
        *_stopped(bill),
        *_ended(bill),
        *_unknown(bill),
        *_outdated(facts, today),
        *_never_free(bill),
        *_terms(bill),
        *_deploys_in_credits(bill),
        *_each_day(bill, facts),
        *_checks(bill, facts),
        *_nearly_ended(bill),
    )


def _unserved(bill: Bill) -> Iterator[Catch]:
    if bill.unserved > 0:
        share = bill.unserved / bill.load.visits
        gone = f"{amount(bill.unserved)} of {amount(bill.load.visits)} visits ({share:.0%})"
        yield Catch("unserved", "site", f"{gone} are served by nobody: nothing is left that serves them")


def _stopped(bill: Bill) -> Iterator[Catch]:
    for carrier in bill.carriers:
        if carrier.stopped and carrier.weakest:
            line, day = carrier.weakest, carrier.last_day
            when = f"on day {int(day) + 1} of {DAYS}" if carrier.visits else "before the first visitor"
            served = f"after {amount(carrier.visits)} visits ({amount(carrier.visits * bill.load.gigabytes)} GB)"
            what = f"{line.row.text}, {_free(line)}"
            yield Catch("stops", carrier.platform, f"stops {when}, {served}: {what}; {line.row.then}")


def _ended(bill: Bill) -> Iterator[Catch]:
    """What is used up by what is always there, or refuses further deployments."""
    stopped = {carrier.platform for carrier in bill.carriers if carrier.stopped}
    for line in bill.lines:
        paid = line.row.end in ("charge", "credit")
        if line.exceeded and not paid and not (line.row.stops and line.provider in stopped):
            yield Catch("ended", line.provider, f"{line.row.text}: {_used(line)}; {line.row.then}")


def _unknown(bill: Bill) -> Iterator[Catch]:
    for line in bill.lines:
        if line.cost is None:
            what = f"{line.row.text} ({amount(line.quantity)})"
            yield Catch("unknown", line.provider, f"the price of {what} is unknown and not in the sum: {line.row.then}")
    for name in bill.without_prices:
        plan = bill.declared.plans.get(name) or "any plan"
        yield Catch("unknown", name, f"no price of {plan} is known; add it to planning/prices.toml")


def _outdated(facts: Facts, today: datetime.date) -> Iterator[Catch]:
    for name in outdated(facts.prices, today):
        yield Catch("outdated", name.split(".")[0], f"the price {name} was read more than a year ago; read it again")


def _never_free(bill: Bill) -> Iterator[Catch]:
    if bill.declared.mode == "load-balancer":
        least = dollars(bill.by_provider[EDGE])
        yield Catch(
            "never-free", EDGE, f"Load Balancing is never free: {least} for {len(bill.declared.hosts)} platforms"
        )


def _terms(bill: Bill) -> Iterator[Catch]:
    for line in bill.lines:
        if line.row.catch:
            yield Catch("terms", line.provider, line.row.catch)


def _deploys_in_credits(bill: Bill) -> Iterator[Catch]:
    """How many publications the credits have room for."""
    for line in bill.lines:
        if line.row.pool and line.item == "deploys":
            pool = bill.line(f"{line.provider}.{line.row.pool}")
            free = pool.row.free
            if isinstance(free, Decimal):
                rest = max(Decimal(0), free - (pool.use.standing - line.row.each * bill.load.deploys))
                most = int((rest / line.row.each).to_integral_value(ROUND_FLOOR))
                taken = f"{amount(bill.load.deploys)} a month take {amount(line.row.each * bill.load.deploys)}"
                each = f"each production deploy takes {line.row.each} credits"
                text = f"{each}: {taken} of {amount(free)}, {most} is the most before any visitor"
                yield Catch("deploys", line.provider, text)


def _each_day(bill: Bill, facts: Facts) -> Iterator[Catch]:
    """Limits of a day, on the busiest one."""
    busy = consumption.number(facts.assumed, "busiest_day")
    for line in bill.lines:
        free = line.row.free
        if line.row.period != "day" or not line.row.stops or not isinstance(free, Decimal):
            continue
        each_day = line.visits_until_end
        if each_day is None:
            continue
        full = replace(line, visits=bill.load.visits * busy)
        over = "too many if this serves them all" if full.exceeded else "which it has room for"
        room = f"{_free(line)} are {amount(each_day / DAYS)} visits"
        text = f"{room}; the busiest day of this month may bring {amount(bill.load.visits * busy / DAYS)}, {over}"
        yield Catch("each-day", line.provider, f"{text}: {line.row.then}")


def _checks(bill: Bill, facts: Facts) -> Iterator[Catch]:
    """What health checks take of what is free."""
    if bill.declared.mode == "worker":
        return
    probes = consumption.checks(bill.declared, bill.load, facts.assumed)
    used = of_checks(bill.declared, bill.load, facts)
    shares = [(line, line.use.standing / free) for line in used if (free := line.row.free_in_a_month)]
    told = (f"{share:.0%} of {line.provider}'s {line.row.text}" for line, share in shares if share >= _LEAST_SHARE)
    taken = ", ".join(told)
    places = consumption.CENTRES * bill.declared.regions
    text = (
        f"{amount(probes)} health checks a month of each platform ({places} places, every {bill.declared.interval} s)"
    )
    yield Catch("checks", EDGE, f"{text} take {taken or 'less than 1 % of anything free'}")


def _nearly_ended(bill: Bill) -> Iterator[Catch]:
    for line in bill.lines:
        if line.row.end != "credit" and line.used is not None and _MUCH <= line.used <= 1 and not _by_stop(bill, line):
            yield Catch("nearly", line.provider, f"{line.row.text}: {_used(line)}; then: {line.row.then}")


def _by_stop(bill: Bill, line: Line) -> bool:
    return any(carrier.stopped and carrier.platform == line.provider for carrier in bill.carriers) or (
        line.item in ("endpoints", "regions", "subscription")
    )


def _used(line: Line) -> str:
    return f"{amount(line.quantity)} of {_free(line)}"


def _free(line: Line) -> str:
    free = line.row.free
    said = amount(free) if isinstance(free, Decimal) else str(free)
    return f"{said} {plural(line.row.unit, Decimal(2))} a {line.row.period}"
