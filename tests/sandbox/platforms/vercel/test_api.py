from __future__ import annotations

import aiohttp
import pytest

from sandbox.platforms import vercel
from sandbox.provider.resource_type import Refused
from tests.sandbox.platforms.vercel.conftest import PROJECT, Client, sha1
from tests.worlds import running

PAGES = {"index.html": "<p>home"}


async def test_tokens_and_teams_are_checked(client):
    status, body, _ = await client.call("GET", "/v2/user", token="wrong")
    assert (status, body["error"]["invalidToken"]) == (403, True)
    assert (await client.call("GET", "/v2/user", headers={"Authorization": ""}))[0] == 401
    assert (await client.call("GET", "/v2/user", params={"teamId": "team_other"}))[0] == 403
    assert (await client.call("GET", "/v2/user"))[0] == 200


async def test_missing_files_are_listed_once_each_and_nothing_is_made(client):
    body = client.body({"a": "one", "b": "one", "c": "two"})
    status, said, _ = await client.call("POST", "/v13/deployments", json=body)
    assert (status, said["error"]["code"]) == (400, "missing_files")
    assert said["error"]["missing"] == sorted({sha1("one"), sha1("two")})
    _, listed, _ = await client.call("GET", "/v6/deployments", params={"projectId": client.project})
    assert listed["deployments"] == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-vercel-digest": sha1("other")}, "invalid_digest"),
        ({"x-vercel-digest": "abc"}, "missing_digest"),
        ({"x-now-size": "3"}, "invalid_size"),
    ],
)
async def test_an_upload_that_is_not_what_it_says_is_refused(client, headers, code):
    status, body, _ = await client.upload("some text", **headers)
    assert (status, body["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": None},
        {"files": []},
        {"files": [{"file": "/absolute", "sha": sha1(""), "size": 0}]},
        {"files": [{"file": "a/../b", "sha": sha1(""), "size": 0}]},
        {"files": [{"file": "a", "sha": "short", "size": 0}]},
        {"target": "moon"},
    ],
)
async def test_a_malformed_deployment_is_refused(client, changed):
    status, body, _ = await client.call("POST", "/v13/deployments", json={**client.body({"a": "x"}), **changed})
    assert (status, body["error"]["code"]) == (400, "bad_request")


async def test_settings_are_required_the_first_time(client):
    body = {key: value for key, value in client.body({"a": "x"}).items() if key != "projectSettings"}
    status, said, _ = await client.call("POST", "/v13/deployments", json=body)
    assert (status, said["error"]["code"]) == (400, "missing_project_settings")


async def test_a_wrong_size_is_refused(client):
    await client.upload("text")
    body = client.body({"a": "text"})
    body["files"][0]["size"] = 5
    assert (await client.call("POST", "/v13/deployments", json=body))[0] == 400


async def test_the_same_deployment_again_is_the_one_of_before(client):
    first, second = [await client.deploy(PAGES, target="production") for _ in range(2)]
    assert first["id"] == second["id"]
    other = await client.deploy(PAGES, target="production", meta={"release": "x"})
    assert other["id"] != first["id"]


async def test_a_configuration_that_cannot_be_read_fails_the_deployment(client):
    wrong = [
        {"version": 2},
        {"version": 3, "routes": [{"src": "^(/$"}]},
        {"version": 3, "routes": [{"src": "/", "colour": "red"}]},
        {"version": 3, "overrides": {"none.html": {"contentType": "text/html"}}},
    ]
    for config in wrong:
        made = await client.deploy(PAGES, config)
        assert made["readyState"] == "ERROR", config
        assert made["errorMessage"]


async def test_a_production_deployment_waits_for_its_promotion(client):
    made = await client.deploy(PAGES, target="production")
    assert made["readySubstate"] == "STAGED"
    assert (await client.page("/", await client.domain()))[0] == 404
    status, _, _ = await client.call("POST", f"/v10/projects/{client.project}/promote/{made['id']}", json={})
    assert status == 202
    await eventually(client, made["id"])
    assert (await client.page("/", await client.domain()))[:2] == (200, "<p>home")
    assert (await client.call("GET", f"/v13/deployments/{made['id']}"))[1]["readySubstate"] == "PROMOTED"


async def eventually(client, deployment):
    domain = await client.domain()
    for _ in range(200):
        _, alias, _ = await client.call("GET", f"/v4/aliases/{domain}")
        if (alias or {}).get("deploymentId") == deployment:
            return
    pytest.fail(f"{domain} never led to {deployment}")


