"""What Cloudflare documents of failures, hosts and its API, held on real sockets; each row with its source.

What can be told without a network is in test_semantics.py.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
import cloudflare
import pytest

from sandbox.cloudflare import access
from sandbox.cloudflare.access import Allowance
from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID
from sandbox.cloudflare.affinity import COOKIE
from sandbox.cloudflare.origins import OriginFailure, Origins
from tests.sandbox.cloudflare.small_world import MONITOR, SETTING, OriginSite, edge_world

DOCS = "https://developers.cloudflare.com"
ADAPTIVE = f"{DOCS}/load-balancing/understand-basics/adaptive-routing/"
ERRORS = f"{DOCS}/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/"
HOSTS = f"{DOCS}/load-balancing/additional-options/override-http-host-headers/"
LIMITS = f"{DOCS}/fundamentals/api/reference/limits/"
MODES = f"{DOCS}/ssl/origin-configuration/ssl-modes/"
POOLS = f"{DOCS}/api/resources/load_balancers/subresources/pools/"
MONITORS = f"{DOCS}/api/resources/load_balancers/subresources/monitors/"
TOKENS = "https://github.com/cloudflare/cf-terraforming/issues/279"
ACROSS, WITHIN = {"adaptiveRouting": {"failoverAcrossPools": True}}, {"adaptiveRouting": {"failoverAcrossPools": False}}


@pytest.fixture
def one():
    return OriginSite("one")


@pytest.fixture
def two():
    return OriginSite("two")


@asynccontextmanager
async def both_healthy(folder, one, two, *, speed=1.0, **declared):
    """Both were found healthy by the first check; at the clock's own speed no other follows within a test."""
    async with edge_world(folder, one, two, speed=speed) as world:
        await world.declare(one, two, **declared)
        for site in (one, two):
            await world.health(site.hostname, "healthy")
        yield world


class Failure(NamedTuple):
    status: int
    retried: bool
    source: str = ADAPTIVE


FAILURES = [Failure(status, True) for status in (521, 522, 523, 525, 526)]
FAILURES += [Failure(status, False) for status in (520, 524, 530)]


@pytest.mark.parametrize("row", FAILURES, ids=lambda row: f"{row.status}")
@pytest.mark.parametrize("balancer", [ACROSS, WITHIN], ids=["across-pools", "within-pool"])
async def test_a_failure_to_connect_is_retried_once_and_only_across_pools(
    tmp_path, monkeypatch, one, two, row, balancer
):
    asked, real = [], Origins.ask

    def ask(self, request):
        asked.append(request.address)
        if request.address == one.hostname:
            raise OriginFailure(row.status, "as the test wants it")
        return real(self, request)

    async with both_healthy(tmp_path, one, two, balancer=balancer) as world:
        monkeypatch.setattr(Origins, "ask", ask)
        status, body, _ = await world.get()
    if row.retried and balancer is ACROSS:
        assert (status, body) == (200, two.body)
        assert asked == [one.hostname, two.hostname]
    else:
        assert status == row.status
        assert asked == [one.hostname]


@pytest.mark.parametrize("status", [404, 500, 502, 503, 504, 520])
async def test_an_answer_of_the_origin_is_never_retried(tmp_path, one, two, status):
    one.status = status
    async with both_healthy(tmp_path, one, two, balancer=ACROSS) as world:
        assert (await world.get())[:2] == (status, one.body), ADAPTIVE
    assert two.seen == []


class Broken(NamedTuple):
    kind: str
    ssl: str
    status: int
    source: str


BROKEN = [
    Broken("down", "strict", 521, ERRORS),
    Broken("tls-expired", "strict", 526, ERRORS),
    Broken("tls-expired", "full", 200, MODES),
    Broken("error", "strict", 503, ERRORS),
]


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: f"{row.kind}-{row.ssl}")
async def test_what_a_broken_platform_shows_a_visitor(tmp_path, one, two, row):
    async with both_healthy(tmp_path, one, two, balancer=WITHIN) as world:
        await world.running.declare(SETTING, zoneId=ZONE_ID, settingId="ssl", value=row.ssl)
        await world.fault("one", row.kind)
        assert (await world.get())[0] == row.status


async def test_an_expired_certificate_is_covered_by_the_next_pool_and_found_by_the_monitor(tmp_path, one, two):
    async with both_healthy(tmp_path, one, two, speed=600.0) as world:
        await world.running.declare(SETTING, zoneId=ZONE_ID, settingId="ssl", value="strict")
        await world.fault("one", "tls-expired")
        assert (await world.get())[:2] == (200, two.body)
        await world.health(one.hostname, "unhealthy")
        await world.heal("one")
        await world.health(one.hostname, "healthy")
        assert (await world.get())[:2] == (200, one.body)


