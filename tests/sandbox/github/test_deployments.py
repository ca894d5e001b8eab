"""Deployments and statuses as https://docs.github.com/en/rest/deployments has them."""

from __future__ import annotations

import pytest

DEPLOYMENTS = "repos/sandbox/website/deployments"
PLAIN = {"auto_merge": False, "required_contexts": [], "environment": "production/netlify"}


@pytest.fixture
async def tip(client):
    await client.repository()
    return await client.tip()


async def deployment(client, tip, **more):
    status, made = await client.call("POST", DEPLOYMENTS, json={"ref": tip, **PLAIN, **more})
    assert status == 201, made
    return made


async def test_a_deployment_is_of_a_commit_that_there_is(client, tip):
    assert (await deployment(client, tip))["sha"] == tip
    assert (await deployment(client, "main"))["sha"] == tip
    for ref in ("f" * 40, "nowhere"):
        status, said = await client.call("POST", DEPLOYMENTS, json={"ref": ref, **PLAIN})
        assert (status, said["message"]) == (422, f"No ref found for: {ref}")
    assert (await client.call("POST", DEPLOYMENTS, json=PLAIN))[0] == 422
    _, listed = await client.call("GET", f"{DEPLOYMENTS}?environment=production/netlify&sha={tip}")
    assert len(listed) == 2
    assert (await client.call("GET", f"{DEPLOYMENTS}?environment=other"))[1] == []


async def test_statuses_of_the_commit_hold_a_deployment_up_unless_it_says_otherwise(client, tip):
    statuses = f"repos/sandbox/website/statuses/{tip}"
    assert (await client.call("POST", statuses, json={"state": "pending", "context": "ci"}))[0] == 201
    status, said = await client.call("POST", DEPLOYMENTS, json={"ref": tip, "auto_merge": False})
    assert (status, said["errors"][0]["contexts"]) == (409, [{"context": "ci", "state": "pending"}])
    await deployment(client, tip)
    assert (await client.call("POST", statuses, json={"state": "success", "context": "ci"}))[0] == 201
    assert (await client.call("POST", DEPLOYMENTS, json={"ref": tip, "auto_merge": False}))[0] == 201
    _, combined = await client.call("GET", f"repos/sandbox/website/commits/{tip}/status")
    assert (combined["state"], combined["total_count"]) == ("success", 1)


async def test_a_branch_that_is_behind_is_merged_and_not_deployed(client):
    repository = await client.repository()
    await client.clone(repository)
    await client.push("HEAD:refs/heads/old")
    await client.commit("index.html", "home")
    await client.push()
    status, said = await client.call("POST", DEPLOYMENTS, json={"ref": "old", "required_contexts": []})
    assert (status, "id" in said) == (202, False)
    assert (await client.call("POST", DEPLOYMENTS, json={"ref": "old", **PLAIN}))[0] == 201


@pytest.mark.parametrize(
    "wrong",
    [{"state": "done"}, {}, {"state": "success", "description": "x" * 141}, {"state": "success", "log_url": "nowhere"}],
)
async def test_a_status_is_refused(client, tip, wrong):
    made = await deployment(client, tip)
    assert (await client.call("POST", f"{DEPLOYMENTS}/{made['id']}/statuses", json=wrong))[0] == 422


async def test_a_success_makes_earlier_ones_inactive_but_not_those_of_production(client, tip):
    kinds = [{"production_environment": False}, {"production_environment": True}]
    made = [await deployment(client, tip, **kind) for kind in [*kinds, {}]]
    for one in made:
        assert (await client.call("POST", f"{DEPLOYMENTS}/{one['id']}/statuses", json={"state": "success"}))[0] == 201
    states = [(await client.call("GET", f"{DEPLOYMENTS}/{one['id']}/statuses"))[1][0]["state"] for one in made]
    assert states == ["inactive", "success", "success"]


async def test_a_status_of_a_commit_needs_the_commit(client, tip):
    path = "repos/sandbox/website/statuses/"
    assert (await client.call("POST", path + "f" * 40, json={"state": "success"}))[0] == 422
    assert (await client.call("POST", path + tip, json={"state": "in_progress"}))[0] == 422
    assert (await client.call("POST", path + tip, json={"state": "success"}, token="wrong"))[0] == 401
