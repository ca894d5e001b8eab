"""What Cloudflare documents of its load balancing, one row for each statement with its source, held by the twin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from sandbox.cloudflare.affinity import Session
from sandbox.cloudflare.health import EndpointHealth, ProbeResult, code_expected
from sandbox.cloudflare.objects import LoadBalancerKind, MonitorKind, PoolKind
from sandbox.cloudflare.prober import Prober, _judged, probe, probe_host
from sandbox.cloudflare.proxy import RETRIED
from tests.sandbox.cloudflare.documents import BAD, GOOD, chosen, endpoint, monitor, pool, share, view

DOCS = "https://developers.cloudflare.com/load-balancing"
STANDARD = f"{DOCS}/understand-basics/traffic-steering/steering-policies/standard-options/"
HEALTH = f"{DOCS}/understand-basics/health-details/"
ADAPTIVE = f"{DOCS}/understand-basics/adaptive-routing/"
SHEDDING = f"{DOCS}/additional-options/load-shedding/"
MONITORS = f"{DOCS}/monitors/"
ERRORS = f"{DOCS}/troubleshooting/common-error-codes/"
FAQ = f"{DOCS}/troubleshooting/load-balancing-faq/"
AFFINITY = f"{DOCS}/understand-basics/session-affinity/"
API = "https://developers.cloudflare.com/api/resources/load_balancers/"
PROVIDER = "https://github.com/cloudflare/terraform-provider-cloudflare/tree/main/internal/services"
STAYING = {"session": Session("a", "a"), "session_affinity": "cookie"}
ACROSS = {"adaptive_routing": {"failover_across_pools": True}}


def three(**changed):
    return [pool("a", **changed), pool("b"), pool("c")]


def after(results, **changed):
    health = EndpointHealth()
    for result in results:
        health.record(result, monitor(**changed))
    return health.state


def near(found, **wanted):
    return all(abs(found.get(name, 0) - share_) < 0.04 for name, share_ in wanted.items())


def body_judged(expected, body):
    return _judged(monitor(expected_body=expected), 200, body, 0.0).passed


TIMED_OUT, MISMATCH = ProbeResult(False, "HTTP timeout occurred"), ProbeResult(False, "Response code mismatch error")


def probed(*results, **changed):
    """Attempts that one check makes when they end like ``results``, and whether it passes."""
    made = []

    async def attempt(*_):
        made.append(results[len(made)])
        return made[-1]

    with patch("sandbox.cloudflare.prober._attempt", attempt):
        found = asyncio.run(probe(None, endpoint("e"), monitor(**changed), None))
    return len(made), found.passed


def begun(moments, pools=None, **changed):
    """Seconds, of ``moments``, at which a check of a pool begins."""
    account = SimpleNamespace(
        watch=lambda _: None,
        all=lambda _: pools or [pool("a")],
        monitor_of=lambda one: monitor(**changed) if one["monitor"] else None,
    )
    now, found = 0, []

    async def check(*_):
        found.append(now)

    async def watched():
        nonlocal now
        prober = Prober(account, None, SimpleNamespace(monotonic=lambda: now))
        with patch.object(prober, "_check", check):
            for moment in moments:
                now = moment
                prober._start_due()
                await asyncio.gather(*prober._running.values())
                await asyncio.sleep(0)  # the callbacks that note the end of a check

    asyncio.run(watched())
    return found


@dataclass(frozen=True)
class Semantic:
    says: str
    source: str
    holds: Callable[[], bool]


TABLE = [
    # Steering
    Semantic("off: the first pool serves", STANDARD, lambda: chosen(three(), up="abc") == ["a"]),
    Semantic(
        "off: the next healthy pool in order takes over", STANDARD, lambda: chosen(three(), up="c", down="ab") == ["c"]
    ),
    Semantic("off: fail-back to the first is total", STANDARD, lambda: share(three(), up="abc") == {"a": 1.0}),
    Semantic(
        "random: equal weights, equal shares",
        STANDARD,
        lambda: near(share(three(), up="abc", steering_policy="random"), a=1 / 3, b=1 / 3, c=1 / 3),
    ),
    Semantic(
        "random: pool_weights are relative",
        API,
        lambda: near(
            share(
                three(),
                up="abc",
                steering_policy="random",
                random_steering={"pool_weights": {"a": 0.5, "b": 0.25, "c": 0.25}},
            ),
            a=0.5,
            b=0.25,
            c=0.25,
        ),
    ),
    Semantic(
        "random: a pool without a weight gets default_weight",
        API,
        lambda: near(
            share(
                three(),
                up="abc",
                steering_policy="random",
                random_steering={"default_weight": 0.5, "pool_weights": {"a": 1, "b": 0.5}},
            ),
            a=0.5,
            b=0.25,
            c=0.25,
        ),
    ),
    Semantic(
        "random: default_weight is 1 when it is not given",
        f"{PROVIDER}/load_balancer/schema.go",
        lambda: near(
            share(three(), up="abc", steering_policy="random", random_steering={"pool_weights": {"a": 0.5, "b": 0.5}}),
            c=0.5,
        ),
    ),
    Semantic(
        "random: a pool of weight 0 gets nothing",
        API,
        lambda: (
            "a" not in share(three(), up="abc", steering_policy="random", random_steering={"pool_weights": {"a": 0}})
        ),
    ),
    Semantic(
        "random: an unhealthy pool's share goes to the others",
        HEALTH,
        lambda: near(share(three(), up="bc", steering_policy="random"), b=0.5, c=0.5),
    ),
    Semantic(
        "off ignores random_steering",
        API,
        lambda: share(three(), up="abc", random_steering={"pool_weights": {"a": 0}}) == {"a": 1.0},
    ),
    Semantic(
        "a disabled pool gets nothing", API, lambda: chosen(three(enabled=False), up="abc", fallback=pool("b")) == ["b"]
    ),
    Semantic(
        "endpoints of a pool share by weight",
        API,
        lambda: near(share([pool("p", endpoint("x", weight=1), endpoint("y", weight=0.25))], up="xy"), x=0.8, y=0.2),
    ),
    Semantic(
        "an endpoint of weight 0 gets nothing",
        API,
        lambda: share([pool("p", endpoint("x", weight=0), endpoint("y"))], up="xy") == {"y": 1.0},
    ),
    Semantic(
        "a disabled endpoint gets nothing",
        API,
        lambda: share([pool("p", endpoint("x", enabled=False), endpoint("y"))], up="xy") == {"y": 1.0},
    ),
    Semantic(
        "endpoints whose name has no address are steered around",
        FAQ,
        lambda: chosen(three(), up="abc", unresolved="a") == ["b"],
    ),
    # Fallback pool
    Semantic("the fallback pool serves when all are down", HEALTH, lambda: chosen(three(), down="abc") == ["a"]),
    Semantic(
        "the health of the fallback pool is ignored",
        HEALTH,
        lambda: chosen(three(), down="abc", fallback=pool("z")) == ["z"],
    ),
    Semantic(
        "a disabled fallback pool serves nothing (530/1016)",
        HEALTH,
        lambda: chosen(three(), down="abc", fallback=pool("z", enabled=False)) == [],
    ),
    Semantic(
        "the fallback pool serves when no pool's name resolves",
        HEALTH,
        lambda: chosen(three(monitor=None), unresolved="abc", fallback=pool("z")) == ["z"],
    ),
    # Zero-downtime failover
    Semantic("by default the retry stays in the pool", ADAPTIVE, lambda: chosen(three(), up="abc") == ["a"]),
    Semantic(
        "another healthy endpoint of the pool is the retry",
        ADAPTIVE,
        lambda: sorted(chosen([pool("p", endpoint("x"), endpoint("y"))], up="xy")) == ["x", "y"],
    ),
    Semantic(
        "across pools the next healthy pool is the retry",
        ADAPTIVE,
        lambda: chosen(three(), up="ac", down="b", **ACROSS) == ["a", "c"],
    ),
    Semantic("there is one retry", ADAPTIVE, lambda: len(chosen(three(), up="abc", **ACROSS)) == 2),
    Semantic("only 521, 522, 523, 525 and 526 are retried", ADAPTIVE, lambda: {521, 522, 523, 525, 526} == RETRIED),
    Semantic(
        "without a healthy alternative nothing is retried",
        ADAPTIVE,
        lambda: chosen(three(), up="a", down="bc", **ACROSS) == ["a"],
    ),
    # Load shedding
    Semantic(
        "a pool sheds its percentage to the next",
        SHEDDING,
        lambda: near(share(three(load_shedding={"default_percent": 25}), up="abc"), a=0.75, b=0.25),
    ),
    Semantic(
        "0 percent sheds nothing",
        SHEDDING,
        lambda: share(three(load_shedding={"default_percent": 0}), up="abc") == {"a": 1.0},
    ),
    Semantic(
        "100 percent sheds everything",
        SHEDDING,
        lambda: share(three(load_shedding={"default_percent": 100}), up="abc") == {"b": 1.0},
    ),
    Semantic(
        "hash keeps a visitor where it was",
        SHEDDING,
        lambda: (
            len(
                {
                    chosen(three(load_shedding={"default_percent": 50, "default_policy": "hash"}), up="abc", seed=seed)[
                        0
                    ]
                    for seed in range(20)
                }
            )
            == 1
        ),
    ),
    Semantic(
        "hash sheds a percentage of the addresses",
        SHEDDING,
        lambda: near(
            share(three(load_shedding={"default_percent": 50, "default_policy": "hash"}), up="abc"), a=0.5, b=0.5
        ),
    ),
    Semantic(
        "when all pools shed, some traffic goes to the fallback pool",
        SHEDDING,
        lambda: near(
            share([pool("a", load_shedding={"default_percent": 50})], up="a", fallback=pool("z")), a=0.5, z=0.5
        ),
    ),
    Semantic(
        "without a policy the requests are shed at random",
        API,
        lambda: near(share([pool("a", load_shedding={"default_percent": 30})], up="a", fallback=pool("z")), z=0.3),
    ),
    Semantic(
        "with random steering a pool sheds of its own share",
        SHEDDING,
        lambda: near(
            share(three(load_shedding={"default_percent": 50}), up="abc", steering_policy="random"),
            a=1 / 6,
            b=5 / 12,
            c=5 / 12,
        ),
    ),
    Semantic(
        "the only healthy pool sheds to the fallback pool, though others are there and down",
        SHEDDING,
        lambda: near(share(three(load_shedding={"default_percent": 75}), up="a", fallback=pool("z")), a=0.25, z=0.75),
    ),
    Semantic(
        "a pool that is not shed keeps all traffic from the fallback pool",
        SHEDDING,
        lambda: "z" not in share([*three(load_shedding={"default_percent": 90})[:2]], up="ab", fallback=pool("z")),
    ),
    Semantic(
        "session_percent sheds nothing of traffic without sessions",
        SHEDDING,
        lambda: share(three(load_shedding={"session_percent": 100}), up="abc") == {"a": 1.0},
    ),
    Semantic(
        "default_percent sheds nothing of existing sessions",
        SHEDDING,
        lambda: share(three(load_shedding={"default_percent": 100}), up="abc", **STAYING) == {"a": 1.0},
    ),
    Semantic(
        "session_percent sheds that part of the addresses",
        SHEDDING,
        lambda: near(share(three(load_shedding={"session_percent": 40}), up="abc", **STAYING), a=0.6, b=0.4),
    ),
    # Session affinity
    Semantic(
        "a session stays with its endpoint",
        AFFINITY,
        lambda: chosen(three(), up="abc", session=Session("c", "c"), session_affinity="cookie") == ["c"],
    ),
    Semantic(
        "a session whose endpoint is down is steered anew",
        AFFINITY,
        lambda: chosen(three(), up="ab", down="c", session=Session("c", "c"), session_affinity="cookie") == ["a"],
    ),
    Semantic(
        "a session is not retried elsewhere by default",
        AFFINITY,
        lambda: chosen(three(), up="abc", session=Session("c", "c"), session_affinity="cookie", **ACROSS) == ["c"],
    ),
    Semantic(
        "with zero_downtime_failover temporary it is",
        AFFINITY,
        lambda: (
            chosen(
                three(),
                up="abc",
                session=Session("c", "c"),
                session_affinity="cookie",
                session_affinity_attributes={"zero_downtime_failover": "temporary"},
                **ACROSS,
            )
            == ["c", "a"]
        ),
    ),
    # Health
    Semantic("without a monitor a pool is always up", HEALTH, lambda: view([]).pool_up(pool("a", monitor=None))),
    Semantic("with a monitor an unknown pool is down", HEALTH, lambda: not view([]).pool_up(pool("a"))),
    Semantic("the first result settles the state", HEALTH, lambda: after([GOOD], consecutive_up=3) == "healthy"),
    Semantic(
        "consecutive_down failures in a row make unhealthy",
        HEALTH,
        lambda: (
            (after([GOOD, BAD], consecutive_down=2), after([GOOD, BAD, BAD], consecutive_down=2))
            == ("healthy", "unhealthy")
        ),
    ),
    Semantic(
        "a pass between starts the count again",
        HEALTH,
        lambda: after([GOOD, BAD, GOOD, BAD], consecutive_down=2) == "healthy",
    ),
    Semantic(
        "consecutive_up passes in a row make healthy",
        HEALTH,
        lambda: (
            (after([BAD, GOOD], consecutive_up=2), after([BAD, GOOD, GOOD], consecutive_up=2))
            == ("unhealthy", "healthy")
        ),
    ),
    Semantic("0 means 1", API, lambda: after([GOOD, BAD], consecutive_down=0, consecutive_up=0) == "unhealthy"),
    Semantic(
        "a pool is healthy from minimum_origins endpoints on",
        HEALTH,
        lambda: (
            (
                [
                    view([p], up="x", down="y").pool_up(p)
                    for p in (
                        pool("p", endpoint("x"), endpoint("y")),
                        pool("p", endpoint("x"), endpoint("y"), minimum_origins=2),
                    )
                ]
            )
            == [True, False]
        ),
    ),
    Semantic(
        "a disabled endpoint does not count",
        API,
        lambda: (
            not view([pool("p", endpoint("x", enabled=False))], up="x").pool_up(pool("p", endpoint("x", enabled=False)))
        ),
    ),
    # Monitors
    Semantic(
        "a new endpoint is checked at once, then every interval",
        MONITORS,
        lambda: begun([0, 30, 59, 60, 90, 119, 120], interval=60) == [0, 60, 120],
    ),
    Semantic(
        "another interval is another pace", MONITORS, lambda: begun([0, 14, 15, 29, 30], interval=15) == [0, 15, 30]
    ),
    Semantic(
        "a pool without a monitor is not checked",
        MONITORS,
        lambda: begun([0, 60], pools=[pool("a", monitor=None)]) == [],
    ),
    Semantic(
        "a time-out is tried again at once, as often as retries says",
        MONITORS,
        lambda: (
            (probed(TIMED_OUT, TIMED_OUT, GOOD, retries=2), probed(TIMED_OUT, TIMED_OUT, retries=1))
            == ((3, True), (2, False))
        ),
    ),
    Semantic("with retries 0 nothing is tried again", MONITORS, lambda: probed(TIMED_OUT, retries=0) == (1, False)),
    Semantic(
        "only a time-out is tried again, no wrong answer and no refused connection",
        "https://github.com/cloudflare/cloudflare-docs/pull/31583",
        lambda: (
            (probed(MISMATCH, retries=2), probed(BAD, retries=2), probed(TIMED_OUT, MISMATCH, retries=2))
            == ((1, False), (1, False), (2, False))
        ),
    ),
    Semantic("a list of codes is expected", MONITORS, lambda: code_expected("200, 302", 302)),
    Semantic("2xx covers the range", MONITORS, lambda: code_expected("2xx", 204) and not code_expected("2xx", 302)),
    Semantic("301 fails a monitor that expects 200", ERRORS, lambda: not _judged(monitor(), 301, b"", 0.0).passed),
    Semantic("the body is searched without case", ERRORS, lambda: body_judged("OK-Token", b"...ok-tokeN...")),
    Semantic("a body without the text fails", ERRORS, lambda: not body_judged("ok", b"bad gateway")),
    Semantic(
        "an endpoint's Host wins over the monitor's",
        MONITORS,
        lambda: (
            probe_host(endpoint("e", header={"Host": ["own.example"]}), monitor(header={"Host": ["www.example"]}))
            == "own.example"
        ),
    ),
    Semantic(
        "the monitor's Host wins over the address",
        MONITORS,
        lambda: probe_host(endpoint("e"), monitor(header={"host": ["www.example"]})) == "www.example",
    ),
    Semantic(
        "with neither, Host is the address", MONITORS, lambda: probe_host(endpoint("e"), monitor()) == "e.example"
    ),
    # Defaults
    Semantic(
        "a monitor is http unless it says https",
        f"{PROVIDER}/load_balancer_monitor/schema.go",
        lambda: MonitorKind.initial["type"] == "http",
    ),
    Semantic(
        "60 s, 5 s, 2 retries",
        f"{PROVIDER}/load_balancer_monitor/schema.go",
        lambda: [MonitorKind.initial[key] for key in ("interval", "timeout", "retries")] == [60, 5, 2],
    ),
    Semantic(
        "a load balancer is not proxied unless it says so",
        f"{PROVIDER}/load_balancer/schema.go",
        lambda: LoadBalancerKind.initial["proxied"] is False,
    ),
    Semantic(
        "a pool is enabled and needs one endpoint",
        f"{PROVIDER}/load_balancer_pool/schema.go",
        lambda: PoolKind.initial == {"enabled": True, "minimum_origins": 1},
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.says)
def test_the_twin_does_what_is_documented(row):
    assert row.source.startswith("https://")
    assert row.holds()


def test_a_probe_result_without_an_expected_body_needs_the_code_only():
    assert _judged(monitor(), 200, b"", 0.5) == ProbeResult(True, code=200, seconds=0.5)