async def test_a_preview_cannot_be_promoted_and_two_promotions_do_not_run_at_once(client):
    preview = await client.deploy(PAGES)
    promote = f"/v10/projects/{client.project}/promote/"
    assert (await client.call("POST", promote + preview["id"], json={}))[0] == 400
    one = await client.deploy({"index.html": "1"}, target="production")
    two = await client.deploy({"index.html": "2"}, target="production")
    client.sandbox.world.clock.speed = 1.0
    assert (await client.call("POST", promote + one["id"], json={}))[0] == 202
    assert (await client.call("POST", promote + two["id"], json={}))[0] == 409


async def test_on_hobby_only_the_deployment_before_is_rolled_back_to_and_others_by_alias(client):
    made = [await client.deploy({"index.html": str(number)}, target="production") for number in range(3)]
    for one in made:
        await client.call("POST", f"/v10/projects/{client.project}/promote/{one['id']}", json={})
        await eventually(client, one["id"])
    back = f"/v9/projects/{client.project}/rollback/"
    assert (await client.call("POST", back + made[0]["id"]))[0] == 402
    assert (await client.call("POST", back + made[1]["id"]))[0] == 201
    await eventually(client, made[1]["id"])
    path = f"/v2/deployments/{made[0]['id']}/aliases"
    assert (await client.call("POST", path, json={"alias": await client.domain()}))[0] == 200
    await eventually(client, made[0]["id"])
    assert (await client.call("POST", path, json={"alias": "someone-else.vercel.app"}))[0] == 403


async def test_the_days_deployments_and_uploads_are_limited(client, monkeypatch):
    monkeypatch.setattr("sandbox.platforms.vercel.api._DEPLOYMENTS_A_DAY", 1)
    await client.deploy(PAGES)
    await client.upload("x")
    status, body, headers = await client.call("POST", "/v13/deployments", json=client.body({"a": "x"}))
    assert (status, body["error"]["code"]) == (429, "api-deployments-free-per-day")
    assert headers["Retry-After"]
    monkeypatch.setattr("sandbox.platforms.vercel.api._UPLOADS_A_DAY", 1)
    assert (await client.upload("y"))[0] == 429


async def test_unknown_things_are_404(client):
    for path in ("/v9/projects/prj_none", "/v13/deployments/dpl_none", "/v4/aliases/none.vercel.app", "/v99/nothing"):
        assert (await client.call("GET", path))[0] == 404


async def test_lists_come_in_pages(client):
    for number in range(3):
        await client.deploy({"index.html": str(number)})
    query = {"projectId": client.project, "limit": "2"}
    _, first, _ = await client.call("GET", "/v6/deployments", params=query)
    assert len(first["deployments"]) == 2
    _, rest, _ = await client.call(
        "GET", "/v6/deployments", params={**query, "until": str(first["pagination"]["next"])}
    )
    assert rest["pagination"]["next"] is None


async def test_projects_have_unique_names_and_a_domain_that_survives_renaming(client):
    with pytest.raises(Refused, match="project_already_exists"):
        await client.sandbox.declare(PROJECT, name="robot")
    kinds = {kind.token: kind for kind in client.sandbox.twins[0].resource_types}
    before = await client.domain()
    await kinds[PROJECT].update(client.project, {}, {"name": "renamed"})
    assert await client.domain() == before
    assert kinds[PROJECT].check({"name": "Capital"})
    assert kinds[PROJECT].check({"name": "a", "vercelAuthentication": {"deploymentType": "some"}})
    await kinds[PROJECT].delete(client.project)
    assert await kinds[PROJECT].read(client.project) is None


async def test_what_was_deployed_is_there_after_a_restart(tmp_path):
    settings = {"autoAssignCustomDomains": True, "vercelAuthentication": {"deploymentType": "none"}}
    async with running(tmp_path / "w", [vercel.twin], speed=600.0) as sandbox, aiohttp.ClientSession() as http:
        project, _ = await sandbox.declare(PROJECT, name="robot", **settings)
        client = Client(sandbox, http, project)
        await client.deploy(PAGES, target="production")
        before = sandbox.twins[0].sites()
    async with running(tmp_path / "w", [vercel.twin]) as sandbox:
        assert sandbox.twins[0].sites() == before
        assert before[0].files == 1


async def test_the_bytes_of_a_deleted_deployment_go_unless_another_has_them(client):
    old = await client.deploy({"index.html": "<p>old", "same.html": "<p>same"}, target="production")
    await client.deploy({"index.html": "<p>new", "same.html": "<p>same"}, target="production")
    assert (await client.call("DELETE", f"/v13/deployments/{old['id']}"))[0] == 200
    contents = client.sandbox.world.folder / "vercel" / "blobs"
    texts = {path.read_text() for path in contents.rglob("*") if path.is_file()}
    assert {text for text in texts if text.startswith("<p>")} == {"<p>new", "<p>same"}
