"""What a delivery asks of GitLab: webhooks, deployments, statuses, notes, triggers, runners, and what is declared."""

from __future__ import annotations

import asyncio
import json

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sandbox.provider.resource_type import Refused
from tests.sandbox.receiver import receiving

KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2CtYyPNpXzr7QzVZbHGyFJmqAyoB6jAYeKTlo0S+7u x"


@pytest.fixture
async def receiver():
    async with receiving() as found:
        yield found


@pytest.fixture
async def project(client):
    return await client.project(name="website")


@pytest.fixture
async def tip(client, project):
    return (await client.call("GET", f"projects/{project['id']}/repository/branches/main"))[1]["commit"]["id"]


async def declare(client, kind, **inputs):
    name = kind[0].lower() + kind[1:]
    return await client.sandbox.declare(f"gitlab:index/{name}:{kind}", project="sandbox/website", **inputs)


async def push(client, project, *what, expect=0, name="index.html"):
    if not (client.folder / "work").exists():
        await client.clone(project)
    await client.commit({name: f"{asyncio.get_running_loop().time()}"})
    return await client.git("-C", "work", "push", "--quiet", "origin", *(what or ["HEAD:main"]), expect=expect)


async def test_a_push_is_signed_as_standard_webhooks_has_it(client, project, receiver):
    await declare(client, "ProjectHook", url=receiver.url, pushEventsBranchFilter="main", signingToken=KEY)
    await push(client, project, "HEAD:refs/heads/other")
    await push(client, project)
    ((event, headers, body),) = await receiver.until(1)
    assert event == "Push Hook"
    assert Webhook(KEY).verify(body, headers)["ref"] == "refs/heads/main"
    with pytest.raises(WebhookVerificationError):
        Webhook(KEY).verify(body + b" ", headers)
    assert "X-Gitlab-Token" not in headers
    assert json.loads(body)["project"]["path_with_namespace"] == "sandbox/website"


async def test_an_older_hook_sends_its_token_along_and_the_api_shows_neither(client, project, receiver):
    path = f"projects/{project['id']}/hooks"
    status, made, _ = await client.call("POST", path, json={"url": receiver.url, "token": "planted-token"})
    assert status == 201
    await push(client, project)
    assert (await receiver.until(1))[0][1]["X-Gitlab-Token"] == "planted-token"
    _, listed, _ = await client.call("GET", path)
    assert "planted-token" not in json.dumps([made, listed])
    assert listed[0]["alert_status"] == "executable"


async def test_a_hook_that_fails_four_times_rests_for_a_minute(client, project, receiver):
    _, made, _ = await client.call("POST", f"projects/{project['id']}/hooks", json={"url": receiver.url})
    receiver.status = 500
    for number in range(1, 5):
        await push(client, project)
        await receiver.until(number)
    path = f"projects/{project['id']}/hooks/{made['id']}"
    for _ in range(500):
        _, found, _ = await client.call("GET", path)
        if found["alert_status"] == "temporarily_disabled":
            break
    assert found["disabled_until"]
    receiver.status = 202
    client.sandbox.world.clock.speed = 1e6
    await push(client, project)
    await receiver.until(5)


async def test_a_deployment_moves_on_and_never_back(client, project, tip):
    path = f"projects/{project['id']}/deployments"
    given = {"environment": "production/netlify", "sha": tip, "ref": "main", "tag": False, "status": "running"}
    status, made, _ = await client.call("POST", path, json=given)
    assert (status, made["environment"]["name"]) == (201, "production/netlify")
    for state in ("success", "failed"):
        assert (await client.call("PUT", f"{path}/{made['id']}", json={"status": state}))[1]["status"] == state
    assert (await client.call("PUT", f"{path}/{made['id']}", json={"status": "running"}))[0] == 400
    _, listed, _ = await client.call("GET", f"{path}?environment=production/netlify")
    assert [one["id"] for one in listed] == [made["id"]]
    _, environments, _ = await client.call("GET", f"projects/{project['id']}/environments")
    assert [one["name"] for one in environments] == ["production/netlify"]


@pytest.mark.parametrize("wrong", [{"sha": "f" * 40}, {"ref": "nowhere"}, {"status": "done"}, {"tag": None, "sha": ""}])
async def test_a_deployment_is_refused(client, project, tip, wrong):
    given = {"environment": "production", "sha": tip, "ref": "main", "tag": False, "status": "running", **wrong}
    assert (await client.call("POST", f"projects/{project['id']}/deployments", json=given))[0] == 400


async def test_a_commits_status_cannot_become_what_it_is(client, project, tip):
    path = f"projects/{project['id']}/statuses/{tip}"
    given = {"state": "running", "name": "production"}
    assert (await client.call("POST", path, json=given))[0] == 201
    status, said, _ = await client.call("POST", path, json=given)
    assert (status, "Cannot transition status" in said["message"]) == (400, True)
    assert (await client.call("POST", path, json={**given, "state": "success"}))[0] == 201
    _, listed, _ = await client.call("GET", f"projects/{project['id']}/repository/commits/{tip}/statuses")
    assert [(one["name"], one["status"]) for one in listed] == [("production", "success")]
    missing = f"projects/{project['id']}/statuses/{'f' * 40}"
    assert (await client.call("POST", missing, json=given))[0] == 404


