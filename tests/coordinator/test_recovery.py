"""The coordinator and Cloudflare's twin on real sockets: break, heal, count who answers."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from random import Random

import aiohttp
import cloudflare as sdk
import pytest

from coordinator.balancer import CloudflareBalancer
from coordinator.errors import Unreachable
from coordinator.memory import Memory
from coordinator.recovery import Recovery, Rehearsal
from coordinator.recovery_settings import Recovery as Settings
from coordinator.settings import Access
from sandbox import cloudflare as twin
from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID
from sandbox.world import Fault
from tests.sandbox.cloudflare.small_world import MONITOR, SITE, EdgeWorld, OriginSite
from tests.worlds import running

SPEED = 300.0
"""An interval of 60 s lasts 0.2 s, a dwell of 120 s lasts 0.4 s."""
SETTINGS = Settings(steps=(5, 25, 50, 100), dwell=120, clean_probes=2, longest_wait=960)
REQUESTS = 1000


@pytest.fixture
def sites():
    return OriginSite("one"), OriginSite("two")


@asynccontextmanager
async def site_world(folder, *sites, speed=SPEED):
    makers = [*(site.twin for site in sites), partial(twin.twin, random=Random(5))]
    async with running(folder, makers, speed) as found, aiohttp.ClientSession() as http:
        world = EdgeWorld(found, http)
        await world.declare(*sites)
        for site in sites:
            await world.health(site.hostname, "healthy")
        yield world


@pytest.fixture
async def world(tmp_path, sites):
    async with site_world(tmp_path / "world", *sites) as found:
        yield found


def access(world, **changed):
    environment = world.running.environment
    given = {"token": environment["CLOUDFLARE_API_TOKEN"], "base_url": environment["CLOUDFLARE_BASE_URL"]}
    return Access(**{**given, "speed": SPEED, **changed})


@asynccontextmanager
async def coordinator(world, path, *, rehearse=False, **changed):
    """One that is there and does nothing until it is asked."""
    balancer = CloudflareBalancer(ACCOUNT_ID, ZONE_ID, SITE, lambda: access(world, **changed))
    shown = Rehearsal(balancer) if rehearse else balancer
    pause = SETTINGS.seconds_between_looks(SPEED)
    made = Recovery(shown, Memory(path, writing=not rehearse), SETTINGS.rules(SPEED), pause)
    try:
        yield made
    finally:
        await balancer.close()


@asynccontextmanager
async def at_work(world, path, **changed):
    """One that runs until the block ends, and then is gone at once."""
    async with coordinator(world, path, **changed) as made:
        task = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def share(world, name):
    """What the load balancer lets a pool take, in percent."""
    async with api(world) as client:
        found = await client.load_balancers.pools.get(world.pools[name], account_id=ACCOUNT_ID)
    return 100 - (found.load_shedding.default_percent if found.load_shedding else 0)


def api(world):
    given = access(world)
    http = sdk.DefaultAsyncHttpxClient(trust_env=False)
    return sdk.AsyncCloudflare(base_url=given.base_url, api_token=given.token, http_client=http)


async def until_share(world, name, wanted):
    while await share(world, name) != wanted:  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.02)


async def served_by(world, requests=REQUESTS):
    """Share of each platform in the answers, in percent."""
    bodies = []
    for _ in range(requests):
        bodies.append((await world.get())[1])
    found = Counter(bodies)
    return {body.decode().split()[-1].split("<")[0]: 100 * count / requests for body, count in found.items()}


def lines(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "coordinator.recovery"]


async def test_a_platform_comes_back_in_steps_and_each_step_is_what_visitors_see(
    world, tmp_path, sites, caplog, record_property
):
    caplog.set_level(logging.INFO, "coordinator")
    measured = {}
    async with coordinator(world, tmp_path / "state.json") as made:
        await made.once()
        await world.fault("one")
        await world.health(sites[0].hostname, "unhealthy")
        await made.once()
        assert await share(world, "one") == 0
        await world.heal("one")
        await world.health(sites[0].hostname, "healthy")
        measured[0] = (await served_by(world, 200)).get("one", 0.0)
        for wanted in (5, 25, 50, 100):
            while await share(world, "one") != wanted:
                await made.once()
                await asyncio.sleep(0.05)
            measured[wanted] = (await served_by(world)).get("one", 0.0)
    record_property("measured share", ", ".join(f"{wanted} %: {share:.2f} %" for wanted, share in measured.items()))
    assert measured == {wanted: pytest.approx(wanted, abs=2.0) for wanted in (0, 5, 25, 50, 100)}
    assert (measured[0], measured[100]) == (0.0, 100.0)
    steps = [line for line in lines(caplog) if "%:" in line]
    assert [line.split(":")[1].strip() for line in steps] == [
        "100 % → 0 %",
        "0 % → 5 %",
        "5 % → 25 %",
        "25 % → 50 %",
        "50 % → 100 %",
    ]


async def test_no_visitor_is_lost_and_none_comes_before_the_first_step(world, tmp_path, sites):
    async with at_work(world, tmp_path / "state.json"):
        await world.fault("one")
        await until_share(world, "one", 0)
        await world.heal("one")
        sites[0].seen.clear()
        answers = []
        while await share(world, "one") == 0:
            answers.append((await world.get())[:2])
        early = len(sites[0].seen)
        await until_share(world, "one", 100)
    assert set(answers[:-1]) == {(200, sites[1].body)}
    assert early <= 1  # the last one asked may have come just after the step


async def test_killed_in_the_middle_it_leaves_traffic_as_it_is_and_the_next_one_goes_on(world, tmp_path, sites):
    path = tmp_path / "state.json"
    async with at_work(world, path):
        await world.fault("one")
        await until_share(world, "one", 0)
        await world.heal("one")
        await until_share(world, "one", 25)
    probes = sites[0].probes
    await world.until(lambda: sites[0].probes > probes + 5)
    left = await share(world, "one")
    assert left in {25, 50}  # it may have taken another step before it was killed
    assert (await served_by(world, 2000))["one"] == pytest.approx(left, abs=4.0)
    assert await share(world, "one") == left
    seen = []
    async with coordinator(world, path) as made:
        while await share(world, "one") != 100:
            await made.once()
            seen.append(await share(world, "one"))
            await asyncio.sleep(0.05)
    assert list(dict.fromkeys(seen)) == [step for step in (25, 50, 100) if step >= left]


async def test_with_its_memory_lost_it_goes_on_from_what_it_finds(world, tmp_path):
    path = tmp_path / "state.json"
    async with at_work(world, path):
        await world.fault("one")
        await until_share(world, "one", 0)
        await world.heal("one")
        await until_share(world, "one", 50)
    path.unlink()
    async with at_work(world, path):
        await until_share(world, "one", 100)


async def test_an_overwrite_of_the_pool_that_takes_shedding_away_is_made_good(world, tmp_path, caplog):
    caplog.set_level(logging.INFO, "coordinator")
    async with coordinator(world, tmp_path / "state.json") as made, api(world) as client:
        await world.fault("one")
        await world.health("site.one.example", "unhealthy")
        await made.once()
        pool = await client.load_balancers.pools.get(world.pools["one"], account_id=ACCOUNT_ID)
        endpoint = {"name": "one", "address": "site.one.example", "header": {"Host": ["site.one.example"]}}
        await client.load_balancers.pools.update(
            world.pools["one"],
            account_id=ACCOUNT_ID,
            name=pool.name,
            origins=[endpoint],
            extra_body={"monitor": pool.monitor, "check_regions": ["WEU"]},
        )
        assert await share(world, "one") == 100
        await made.once()
        assert await share(world, "one") == 0
    assert lines(caplog)[-1] == "one: 100 % → 0 %: it is at 100 % and not as it was left"


async def test_while_the_api_does_not_answer_nothing_changes_and_it_is_said_once(world, tmp_path, caplog):
    caplog.set_level(logging.INFO, "coordinator")
    async with at_work(world, tmp_path / "state.json"):
        await world.fault("one")
        await until_share(world, "one", 0)
        faults = world.running.world.faults
        await world.heal("one")
        await until_share(world, "one", 5)
        faults["cloudflare"] = Fault("api")
        await world.until(lambda: any("traffic stays" in line for line in lines(caplog)))
        del faults["cloudflare"]
        found = await share(world, "one")
        await until_share(world, "one", 100)
    assert found in {5, 25}
    troubles = [line for line in lines(caplog) if "traffic stays as it is" in line]
    assert troubles == ["Cloudflare answers 503 (no code); traffic stays as it is"]
    assert "Cloudflare can be asked again" in lines(caplog)


async def test_a_token_without_the_right_is_told_with_what_it_needs_and_without_itself(world, tmp_path):
    account = next(kind.account for one in world.running.twins for kind in one.resource_types if kind.token == MONITOR)
    reading = account.reading_token()
    async with coordinator(world, tmp_path / "state.json", token=reading) as made:
        await made.once()
        await world.fault("one")
        await world.health("site.one.example", "unhealthy")
        with pytest.raises(Unreachable, match="may edit Load Balancing: Monitors and Pools") as raised:
            await made.once()
    assert "403 (10000 Authentication error)" in str(raised.value)
    assert reading not in str(raised.value) + repr(access(world, token=reading))


async def test_a_rehearsal_plays_the_steps_and_sets_nothing(world, tmp_path, caplog):
    caplog.set_level(logging.INFO, "coordinator")
    async with coordinator(world, tmp_path / "state.json", rehearse=True) as made:
        await made.once()
        await world.fault("one")
        await world.health("site.one.example", "unhealthy")
        await made.once()
        await world.heal("one")
        while not any("0 % → 5 %" in line for line in lines(caplog)):
            await made.once()
            await asyncio.sleep(0.05)
    assert await share(world, "one") == 100
    assert not (tmp_path / "state.json").exists()


async def test_a_load_balancer_that_is_not_there_is_named(world, tmp_path):
    balancer = CloudflareBalancer(ACCOUNT_ID, ZONE_ID, "www.other.example", lambda: access(world))
    with pytest.raises(Unreachable, match=r"no load balancer www\.other\.example: publish the stack first"):
        await balancer.look()
    await balancer.close()
