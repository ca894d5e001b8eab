"""Runs that a ``repository_dispatch`` starts."""

from __future__ import annotations

import pytest

from coordinator import forge_api
from coordinator.deployments.forges import GitHubRunList

WORKFLOW = """\
name: Deploy
run-name: Deploy ${{ github.event.client_payload.deployment || 'by hand' }}
on:
  repository_dispatch:
    types: [content-updated]
concurrency:
  group: deploy-${{ github.event.client_payload.stack || 'all' }}
  cancel-in-progress: false
jobs: {}
"""
RUNS = "repos/sandbox/infra/actions/runs"


@pytest.fixture
async def runner(client):
    """The token of a runner for a repository with a workflow."""
    await client.clone(await client.repository("infra"))
    await client.commit(".github/workflows/deploy.yml", WORKFLOW)
    await client.push()
    status, made = await client.call("POST", "repos/sandbox/infra/actions/runners/registration-token")
    assert status == 201
    return made["token"]


async def dispatch(client, kind="content-updated", **payload):
    given = {"event_type": kind, "client_payload": payload}
    return await client.call("POST", "repos/sandbox/infra/dispatches", json=given)


async def listed(client):
    return (await client.call("GET", f"{RUNS}?event=repository_dispatch"))[1]["workflow_runs"]


async def test_an_event_starts_the_workflows_that_name_it(client, runner):
    assert (await dispatch(client, deployment="7-abc", stack="prod"))[0] == 204
    assert (await dispatch(client, "something-else"))[0] == 204
    (run,) = await listed(client)
    assert (run["display_title"], run["status"], run["conclusion"]) == ("Deploy 7-abc", "queued", None)


async def test_one_of_a_group_runs_one_waits_and_a_newer_one_takes_its_place(client, runner):
    for number in range(3):
        await dispatch(client, deployment=str(number), stack="prod")
        if number == 0:
            status, first = await client.outside("POST", "/sandbox/runs/next", runner)
            assert (status, first["event_payload"]["client_payload"]["deployment"]) == (200, "0")
    await dispatch(client, deployment="other", stack="blog")
    states = {run["display_title"]: (run["status"], run["conclusion"]) for run in await listed(client)}
    assert states["Deploy 1"] == ("completed", "cancelled")
    _, taken = await client.outside("POST", "/sandbox/runs/next", runner)
    assert taken["display_title"] == "Deploy other"
    assert (await client.outside("POST", "/sandbox/runs/next", runner))[0] == 204
    path = f"/sandbox/runs/{first['id']}"
    assert (await client.outside("POST", path, runner, json={"conclusion": "success"}))[0] == 200
    assert (await client.outside("POST", path, runner, json={"conclusion": "success"}))[0] == 409
    _, taken = await client.outside("POST", "/sandbox/runs/next", runner)
    assert taken["display_title"] == "Deploy 2"


async def test_a_runner_shows_its_token(client, runner):
    await dispatch(client, stack="prod")
    assert (await client.outside("POST", "/sandbox/runs/next", "AABBwrong"))[0] == 403


async def test_an_event_is_refused(client, runner):
    assert (await dispatch(client, "x" * 101))[0] == 422
    assert (await dispatch(client, **{f"key{number}": 1 for number in range(11)}))[0] == 422
    assert (await dispatch(client, text="x" * 70_000))[0] == 422
    assert await listed(client) == []


async def test_runs_of_one_workflow_are_listed_and_an_unchanged_list_is_not_sent_again(client, runner):
    path = "repos/sandbox/infra/actions/workflows"
    await dispatch(client, deployment="7-abc")
    status, found = await client.call("GET", f"{path}/deploy.yml/runs?exclude_pull_requests=true")
    assert (status, [run["display_title"] for run in found["workflow_runs"]]) == (200, ["Deploy 7-abc"])
    assert (await client.call("GET", f"{path}/other.yml/runs"))[0] == 404
    headers = {"Authorization": f"Bearer {client.token}"}
    async with client.http.get(f"{client.base}{path}/deploy.yml/runs", headers=headers) as answer:
        tag = answer.headers["ETag"]
    async with client.http.get(
        f"{client.base}{path}/deploy.yml/runs", headers={**headers, "If-None-Match": tag}
    ) as same:
        assert (same.status, await same.read()) == (304, b"")


async def test_the_coordinator_reads_the_runs(client, runner):
    source = GitHubRunList(forge_api.github(client.base, client.token), "sandbox/infra", "deploy.yml")
    await dispatch(client, deployment="by somebody")
    (found,) = await source.runs()
    assert (found.trigger, found.state, found.ended) == ("program", "running", None)
    assert found.url.endswith(f"/sandbox/infra/actions/runs/{found.number}")
    assert await source.runs() is None
    _, taken = await client.outside("POST", "/sandbox/runs/next", runner)
    await client.outside("POST", f"/sandbox/runs/{taken['id']}", runner, json={"conclusion": "failure"})
    (found,) = await source.runs()
    assert (found.state, found.ended >= found.began) == ("failed", True)
    await source.close()
