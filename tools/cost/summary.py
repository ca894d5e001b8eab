"""The cost of a declared stack for others: ``summary(root, stack)`` gives total, items and catches.

Used by ``make cost``, docs/cost.md and whoever comments on a merge request; the policy has the same from ``planning``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError

from components.settings import Settings
from planning import declared, measured
from planning.catches import Catch, catches
from planning.consumption import Declared, Mode
from planning.cost import Bill, Facts, Line, alone, bill, limit, load_facts
from planning.mistakes import DataError
from planning.traffic import GB as GIGA
from planning.traffic import KB, Load
from tools.availability.declared import declared as settings_of
from tools.deploy.errors import Refused


@dataclass(frozen=True)
class Changes:
    """What the caller wants otherwise than the stack says; None keeps the stack's own."""

    visits: Decimal | None = None
    """A month."""
    page_weight: Decimal | None = None
    """Kilobytes of a visit."""
    gigabytes: Decimal | None = None
    """Of all visits of a month."""
    requests: Decimal | None = None
    """Of a visit."""
    deploys: Decimal | None = None
    mode: Mode | None = None
    hosts: tuple[str, ...] = ()
    measured: Path | None = None
    """Answer of Cloudflare's GraphQL API."""


@dataclass(frozen=True)
class Alone:
    """What one platform has room for, if it serves all visits of the month."""

    platform: str
    visits: Decimal | None
    """Until it stops; None if it never does."""
    weakest: Line | None
    first_charge: tuple[Decimal, Line] | None
    """Visits from which something is charged for traffic, and for what."""


@dataclass(frozen=True)
class Summary:
    """Everything that is said about one stack."""

    name: str
    bill: Bill
    catches: Sequence[Catch]
    alone: Sequence[Alone]
    budget: Decimal | None
    """Dollars a month; None where the stack states none and has to."""
    guessed_site: bool
    """Whether size and files of the site are assumed."""
    facts: Facts

    @property
    def total(self) -> Decimal:
        """Dollars a month, of what is known."""
        return self.bill.total

    @property
    def within_budget(self) -> bool:
        """Whether what is known keeps the budget."""
        return self.budget is not None and self.total <= self.budget


def summary(root: Path, name: str, changes: Changes | None = None, today: datetime.date | None = None) -> Summary:
    """The month of the stack ``name`` of a checkout. Raises Refused with every mistake."""
    wanted = changes or Changes()
    settings = _changed(settings_of(root, name), wanted)
    try:
        facts = load_facts()
        load, guessed = declared.expected(settings, root, facts.assumed)
        if wanted.measured:
            load = measured.as_load(measured.load(wanted.measured), load)
        load = _loaded(load, wanted)
    except DataError as error:
        raise Refused(str(error)) from error
    title = name if wanted == Changes() else f"{name}, changed"
    return summary_of(title, settings, load, facts, guessed=guessed, today=today)


def summary_of(
    name: str,
    settings: Settings,
    load: Load,
    facts: Facts,
    *,
    guessed: bool = False,
    today: datetime.date | None = None,
) -> Summary:
    """The same for settings that are at hand."""
    stack = declared.declared_of(settings)
    found = bill(stack, load, facts)
    now = today or datetime.datetime.now(datetime.UTC).date()
    rooms = tuple(_alone(stack, one, load, facts) for one in stack.hosts)
    return Summary(name, found, catches(found, facts, now), rooms, settings.monthly_budget, guessed, facts)


def _alone(stack: Declared, platform: str, load: Load, facts: Facts) -> Alone:
    lines = alone(stack, platform, load, facts)
    found = limit(lines)
    priced = [one for one in lines if one.row.end == "charge" and one.row.free]
    charged = [(visits, one) for one in priced if (visits := one.visits_until_end) is not None]
    first = min(charged, key=lambda pair: pair[0], default=None)
    return Alone(platform, found[0] if found else None, found[1] if found else None, first)


def _changed(settings: Settings, wanted: Changes) -> Settings:
    update: Mapping[str, object] = {
        **({"hosts": wanted.hosts} if wanted.hosts else {}),
        **({"edge_mode": wanted.mode} if wanted.mode else {}),
    }
    try:
        return Settings.model_validate({**dict(settings), **update})
    except ValidationError as error:
        said = "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise Refused(f"HOSTS={','.join(wanted.hosts)}: {said}") from error


def _loaded(load: Load, wanted: Changes) -> Load:
    """The load with what the caller wants: of visits, traffic and page weight any two give the third."""
    weight = wanted.page_weight * KB / GIGA if wanted.page_weight else None
    visits, each = wanted.visits, weight
    if wanted.gigabytes is not None:
        if visits is not None and weight is not None:
            raise Refused("VISITS, PAGE_WEIGHT and TRAFFIC are given, and two of them give the third; leave one away")
        if visits:
            each = wanted.gigabytes / visits
        else:
            visits = wanted.gigabytes / (weight or load.gigabytes)
    load = replace(load, visits=load.visits if visits is None else visits, gigabytes=each or load.gigabytes)
    load = replace(load, requests=wanted.requests or load.requests)
    return load if wanted.deploys is None else replace(load, deploys=wanted.deploys)
