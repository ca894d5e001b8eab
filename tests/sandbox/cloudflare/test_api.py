"""The API, asked by Cloudflare's official Python SDK."""

from __future__ import annotations

import aiohttp
import cloudflare
import pytest

from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID
from tests.sandbox.cloudflare.small_world import ALERT, RECORD, RULESET, SETTING, SITE, OriginSite, edge_world


@pytest.fixture
def one():
    return OriginSite("one")


@pytest.fixture
async def world(tmp_path, one):
    async with edge_world(tmp_path, one, OriginSite("two")) as found:
        yield found


@pytest.fixture
async def sdk(world, monkeypatch):
    for name, value in world.running.environment.items():
        if name.startswith("CLOUDFLARE"):
            monkeypatch.setenv(name, value)
    async with cloudflare.AsyncCloudflare(max_retries=0) as client:
        yield client


async def test_the_sdk_is_pointed_here_by_its_own_variables(world, sdk):
    assert (await sdk.user.tokens.verify()).status == "active"
    assert [zone.id async for zone in sdk.zones.list()] == [ZONE_ID]
    assert (await sdk.zones.get(zone_id=ZONE_ID)).name == "peacefulrobot.com"


async def test_zones_are_found_by_name(sdk):
    assert [zone.id async for zone in sdk.zones.list(name="peacefulrobot.com")] == [ZONE_ID]
    assert [zone.id async for zone in sdk.zones.list(name="example.org")] == []


async def test_what_the_engine_declared_is_seen_through_the_api(world, sdk, one):
    await world.declare(one)
    (balancer,) = [found async for found in sdk.load_balancers.list(zone_id=ZONE_ID)]
    assert (balancer.id, balancer.name) == (world.balancer, SITE)
    (pool,) = [found async for found in sdk.load_balancers.pools.list(account_id=ACCOUNT_ID)]
    assert pool.origins[0].header.host == [one.hostname]
    monitor = await sdk.load_balancers.monitors.get(pool.monitor, account_id=ACCOUNT_ID)
    assert (monitor.type, monitor.timeout) == ("https", 5)


async def test_the_health_of_a_pool_is_told_per_endpoint(world, sdk, one):
    await world.declare(one)
    await world.health(one.hostname, "healthy")
    health = await sdk.load_balancers.pools.health.get(world.pools["one"], account_id=ACCOUNT_ID)
    (place,) = health.pop_health.model_extra.values()
    assert place["healthy"] is True
    assert place["origins"][0][one.hostname]["response_code"] == 200


async def test_load_shedding_is_set_stepped_and_cleared_by_patch(world, sdk, one):
    await world.declare(one)
    pools, pool = sdk.load_balancers.pools, world.pools["one"]
    shedding = {"default_percent": 95, "default_policy": "random", "session_percent": 0, "session_policy": "hash"}
    for percent in (95, 50, 10):
        wanted = {**shedding, "default_percent": percent}
        found = await pools.edit(pool, account_id=ACCOUNT_ID, load_shedding=wanted)
        assert found.load_shedding.default_percent == percent
        assert found.origins[0].address == one.hostname
    found = await pools.edit(pool, account_id=ACCOUNT_ID, extra_body={"load_shedding": None})
    assert found.load_shedding is None


async def test_shed_traffic_goes_to_the_next_pool_at_once(world, sdk, one):
    two = OriginSite("two")
    await world.declare(one, two)
    for site in (one, two):
        await world.health(site.hostname, "healthy")
    await sdk.load_balancers.pools.edit(
        world.pools["one"], account_id=ACCOUNT_ID, load_shedding={"default_percent": 100}
    )
    assert (await world.get())[1] == two.body


async def test_a_pool_is_disabled_by_patch_and_overwritten_by_put(world, sdk, one):
    await world.declare(one)
    pools, pool = sdk.load_balancers.pools, world.pools["one"]
    assert (await pools.edit(pool, account_id=ACCOUNT_ID, enabled=False)).disabled_at is not None
    found = await pools.update(
        pool, account_id=ACCOUNT_ID, name="renamed", origins=[{"name": "one", "address": one.hostname}]
    )
    assert (found.name, found.enabled, found.monitor) == ("renamed", True, None)


async def test_the_order_of_failover_is_changed_by_patch(world, sdk, one):
    two = OriginSite("two")
    await world.declare(one, two)
    for site in (one, two):
        await world.health(site.hostname, "healthy")
    order = [world.pools["two"], world.pools["one"]]
    await sdk.load_balancers.edit(world.balancer, zone_id=ZONE_ID, default_pools=order)
    assert (await world.get())[1] == two.body


async def test_monitors_and_pools_are_made_and_taken_away(sdk):
    balancing = sdk.load_balancers
    monitor = await balancing.monitors.create(account_id=ACCOUNT_ID, type="https", load_balancer_monitor_timeout=3)
    assert monitor.timeout == 3
    pool = await balancing.pools.create(
        account_id=ACCOUNT_ID,
        name="made",
        origins=[{"name": "one", "address": "site.one.example"}],
        extra_body={"monitor": monitor.id, "check_regions": ["WEU"]},
    )
    with pytest.raises(cloudflare.APIStatusError) as raised:
        await balancing.monitors.delete(monitor.id, account_id=ACCOUNT_ID)
    assert (raised.value.status_code, raised.value.errors[0].code) == (412, 1005)
    await balancing.pools.delete(pool.id, account_id=ACCOUNT_ID)
    await balancing.monitors.delete(monitor.id, account_id=ACCOUNT_ID)
    with pytest.raises(cloudflare.NotFoundError):
        await balancing.monitors.get(monitor.id, account_id=ACCOUNT_ID)


