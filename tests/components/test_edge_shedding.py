"""What a pool sheds is the same after an update as before, held on the API that the coordinator uses."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import cloudflare
import pulumi
import pytest

from components.edge.shedding import Shedding
from sandbox.cloudflare.account import ACCOUNT_ID
from sandbox.world import Fault
from tests.sandbox.cloudflare.small_world import OriginSite, edge_world

SHED = {"default_percent": 95, "default_policy": "random", "session_percent": 0, "session_policy": "hash"}
OTHER = {**SHED, "default_percent": 50}


@pytest.fixture
async def world(tmp_path, monkeypatch):
    one = OriginSite("one")
    async with edge_world(tmp_path, one) as found:
        await found.declare(one)
        for name in ("CLOUDFLARE_BASE_URL", "CLOUDFLARE_API_TOKEN"):
            monkeypatch.setenv(name, found.running.environment[name])
        yield found


@pytest.fixture
async def pools(world):
    given = world.running.environment
    http = cloudflare.DefaultAsyncHttpxClient(trust_env=False)
    async with cloudflare.AsyncCloudflare(
        base_url=given["CLOUDFLARE_BASE_URL"], api_token=given["CLOUDFLARE_API_TOKEN"], http_client=http
    ) as api:
        yield api.load_balancers.pools


@contextmanager
def warnings(monkeypatch):
    said = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    yield said


def update_of(world):
    """What the engine tells a hook."""
    return pulumi.ResourceHookArgs(urn="urn:pulumi:pool", id=world.pools["one"], name="pool-one", type="pool")


async def updated(world, pools, before, sent):
    """What a pool sheds after an update that sends ``sent``, having shed ``before``."""
    kept, pool = Shedding(ACCOUNT_ID), world.pools["one"]
    await pools.edit(pool, account_id=ACCOUNT_ID, load_shedding=before)
    await asyncio.to_thread(kept.note, update_of(world))
    await pools.edit(pool, account_id=ACCOUNT_ID, load_shedding=sent)
    await asyncio.to_thread(kept.put_back, update_of(world))
    found = (await pools.get(pool, account_id=ACCOUNT_ID)).load_shedding
    return found.to_dict() if found else None


@pytest.mark.parametrize(("before", "sent"), [(SHED, None), (SHED, OTHER), (None, SHED), (SHED, SHED), (None, None)])
async def test_whatever_an_update_sends_a_pool_sheds_what_it_shed_before(world, pools, before, sent):
    assert await updated(world, pools, before, sent) == before


async def test_an_api_that_does_not_answer_stops_nothing_and_is_told(world, monkeypatch):
    kept = Shedding(ACCOUNT_ID)
    monkeypatch.setattr("components.edge.shedding._RETRIES", 0)
    world.running.world.faults["cloudflare"] = Fault("api")
    with warnings(monkeypatch) as said:
        await asyncio.to_thread(kept.note, update_of(world))
        await asyncio.to_thread(kept.put_back, update_of(world))
    (warning,) = said
    assert warning.startswith("pool-one: what it sheds cannot be read (InternalServerError). Should")


async def test_without_a_token_nothing_is_asked_and_it_is_told(world, monkeypatch):
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    with warnings(monkeypatch) as said:
        await asyncio.to_thread(Shedding(ACCOUNT_ID).note, update_of(world))
    assert [line.split(":")[0] for line in said] == ["pool-one"]


async def test_the_stack_s_own_token_is_used_where_no_variable_holds_one(world, monkeypatch, pools):
    token = world.running.environment["CLOUDFLARE_API_TOKEN"]
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    monkeypatch.setattr("pulumi.Config.get", lambda self, key: token if key == "apiToken" else None)
    assert await updated(world, pools, SHED, None) == SHED
