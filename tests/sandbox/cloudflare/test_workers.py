"""Workers in the sandbox's account: scripts, assets and routes, as the provider and the API see them.

The runtime is not started here; tests/real runs it.
"""

from __future__ import annotations

import hashlib
import io
import json

import aiohttp
import cloudflare as official
import pytest

from sandbox.cloudflare import account as account_module
from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID
from sandbox.cloudflare.objects.worker import route_matches
from sandbox.cloudflare.workers import fleet as fleet_module
from sandbox.cloudflare.workers import installing
from sandbox.cloudflare.workers.runtime import Bundle, ScriptRefused, configuration
from sandbox.provider.resource_type import Refused
from tests.sandbox.cloudflare.small_world import RECORD, OriginSite, edge_world

SCRIPT = "cloudflare:index/workersScript:WorkersScript"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
HOST = "www.peacefulrobot.com"
CONFIG = {"htmlHandling": "none", "notFoundHandling": "none", "runWorkerFirst": True}
API_CONFIG = {"html_handling": "none", "not_found_handling": "none", "run_worker_first": True}
PLAIN = {
    "accountId": ACCOUNT_ID,
    "scriptName": "site",
    "content": "export default {}",
    "mainModule": "worker.js",
    "compatibilityDate": "2026-01-01",
}


class Still:
    """A runtime that listens nowhere; it refuses what a real one would not parse."""

    def __init__(self, folder, bundle, outbound, assets=0):
        self.bundle, self.port = bundle, assets

    async def start(self):
        if "syntax error" in self.bundle.source:
            raise ScriptRefused("Uncaught SyntaxError")

    async def stop(self):
        self.port = 0


@pytest.fixture(autouse=True)
def _still(monkeypatch):
    monkeypatch.setattr(fleet_module, "Runtime", Still)


@pytest.fixture
async def world(tmp_path):
    async with edge_world(tmp_path / "world", OriginSite("one")) as found:
        yield found


@pytest.fixture
async def sdk(world, monkeypatch):
    for name, value in world.running.environment.items():
        if name.startswith("CLOUDFLARE"):
            monkeypatch.setenv(name, value)
    async with official.AsyncCloudflare(max_retries=0) as client:
        yield client


def kind(world, token):
    return next(one for twin in world.running.twins for one in twin.resource_types if one.token == token)


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "copy"
    (folder / "a").mkdir(parents=True)
    (folder / "index.html").write_text("home")
    (folder / "a" / "b c.txt").write_text("text")
    return folder


async def test_a_script_is_read_as_it_was_declared_and_again_after_a_restart(world, copy, tmp_path):
    assets = {"config": CONFIG, "directory": str(copy)}
    identifier, outputs = await world.running.declare(
        SCRIPT, **PLAIN, assets=assets, bindings=[{"name": "ASSETS", "type": "assets"}]
    )
    assert identifier == "site"
    assert {**PLAIN, "assets": assets}.items() <= outputs.items()
    assert outputs["hasAssets"] is True
    assert await kind(world, SCRIPT).read("site") == outputs


async def test_what_somebody_uploads_behind_the_program_shows_as_a_change(world, sdk):
    await world.running.declare(SCRIPT, **PLAIN)
    await uploaded(world, "export default {other: 1}")
    assert (await kind(world, SCRIPT).read("site"))["content"] == "export default {other: 1}"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"content": "syntax error"}, "Uncaught SyntaxError"),
        ({"content": "".join(hashlib.sha512(str(n).encode()).hexdigest() for n in range(60_000))}, "exceeded the size"),
        ({"scriptName": "Site!"}, "invalid script name"),
        ({"compatibilityDate": "soon"}, "invalid compatibility date"),
        ({"compatibilityDate": "2999-01-01"}, "in the future"),
        ({"bindings": [{"name": "KV", "type": "kv_namespace"}]}, "no binding of type kv_namespace"),
        ({"bindings": [{"name": "A", "type": "plain_text", "text": "x" * 5001}]}, "over 5 KB"),
        ({"bindings": [{"name": "ASSETS", "type": "assets"}]}, "needs assets"),
        ({"assets": {"directory": "/nowhere", "config": CONFIG}}, "no folder"),
    ],
)
async def test_scripts_that_the_service_refuses_are_refused_and_the_one_before_stays(world, changed, words):
    await world.running.declare(SCRIPT, **PLAIN)
    with pytest.raises(Refused, match=words):
        await kind(world, SCRIPT).update("site", {}, {**PLAIN, **changed})
    assert (await kind(world, SCRIPT).read("site"))["content"] == PLAIN["content"]


