"""The prober on real sockets: what it asks, when, and what it makes of the answers."""

from __future__ import annotations

import pytest
from aiohttp import web

from sandbox.cloudflare import prober as module
from sandbox.cloudflare.health import ProbeResult
from tests.sandbox.cloudflare.documents import endpoint, monitor
from tests.sandbox.cloudflare.small_world import MONITOR, OriginSite, edge_world


async def test_a_new_pool_is_checked_at_once_and_then_every_interval(tmp_path):
    one = OriginSite("one")
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await world.health(one.hostname, "healthy")
        await world.until(lambda: one.probes >= 4)


async def test_a_long_interval_of_a_real_clock_is_not_waited_for_the_first_check(tmp_path):
    one = OriginSite("one")
    async with edge_world(tmp_path, one, speed=1.0) as world:
        await world.declare(one)
        await world.health(one.hostname, "healthy")
        assert one.probes == 1


@pytest.mark.parametrize(("status", "body"), [(500, "peaceful-robot-ok"), (200, "paused"), (301, "peaceful-robot-ok")])
async def test_a_wrong_answer_makes_unhealthy(tmp_path, status, body):
    one = OriginSite("one", health_status=status, health=body)
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await world.health(one.hostname, "unhealthy")


async def test_consecutive_up_holds_a_platform_back(tmp_path):
    one = OriginSite("one", health_status=500)
    async with edge_world(tmp_path, one, speed=120.0) as world:
        await world.declare(one, monitor={"consecutiveUp": 3})
        await world.health(one.hostname, "unhealthy")
        one.health_status, before = 200, one.probes
        await world.health(one.hostname, "healthy")
        assert one.probes >= before + 3


async def test_a_changed_monitor_is_used_from_the_next_check_on(tmp_path):
    one = OriginSite("one")
    async with edge_world(tmp_path, one) as world:
        await world.declare(one)
        await world.health(one.hostname, "healthy")
        kind = next(kind for twin in world.running.twins for kind in twin.resource_types if kind.token == MONITOR)
        (identifier,) = [found["id"] for found in kind.account.all(kind.kind)]
        old = await kind.read(identifier)
        await kind.update(identifier, old, {**old, "expectedBody": "another"})
        await world.health(one.hostname, "unhealthy")


async def test_an_endpoint_that_has_no_address_is_unhealthy(tmp_path):
    one, gone = OriginSite("one"), OriginSite("gone")
    async with edge_world(tmp_path, one) as world:
        await world.declare(one, gone)
        await world.health(gone.hostname, "unhealthy")


class Attempts:
    """Answers of single attempts, in order."""

    def __init__(self, *results):
        self.results = list(results)
        self.made = 0

    async def __call__(self, *_):
        self.made += 1
        return self.results.pop(0)


TIMED_OUT = ProbeResult(False, "HTTP timeout occurred")
MISMATCH = ProbeResult(False, "Response code mismatch error", 500)


@pytest.mark.parametrize(
    ("results", "made", "passed"),
    [
        ([TIMED_OUT, ProbeResult(True)], 2, True),
        ([TIMED_OUT, TIMED_OUT, TIMED_OUT], 3, False),
        ([MISMATCH], 1, False),
        ([TIMED_OUT, MISMATCH], 2, False),
    ],
)
async def test_only_time_outs_are_tried_again(monkeypatch, results, made, passed):
    attempts = Attempts(*results)
    monkeypatch.setattr(module, "_attempt", attempts)
    found = await module.probe(None, endpoint("e"), monitor(retries=2), None)
    assert (attempts.made, found.passed) == (made, passed)


async def test_redirects_are_followed_only_when_the_monitor_says_so(tmp_path):
    one = OriginSite("one")

    async def moved(request):
        one.probes += 1
        if request.path == "/moved":
            return web.Response(text="peaceful-robot-ok")
        return web.Response(status=302, headers={"Location": "/moved"})

    one._serve = moved
    async with edge_world(tmp_path, one) as world:
        await world.declare(one, monitor={"followRedirects": True})
        await world.health(one.hostname, "healthy")


async def test_a_tcp_monitor_needs_a_connection_only(tmp_path):
    one = OriginSite("one", health_status=500)
    async with edge_world(tmp_path, one) as world:
        await world.declare(one, monitor={"type": "tcp", "port": 443})
        await world.health(one.hostname, "healthy")
        await world.fault("one")
        await world.health(one.hostname, "unhealthy")
