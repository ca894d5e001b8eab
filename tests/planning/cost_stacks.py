"""Stacks and months that several tests of the cost model use."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from planning.consumption import Declared
from planning.traffic import Load

PLANS = {
    "vercel": "hobby",
    "netlify": "free",
    "aws": "pay-as-you-go",
    "firebase": "spark",
    "azure": "free",
    "gitlab": "free",
}
SIX = Declared(tuple(PLANS), PLANS, "load-balancer", interval=60, regions=2, keep=5)
MONTH = Load(
    visits=Decimal(10_000),
    gigabytes=Decimal("0.001"),
    requests=Decimal(11),
    cached=Decimal(0),
    deploys=Decimal(4),
    site_gigabytes=Decimal("0.1"),
    files=Decimal(1000),
)


def stack(*hosts, **changes):
    plans = {**PLANS, **changes.pop("plans", {})}
    return replace(SIX, hosts=hosts or SIX.hosts, plans=plans, **changes)


def month(visits=10_000, **changes):
    return replace(MONTH, visits=Decimal(visits), **{name: Decimal(str(value)) for name, value in changes.items()})
