from __future__ import annotations

import json

from policies import budget as guard
from policies.whole_site import PUBLISH
from tests.policies.cases import cannot_know, finds, passes
from tests.policies.judging import declared

ANY = declared(PUBLISH, platform="aws")
BUDGET = guard.STACK_KEEPS_ITS_BUDGET


def settings(**given):
    """The stack's settings as the engine has them."""
    own = {
        "cloudflareAccountId": "a" * 32,
        "cloudflareZoneId": "b" * 32,
        "hosts": ["vercel", "netlify", "azure"],
        "traffic": {"siteSize": 1, "files": 20},
        **given,
    }
    return {key: one if isinstance(one, str) else json.dumps(one) for key, one in own.items()}


MANY = {"visits": 3_000_000, "requests": 1, "siteSize": 1, "files": 20}

PASSING = [
    passes(BUDGET, ANY, settings=settings(budget="10")),
    passes(BUDGET, ANY, settings=settings(edgeMode="worker")),
    passes(BUDGET, ANY, settings=settings(edgeMode="worker", hosts=["aws", "vercel", "netlify"])),
    passes(BUDGET, ANY, settings=settings(edgeMode="worker", budget="20", hostSettings={"vercel": {"plan": "pro"}})),
    # A stack is not stopped for a price that nobody knows.
    passes(BUDGET, ANY, settings=settings(budget="10", monitorRegions=["WEU", "ENAM"])),
]
FAILING = [
    finds(BUDGET, "no budget is stated for edgeMode load-balancer, which is never free", ANY, settings=settings()),
    finds(BUDGET, "costs $10.00 (cloudflare $10.00); its budget is $9.99", ANY, settings=settings(budget="9.99")),
    finds(
        BUDGET,
        "a month of 10,000 visits, 10 GB, with a site of an assumed size, "
        "costs $10.01 (cloudflare $10.00, azure $0.01); its budget is $10.00",
        ANY,
        settings=settings(budget="10", traffic={}, content="https://gitlab.example/site.git"),
    ),
    finds(
        BUDGET,
        "never free: a month of 10,000 visits, 10 GB, with a site of an assumed size, costs",
        ANY,
        settings=settings(traffic={}, content="https://gitlab.example/site.git"),
    ),
    finds(BUDGET, "its budget is $0.00", ANY, settings=settings(budget="0")),
    finds(
        BUDGET,
        "vercel $20.00); its budget is $0.00",
        ANY,
        settings=settings(edgeMode="worker", hostSettings={"vercel": {"plan": "pro"}}),
    ),
    finds(BUDGET, "aws $1", ANY, settings=settings(hosts=["aws", "azure"], budget="30", traffic=MANY)),
    finds(
        BUDGET,
        "and what is unknown: cloudflare.regions; its budget is $5.00",
        ANY,
        settings=settings(budget="5", monitorRegions=["WEU", "ENAM"]),
    ),
    finds(
        BUDGET,
        "and what is unknown: cloudflare.regions, aws.key-writes; its budget is $5.00",
        ANY,
        settings=settings(budget="5", hosts=["vercel", "aws"], monitorRegions=["WEU", "ENAM"]),
    ),
]
UNKNOWN_YET = [cannot_know(BUDGET, "configuration of the stack", ANY)]
