"""What the stand-in provider takes and refuses, and what it does to pushes."""

from __future__ import annotations

import pytest

from sandbox.provider.resource_type import Refused

ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
POLICY = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
VARIABLE = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
PROTECTION = "github:index/branchProtection:BranchProtection"
HOOK = "github:index/repositoryWebhook:RepositoryWebhook"
KEY = "github:index/repositoryDeployKey:RepositoryDeployKey"
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE2CtYyPNpXzr7QzVZbHGyFJmqAyoB6jAYeKTlo0S+7u x"
CUSTOM = {"protectedBranches": False, "customBranchPolicies": True}
IN = {"repository": "website", "environment": "production"}


@pytest.fixture
async def declare(client):
    await client.repository()
    return client.sandbox.declare


async def test_an_environment_comes_before_what_is_in_it(client, declare):
    for token, more in ((SECRET, {"secretName": "A", "value": "1"}), (POLICY, {"branchPattern": "main"})):
        with pytest.raises(Refused, match="404"):
            await declare(token, **IN, **more)
    identifier, _ = await declare(ENVIRONMENT, **IN, deploymentBranchPolicy=CUSTOM)
    assert identifier == "website:production"
    await declare(POLICY, **IN, branchPattern="main")
    await declare(SECRET, **IN, secretName="A_TOKEN", value="planted")
    await declare(VARIABLE, **IN, variableName="ROLE", value="arn")
    path = "repos/sandbox/website/environments"
    _, found = await client.call("GET", path)
    assert found["environments"][0]["deployment_branch_policy"]["custom_branch_policies"] is True
    _, secrets = await client.call("GET", f"{path}/production/secrets")
    assert [one["name"] for one in secrets["secrets"]] == ["A_TOKEN"]
    assert "planted" not in str(secrets)
    assert (await client.call("GET", f"{path}/production/variables"))[1]["variables"][0]["value"] == "arn"
    _, policies = await client.call("GET", f"{path}/production/deployment-branch-policies")
    assert [one["name"] for one in policies["branch_policies"]] == ["main"]


async def test_branches_are_named_only_where_the_environment_has_custom_policies(declare):
    await declare(ENVIRONMENT, **IN)
    with pytest.raises(Refused, match="custom_branch_policies"):
        await declare(POLICY, **IN, branchPattern="main")


async def test_an_environment_has_six_reviewers_at_most(declare):
    await declare(ENVIRONMENT, **IN, reviewers=[{"users": [1, 2, 3], "teams": [4, 5, 6]}])
    with pytest.raises(Refused, match="6 reviewers"):
        await declare(ENVIRONMENT, **IN, reviewers=[{"users": [1, 2, 3, 4], "teams": [4, 5, 6]}])


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "1A", "A-B", "A B"])
async def test_names_that_github_does_not_take(declare, name):
    await declare(ENVIRONMENT, **IN)
    with pytest.raises(Refused, match="422"):
        await declare(SECRET, **IN, secretName=name, value="1")


async def test_a_variable_is_not_overwritten_and_a_value_not_too_large(declare):
    await declare(ENVIRONMENT, **IN)
    await declare(VARIABLE, **IN, variableName="A", value="1")
    with pytest.raises(Refused, match="already exists"):
        await declare(VARIABLE, **IN, variableName="A", value="2")
    with pytest.raises(Refused, match="48 KB"):
        await declare(SECRET, **IN, secretName="B", value="x" * 49_153)


async def test_a_deploy_key_is_used_once_in_all_of_github(client, declare):
    await client.repository("infra")
    await declare(KEY, repository="website", title="reads", key=PUBLIC)
    with pytest.raises(Refused, match="already in use"):
        await declare(KEY, repository="infra", title="reads", key=PUBLIC)
    with pytest.raises(Refused, match="key is invalid"):
        await declare(KEY, repository="infra", title="reads", key="ssh-ed25519 AAAA")
    (key,) = (await client.call("GET", "repos/sandbox/website/keys"))[1]
    assert key["read_only"] is True


async def test_a_hook_needs_an_address_and_known_events(declare):
    for wrong in ({"configuration": {"url": "nowhere"}}, {"events": ["pushes"]}):
        given = {"events": ["push"], "configuration": {"url": "http://127.0.0.1:9/"}, **wrong}
        with pytest.raises(Refused, match="Validation Failed"):
            await declare(HOOK, repository="website", **given)


async def test_a_protected_branch_is_neither_rewritten_nor_deleted(client, declare):
    await client.clone((await client.call("GET", "repos/sandbox/website"))[1])
    await client.commit("index.html", "home")
    await client.push()
    await client.push("HEAD:refs/heads/other")
    await declare(PROTECTION, repositoryId="website", pattern="main", enforceAdmins=True)
    await client.git("-C", "work", "commit", "--quiet", "--amend", "-m", "rewritten")
    assert "Cannot force-push" in await client.push("--force", "HEAD:main", expect=1)
    await client.push("--force", "HEAD:other")
    await client.push("--delete", "other")
    assert "GH006" in await client.push("--delete", "main", expect=1)


async def test_where_reviews_are_asked_for_nobody_pushes(client, declare):
    await client.clone((await client.call("GET", "repos/sandbox/website"))[1])
    await client.commit("index.html", "home")
    review = [{"requiredApprovingReviewCount": 1}]
    identifier, _ = await declare(PROTECTION, repositoryId="website", pattern="main", requiredPullRequestReviews=review)
    assert "through a pull request" in await client.push(expect=1)
    kind = next(kind for kind in client.sandbox.twins[0].resource_types if kind.token == PROTECTION)
    await kind.delete(identifier)
    await client.push()


async def test_a_pattern_is_protected_once(declare):
    await declare(PROTECTION, repositoryId="website", pattern="main")
    with pytest.raises(Refused, match="already protected"):
        await declare(PROTECTION, repositoryId="website", pattern="main")


async def test_nothing_is_declared_in_a_repository_that_is_not_there(declare):
    with pytest.raises(Refused, match="404"):
        await declare(ENVIRONMENT, repository="elsewhere", environment="production")