@pytest.mark.parametrize(
    ("changed", "key"),
    [({"content": None}, "content"), ({"mainModule": None}, "mainModule"), ({"contentFile": "x"}, "content")],
)
async def test_the_providers_schema_refuses_before_anything_is_sent(world, changed, key):
    inputs = {name: value for name, value in {**PLAIN, **changed}.items() if value is not None}
    assert key in {name for name, _ in kind(world, SCRIPT).check(inputs)}


async def test_assets_are_kept_when_an_upload_says_so(world, copy):
    assets = {"config": CONFIG, "directory": str(copy)}
    await world.running.declare(SCRIPT, **PLAIN, assets=assets)
    await kind(world, SCRIPT).update("site", {}, {**PLAIN, "keepAssets": True, "assets": {"config": CONFIG}})
    assert (await kind(world, SCRIPT).read("site"))["hasAssets"] is True
    await kind(world, SCRIPT).update("site", {}, PLAIN)
    assert (await kind(world, SCRIPT).read("site"))["hasAssets"] is False


async def test_a_script_that_a_route_leads_to_is_not_deleted_first(world):
    await world.running.declare(SCRIPT, **PLAIN)
    route, outputs = await world.running.declare(ROUTE, zoneId=ZONE_ID, pattern=f"{HOST}/*", script="site")
    assert (outputs["pattern"], outputs["script"]) == (f"{HOST}/*", "site")
    with pytest.raises(Refused, match="delete them first"):
        await kind(world, SCRIPT).delete("site")
    await kind(world, ROUTE).delete(route)
    await kind(world, SCRIPT).delete("site")
    assert await kind(world, SCRIPT).read("site") is None


@pytest.mark.parametrize(
    ("pattern", "script", "words"),
    [
        (f"{HOST}/*", "none", "script_not_found"),
        (f"{HOST}/a*b", "site", "invalid route pattern"),
        ("*", "site", "invalid route pattern"),
        (f"{HOST}/taken*", "site", "same pattern"),
    ],
)
async def test_routes_that_the_service_refuses_are_refused(world, pattern, script, words):
    await world.running.declare(SCRIPT, **PLAIN)
    await world.running.declare(ROUTE, zoneId=ZONE_ID, pattern=f"{HOST}/taken*", script="site")
    with pytest.raises(Refused, match=words):
        await world.running.declare(ROUTE, zoneId=ZONE_ID, pattern=pattern, script=script)


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("example.com/*", ("https", "example.com", "/x"), True),
        ("example.com/*", ("https", "www.example.com", "/x"), False),
        ("*example.com/*", ("https", "www.example.com", "/x"), True),
        ("*.example.com/*", ("https", "www.example.com", "/x"), True),
        ("*.example.com/*", ("https", "example.org", "/x"), False),
        ("https://example.com/*", ("http", "example.com", "/x"), False),
        ("example.com/images/*", ("https", "example.com", "/x"), False),
        ("example.com/images/*", ("https", "example.com", "/images/a"), True),
        ("example.com/x", ("https", "example.com", "/x/y"), False),
    ],
)
def test_a_route_matches_as_documented(pattern, url, fits):
    """https://developers.cloudflare.com/workers/configuration/routing/routes/#matching-behavior ."""
    assert route_matches(pattern, *url) is fits


async def test_a_route_needs_a_name_that_leads_to_the_edge(world):
    await world.running.declare(SCRIPT, **PLAIN)
    await world.running.declare(ROUTE, zoneId=ZONE_ID, pattern=f"{HOST}/*", script="site")
    before = await world.get(host=HOST)
    await world.running.declare(RECORD, zoneId=ZONE_ID, name=HOST, type="AAAA", content="100::", proxied=True, ttl=1)
    after = await world.get("/", host=None)
    assert before[0] == 530
    assert (after[0], b"1101" in after[1]) == (500, True)  # the runtime does not listen in this test


async def uploaded(world, content, **metadata):
    """Upload a script as the provider and wrangler do."""
    form = aiohttp.FormData()
    known = {"main_module": "worker.js", "compatibility_date": "2026-01-01", **metadata}
    form.add_field("metadata", json.dumps(known), content_type="application/json")
    form.add_field("worker.js", content, filename="worker.js", content_type="application/javascript+module")
    found = world.running.environment
    url = f"{found['CLOUDFLARE_BASE_URL']}/accounts/{ACCOUNT_ID}/workers/scripts/site"
    headers = {"Authorization": f"Bearer {found['CLOUDFLARE_API_TOKEN']}"}
    async with world.http.put(url, data=form, headers=headers) as response:
        return response.status, await response.json()