async def test_records_are_found_by_name_and_type(world, sdk):
    names = ("a.peacefulrobot.com", "b.peacefulrobot.com")
    for name in names:
        await world.running.declare(RECORD, zoneId=ZONE_ID, name=name, type="TXT", content="x", ttl=1)
    found = [record.name async for record in sdk.dns.records.list(zone_id=ZONE_ID, name={"exact": names[0]})]
    assert found == [names[0]]
    assert [record.name async for record in sdk.dns.records.list(zone_id=ZONE_ID, type="A")] == []


async def test_long_lists_come_in_pages(world, sdk):
    for number in range(45):
        await world.running.declare(RECORD, zoneId=ZONE_ID, name=f"n{number}.x.org", type="TXT", content="x", ttl=1)
    found = [record.name async for record in sdk.dns.records.list(zone_id=ZONE_ID, per_page=20)]
    assert len(set(found)) == 45


async def test_zone_settings_are_read_and_changed(world, sdk):
    await world.running.declare(SETTING, zoneId=ZONE_ID, settingId="ssl", value="strict")
    assert (await sdk.zones.settings.get("ssl", zone_id=ZONE_ID)).value == "strict"
    await sdk.zones.settings.edit("ssl", zone_id=ZONE_ID, value="full")
    assert (await sdk.zones.settings.get("ssl", zone_id=ZONE_ID)).value == "full"


async def test_rulesets_and_notification_policies_are_listed(world, sdk, one):
    await world.declare(one)
    rule = {"expression": "true", "action": "set_cache_settings", "actionParameters": {"cache": True}}
    phase = {"name": "default", "kind": "zone", "phase": "http_request_cache_settings"}
    made, _ = await world.running.declare(RULESET, zoneId=ZONE_ID, rules=[rule], **phase)
    assert [(found.id, found.phase) async for found in sdk.rulesets.list(zone_id=ZONE_ID)] == [(made, phase["phase"])]
    pools = list(world.pools.values())
    policy = {"name": "n", "alertType": "load_balancing_health_alert", "mechanisms": {"emails": [{"id": "a@b.org"}]}}
    made, _ = await world.running.declare(ALERT, accountId=ACCOUNT_ID, filters={"poolIds": pools}, **policy)
    (found,) = [found async for found in sdk.alerting.policies.list(account_id=ACCOUNT_ID)]
    assert (found.id, found.mechanisms.email[0].id, found.filters.pool_id) == (made, "a@b.org", pools)


async def test_a_purge_is_accepted(sdk):
    assert (await sdk.cache.purge(zone_id=ZONE_ID, purge_everything=True)).id == ZONE_ID


async def test_a_wrong_token_is_refused(sdk):
    with pytest.raises(cloudflare.PermissionDeniedError) as raised:
        await sdk.with_options(api_token="wrong").zones.get(zone_id=ZONE_ID)
    assert raised.value.errors[0].code == 9109


async def test_an_object_that_breaks_a_rule_is_refused_with_its_code(sdk):
    with pytest.raises(cloudflare.BadRequestError) as raised:
        await sdk.load_balancers.pools.create(account_id=ACCOUNT_ID, name="x", origins=[])
    assert raised.value.errors[0].code == 1002


RAW = [
    ("GET", f"/zones/{'f' * 32}", None, 404, 7003),
    ("GET", f"/accounts/{'f' * 32}/load_balancers/pools", None, 404, 7003),
    ("GET", "/nothing/here", None, 404, 7000),
    ("POST", f"/accounts/{ACCOUNT_ID}/load_balancers/monitors", "{not json", 400, 6007),
    ("GET", f"/zones/{ZONE_ID}/dns_records?page=x", None, 400, 6003),
    ("POST", f"/zones/{ZONE_ID}/purge_cache", "{}", 400, 1012),
    ("GET", f"/zones/{ZONE_ID}/settings/warp_speed", None, 404, 1006),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), RAW)
async def test_what_is_wrong_is_answered_in_the_envelope(world, method, path, body, status, code):
    environment = world.running.environment
    headers = {"Authorization": f"Bearer {environment['CLOUDFLARE_API_TOKEN']}"}
    url = environment["CLOUDFLARE_BASE_URL"] + path
    async with aiohttp.ClientSession() as http, http.request(method, url, data=body, headers=headers) as answer:
        envelope = await answer.json()
    assert (answer.status, envelope["success"], envelope["errors"][0]["code"]) == (status, False, code)


async def test_without_a_token_nothing_is_answered(world):
    url = world.running.environment["CLOUDFLARE_BASE_URL"] + "/zones"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert (answer.status, (await answer.json())["errors"][0]["code"]) == (400, 9106)