async def test_a_monitor_that_allows_insecure_finds_an_expired_certificate_healthy(tmp_path, one, two):
    async with both_healthy(tmp_path, one, two, speed=600.0, monitor={"allowInsecure": True}) as world:
        await world.fault("one", "tls-expired")
        before = one.probes
        await world.until(lambda: one.probes > before + 2)
        assert world.edge_health()[one.hostname] == "healthy", MONITORS


async def test_visitors_get_the_endpoints_host_and_never_the_monitors(tmp_path, one):
    async with edge_world(tmp_path, one, speed=1.0) as world:
        await world.declare(one, monitor={"header": {"Host": ["of.monitor.example"]}})
        await world.health(one.hostname, "healthy")
        await world.get("/")
    assert [request.host for request in one.seen] == [one.hostname], HOSTS


async def test_a_session_cookie_keeps_a_visitor_where_it_was(tmp_path, one, two):
    async with both_healthy(tmp_path, one, two, balancer={"sessionAffinity": "cookie"}) as world:
        _, body, answer = await world.get()
        cookie = answer.cookies[COOKIE].value
        client = client_of(world)
        await client.load_balancers.edit(
            world.balancer, zone_id=ZONE_ID, default_pools=[world.pools["two"], world.pools["one"]]
        )
        assert (await world.get())[1] == two.body
        stays = await world.get(headers={"Cookie": f"{COOKIE}={cookie}"})
        odd = await world.get(headers={"Cookie": f"{COOKIE}=nonsense"})
        await client.close()
    assert body == stays[1] == one.body
    assert (COOKIE in stays[2].cookies, odd[1]) == (False, two.body)


# The API


def client_of(world, token=None, retries=0):
    environment = world.running.environment
    return cloudflare.AsyncCloudflare(
        base_url=environment["CLOUDFLARE_BASE_URL"],
        api_token=token or environment["CLOUDFLARE_API_TOKEN"],
        max_retries=retries,
        http_client=cloudflare.DefaultAsyncHttpxClient(trust_env=False),
    )


def account_of(world):
    found = next(twin for twin in world.running.twins if twin.name == "cloudflare")
    return next(kind.account for kind in found.resource_types if kind.token == MONITOR)


@pytest.fixture
async def world(tmp_path, one):
    async with edge_world(tmp_path, one) as found:
        await found.declare(one)
        yield found


@pytest.fixture
async def api(world):
    async with client_of(world) as found:
        yield found


SHEDDING = {"default_percent": 95, "default_policy": "random", "session_percent": 0, "session_policy": "hash"}
PATCHES = [
    ({"description": "new"}, {"description": "new"}, POOLS),
    ({"load_shedding": SHEDDING}, {"load_shedding": SHEDDING}, POOLS),
    ({"load_shedding": {"default_percent": 95}}, {"load_shedding": SHEDDING}, POOLS),
    ({"minimum_origins": 1, "enabled": True}, {"minimum_origins": 1, "enabled": True}, POOLS),
    ({"created_on": "1970-01-01T00:00:00Z", "id": "x" * 32}, {}, POOLS),
]


@pytest.mark.parametrize(("body", "expected", "source"), PATCHES, ids=lambda value: str(value)[:40])
async def test_a_partial_patch_of_a_pool_changes_what_it_names_and_nothing_else(world, api, body, expected, source):
    pool = world.pools["one"]
    before = (await api.load_balancers.pools.get(pool, account_id=ACCOUNT_ID)).to_dict()
    found = (await api.load_balancers.pools.edit(pool, account_id=ACCOUNT_ID, extra_body=body)).to_dict()
    volatile = {"modified_on"}
    assert {**before, **expected} == {**found, **{key: before[key] for key in volatile}}


async def test_null_takes_load_shedding_away_and_an_overwrite_without_it_too(world, api):
    pools, pool = api.load_balancers.pools, world.pools["one"]
    for clear in ("patch", "put"):
        await pools.edit(pool, account_id=ACCOUNT_ID, load_shedding=SHEDDING)
        if clear == "patch":
            found = await pools.edit(pool, account_id=ACCOUNT_ID, load_shedding=None)
        else:
            origins = [{"name": "one", "address": "site.one.example"}]
            found = await pools.update(pool, account_id=ACCOUNT_ID, name="one", origins=origins)
        assert found.load_shedding is None, clear