async def test_a_module_is_uploaded_listed_and_deleted_through_the_api(world, sdk):
    status, answer = await uploaded(world, "export default {}")
    assert (status, answer["result"]["id"]) == (200, "site")
    assert [found.id async for found in sdk.workers.scripts.list(account_id=ACCOUNT_ID)] == ["site"]
    await sdk.workers.scripts.delete("site", account_id=ACCOUNT_ID)
    assert [found.id async for found in sdk.workers.scripts.list(account_id=ACCOUNT_ID)] == []
    with pytest.raises(official.NotFoundError):
        await sdk.workers.scripts.delete("site", account_id=ACCOUNT_ID)


async def test_routes_are_made_and_read_by_the_official_sdk(world, sdk):
    await uploaded(world, "export default {}")
    made = await sdk.workers.routes.create(zone_id=ZONE_ID, pattern=f"{HOST}/*", script="site")
    assert [found.pattern async for found in sdk.workers.routes.list(zone_id=ZONE_ID)] == [f"{HOST}/*"]
    await sdk.workers.routes.delete(made.id, zone_id=ZONE_ID)
    assert [found async for found in sdk.workers.routes.list(zone_id=ZONE_ID)] == []


async def test_assets_are_uploaded_by_the_official_sdk_and_only_once(world, sdk):
    import base64

    body = b"<h1>home</h1>"
    digest = hashlib.sha256(body).hexdigest()[:32]
    manifest = {"/index.html": {"hash": digest, "size": len(body)}}
    begun = await sdk.workers.scripts.assets.upload.create("site", account_id=ACCOUNT_ID, manifest=manifest)
    assert begun.buckets == [[digest]]
    status, _ = await uploaded(world, "export default {}", assets={"jwt": begun.jwt, "config": API_CONFIG})
    assert status == 400
    form = aiohttp.FormData()
    form.add_field(digest, io.BytesIO(base64.b64encode(body)), filename=digest, content_type="text/html")
    url = f"{world.running.environment['CLOUDFLARE_BASE_URL']}/accounts/{ACCOUNT_ID}/workers/assets/upload?base64=true"
    async with world.http.post(url, data=form, headers={"Authorization": f"Bearer {begun.jwt}"}) as response:
        assert response.status == 201
        done = (await response.json())["result"]["jwt"]
    binding = [{"name": "ASSETS", "type": "assets"}]
    status, _ = await uploaded(world, "export default {}", assets={"jwt": done, "config": API_CONFIG}, bindings=binding)
    assert status == 200
    again = await sdk.workers.scripts.assets.upload.create("site", account_id=ACCOUNT_ID, manifest=manifest)
    assert again.buckets == []


async def test_a_stranger_uploads_nothing(world):
    url = f"{world.running.environment['CLOUDFLARE_BASE_URL']}/accounts/{ACCOUNT_ID}/workers/assets/upload?base64=true"
    form = aiohttp.FormData()
    form.add_field("0" * 32, io.BytesIO(b"eA=="), filename="x", content_type="text/plain")
    async with world.http.post(url, data=form, headers={"Authorization": "Bearer guessed"}) as response:
        assert response.status == 403


def test_a_runtime_reaches_what_it_is_given_and_nothing_else():
    text = configuration(Bundle("", "2026-01-01", bindings={"N": {"a": 'q"'}}, assets_binding="ASSETS"), 1001, 1002)
    assert 'globalOutbound = "outbound"' in text
    assert '"127.0.0.1:1001"' in text
    assert '"127.0.0.1:1002"' in text
    assert '"127.0.0.1:0"' in text
    assert "network" not in text


def test_a_named_runtime_that_is_not_there_says_what_to_do(monkeypatch):
    monkeypatch.setenv(installing.OWN, "/nowhere/workerd")
    with pytest.raises(installing.WorkerdMissing, match="correct it or unset it"):
        installing.workerd()


def test_without_npm_the_error_names_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv(installing.OWN, raising=False)
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(installing.WorkerdMissing, match="with npm"):
        installing.workerd()


async def test_a_script_whose_runtime_is_missing_is_refused_with_what_to_do(world, monkeypatch):
    class Missing(Still):
        async def start(self):
            raise installing.WorkerdMissing("install npm")

    monkeypatch.setattr(fleet_module, "Runtime", Missing)
    with pytest.raises(Refused, match="install npm"):
        await world.running.declare(SCRIPT, **PLAIN)


def test_the_zone_follows_the_routes_domain(tmp_path):
    from sandbox.world import World

    world = World(tmp_path)
    found = account_module.Account(world.store, world.clock)
    found.create(account_module.WorkerRouteKind, {"pattern": "www.example.org/*"})
    assert found.zone_name() == "example.org"
    world.store.close()