async def test_a_trigger_starts_a_pipeline_for_the_projects_own_runner(client, project):
    runner = {"runner_type": "project_type", "project_id": project["id"]}
    _, runner, _ = await client.call("POST", "user/runners", json=runner)
    await client.clone(project)
    await client.commit({".gitlab-ci.yml": "deploy: {script: [make up]}"})
    await client.git("-C", "work", "push", "--quiet", "-o", "ci.skip", "origin", "HEAD:main")
    _, outputs = await declare(client, "PipelineTrigger", description="Content was pushed")
    path = f"projects/{project['id']}/trigger/pipeline"
    given = {"ref": "main", "token": outputs["token"], "variables": {"CONTENT_STACK": "prod"}}
    assert (await client.call("POST", path, json={**given, "token": "wrong"}))[0] == 404
    assert (await client.call("POST", path, json={**given, "ref": "nowhere"}))[0] == 400
    status, made, _ = await client.call("POST", path, token="none", json=given)
    assert (status, made["status"]) == (201, "pending")
    _, variables, _ = await client.call("GET", f"projects/{project['id']}/pipelines/{made['id']}/variables")
    assert [(one["key"], one["value"]) for one in variables] == [("CONTENT_STACK", "prod")]

    root = client.base.removesuffix("/api/v4/")
    async with client.http.post(f"{root}/sandbox/pipelines/next", headers={"Runner-Token": "wrong"}) as answer:
        assert answer.status == 403
    own = {"Runner-Token": runner["token"]}
    async with client.http.post(f"{root}/sandbox/pipelines/next", headers=own) as answer:
        assert (await answer.json())["variables"] == {"CONTENT_STACK": "prod"}
    async with client.http.post(f"{root}/sandbox/pipelines/next", headers=own) as answer:
        assert answer.status == 204
    ended = f"{root}/sandbox/pipelines/{made['id']}"
    for wanted in (200, 409):
        async with client.http.post(ended, headers=own, json={"status": "success"}) as answer:
            assert answer.status == wanted
    _, found, _ = await client.call("GET", f"projects/{project['id']}/pipelines/{made['id']}")
    assert found["status"] == "success"
    assert "variables" not in found


async def test_a_note_is_made_and_edited(client, project):
    await push(client, project, "HEAD:refs/heads/topic")
    given = {"source_branch": "topic", "target_branch": "main", "title": "A page"}
    status, made, _ = await client.call("POST", f"projects/{project['id']}/merge_requests", json=given)
    assert (status, made["iid"]) == (201, 1)
    notes = f"projects/{project['id']}/merge_requests/1/notes"
    _, note, _ = await client.call("POST", notes, json={"body": "first"})
    assert (await client.call("PUT", f"{notes}/{note['id']}", json={"body": "second"}))[0] == 200
    assert [one["body"] for one in (await client.call("GET", notes))[1]] == ["second"]
    assert (await client.call("POST", notes, json={"body": "x" * 1_000_001}))[0] == 400


async def test_a_branch_that_nobody_pushes_to(client, project):
    await declare(client, "BranchProtection", branch="main", pushAccessLevel="no one")
    assert "not allowed to push code to protected branches" in await push(client, project, expect=1)
    await push(client, project, "HEAD:refs/heads/topic")
    with pytest.raises(Refused, match="409"):
        await declare(client, "BranchProtection", branch="main", pushAccessLevel="developer")


MASKED = {"key": "A", "masked": True}


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        ("ProjectVariable", {**MASKED, "value": "short"}, "value"),
        ("ProjectVariable", {**MASKED, "value": "two lines\nof it", "raw": True}, "value"),
        ("ProjectVariable", {**MASKED, "value": "dollar$dollar"}, "value"),
        ("ProjectVariable", {"key": "A-B", "value": "1"}, "key"),
        ("PipelineSchedule", {"description": "x", "ref": "main", "cron": "1 4 * * *"}, "ambiguous"),
        ("PipelineSchedule", {"description": "x", "ref": "refs/heads/main", "cron": "soon"}, "syntax"),
        ("ProjectHook", {"url": "nowhere"}, "Invalid url"),
        ("ProjectHook", {"url": "https://x.example", "signingToken": "whsec_c2hvcnQ="}, "signing_token"),
        ("DeployKey", {"title": "x", "key": "ssh-ed25519 AAAA"}, "is invalid"),
        ("ProjectEnvironment", {"name": "/x"}, "name"),
        ("ProjectProtectedEnvironment", {"environment": "x", "deployAccessLevelsAttributes": []}, "Premium"),
        ("BranchProtection", {"branch": "release/*"}, "single branches"),
    ],
)
async def test_what_gitlab_refuses(client, project, kind, wrong, said):
    with pytest.raises(Refused, match=said):
        await declare(client, kind, **wrong)


async def test_what_there_is_once_is_not_made_twice(client, project):
    for kind, given in (
        ("ProjectVariable", {"key": "A", "value": "12345678"}),
        ("DeployKey", {"title": "x", "key": PUBLIC}),
        ("ProjectEnvironment", {"name": "production"}),
    ):
        await declare(client, kind, **given)
        with pytest.raises(Refused, match="already been taken"):
            await declare(client, kind, **given)
    await declare(client, "ProjectVariable", key="A", value="12345678", environmentScope="production")


async def test_all_goes_with_the_project(client, project):
    identifier, _ = await declare(client, "ProjectVariable", key="A", value="1")
    kind = next(one for one in client.sandbox.twins[0].resource_types if one.token.endswith(":ProjectVariable"))
    assert await kind.read(identifier)
    await client.call("DELETE", f"projects/{project['id']}")
    assert await kind.read(identifier) is None