@pytest.mark.parametrize(
    "shedding",
    [{"default_percent": 101}, {"session_percent": -1}, {"default_policy": "other"}, {"session_policy": "random"}],
)
async def test_load_shedding_outside_of_its_schema_is_refused(world, api, shedding):
    with pytest.raises(cloudflare.BadRequestError) as raised:
        await api.load_balancers.pools.edit(world.pools["one"], account_id=ACCOUNT_ID, load_shedding=shedding)
    assert raised.value.errors[0].code == 1002, POOLS


async def test_the_health_of_a_pool_names_each_place_and_endpoint_with_its_reason(world, api, one):
    await world.health(one.hostname, "healthy")
    one.health_status = 500
    await world.health(one.hostname, "unhealthy")
    health = await api.load_balancers.pools.health.get(world.pools["one"], account_id=ACCOUNT_ID)
    (place,) = health.to_dict()["pop_health"].values()
    detail = place["origins"][0][one.hostname]
    assert (place["healthy"], detail["healthy"], detail["response_code"]) == (False, False, 500), POOLS
    assert detail["failure_reason"] == "Response code mismatch error"
    assert detail["rtt"].endswith("ms")


async def test_no_place_tells_of_a_pool_that_nobody_checks(world, api):
    origins = [{"name": "x", "address": "site.one.example"}]
    pool = await api.load_balancers.pools.create(account_id=ACCOUNT_ID, name="unmonitored", origins=origins)
    health = await api.load_balancers.pools.health.get(pool.id, account_id=ACCOUNT_ID)
    assert health.to_dict()["pop_health"] == {}, POOLS


async def test_tokens_are_refused_as_reported(world):
    reading = account_of(world).reading_token()
    url, pools = world.running.environment["CLOUDFLARE_BASE_URL"], f"/accounts/{ACCOUNT_ID}/load_balancers/pools"
    cases = [
        ({}, "GET", pools, 400, 9106),
        ({"Authorization": "Basic abc"}, "GET", pools, 400, 6003),
        ({"Authorization": "Bearer wrong"}, "GET", pools, 403, 9109),
        ({"Authorization": "Bearer wrong"}, "GET", "/user/tokens/verify", 401, 1000),
        ({"Authorization": f"Bearer {reading}"}, "PATCH", f"{pools}/{world.pools['one']}", 403, 10000),
    ]
    for headers, method, path, status, code in cases:
        async with world.http.request(method, url + path, headers=headers, json={}) as answer:
            assert (answer.status, (await answer.json())["errors"][0]["code"]) == (status, code), (path, TOKENS)
    async with client_of(world, reading) as api:
        assert [found.name async for found in api.load_balancers.pools.list(account_id=ACCOUNT_ID)] == ["one"]


def test_1200_requests_fit_into_five_minutes_and_one_more_blocks_for_five():
    allowance = Allowance()
    assert all(allowance.take(now=number * 0.2) for number in range(1200)), LIMITS
    assert not allowance.take(now=240.0)
    assert not allowance.take(now=240.0 + 299.9)
    assert allowance.take(now=240.0 + 300.0)


def test_a_new_window_begins_with_the_first_request_after_the_old_one():
    allowance = Allowance()
    assert all(allowance.take(now=0.0) for _ in range(1200))
    assert allowance.take(now=300.0), LIMITS


async def test_one_request_too_many_is_answered_429_and_the_sdk_waits_as_it_is_told(tmp_path, monkeypatch, one):
    monkeypatch.setattr(access, "QUOTA", 3)
    async with edge_world(tmp_path, one) as world:
        url = world.running.environment["CLOUDFLARE_BASE_URL"] + "/zones"
        headers = {"Authorization": f"Bearer {world.running.environment['CLOUDFLARE_API_TOKEN']}"}
        answers = [await asked(world.http, url, headers) for _ in range(4)]
        async with client_of(world, retries=1) as api:
            assert [zone.id async for zone in api.zones.list()] == [ZONE_ID]
    assert [status for status, _ in answers] == [200, 200, 200, 429]
    assert answers[0][1]["Ratelimit"].startswith('"default";r=2;t='), LIMITS
    assert answers[0][1]["Ratelimit-Policy"].startswith('"default";q=3;w='), LIMITS
    assert int(answers[3][1]["Retry-After"]) >= 1


async def asked(http: aiohttp.ClientSession, url, headers):
    async with http.get(url, headers=headers) as answer:
        await answer.read()
        return answer.status, answer.headers
