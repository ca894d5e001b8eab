"""Delivery for both forges with the real engine: declared once, unchanged by the second run, no secret in the state."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from sandbox.registry import twins
from sandbox.world import World
from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tools.bench.checkout import checkout, configure

DISPATCH = "github_pat_11PLANTEDPLANTED_planted0planted0planted0planted0planted0planted0"
SIX_MONTHS = str((datetime.now(UTC) + timedelta(days=180)).date())
NAMES = ("CLOUDFLARE_API_TOKEN", "VERCEL_API_TOKEN", "NETLIFY_AUTH_TOKEN", "GITLAB_TOKEN", "INFRA_DISPATCH_TOKEN")
DELIVERY = {
    "coordinator": "https://deploy.example.org",
    "github": {"owner": "peacefulrobot", "infrastructure": "infra", "content": "website", "direct": True},
    "gitlab": {"infrastructure": "peacefulrobot/infra", "content": "peacefulrobot/website", "direct": True},
    "aws": {},
    "gcp": {},
    "azure": {
        "tenant": "5a4db0c0-0000-4000-8000-0000000007e4",
        "subscription": "5a4db0c0-0000-4000-8000-0000000005b5",
    },
    "tokens": {name: {"expires": SIX_MONTHS} for name in NAMES},
}
NEEDED = ("github:index/repositoryWebhook:RepositoryWebhook", "gitlab:index/projectHook:ProjectHook")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivery")
    known = {kind.token for twin in twins(World(folder / "world")) for kind in twin.resource_types}
    if not known.issuperset(NEEDED):
        pytest.skip("this sandbox stands in for no forge")
    root = checkout(ROOT, folder / "checkout", delivery=DELIVERY)
    path = root / "Pulumi.sandbox.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"]["github:owner"] = "peacefulrobot"
    path.write_text(yaml.safe_dump(document))
    made = new_stack(folder, root=root)
    made.environment["INFRA_DISPATCH_TOKEN"] = DISPATCH
    made.environment.pop("CI", None)
    try:
        made.run("up")
        yield made
    finally:
        made.run("down", expect=None)


def state(stack):
    (path,) = stack.folder.rglob("stacks/**/sandbox.json")
    text = path.read_text()
    return text, json.loads(text)["checkpoint"]["latest"]["resources"]


def test_a_second_up_changes_nothing_and_a_refresh_finds_what_was_declared(stack):
    stack.refresh()
    output = stack.run("preview", "--expect-no-changes")
    assert re.search(r"\d+ unchanged", output)


def test_a_pipeline_leaves_the_tokens_that_were_handed_over(stack):
    _, before = state(stack)
    own = dict(stack.environment)
    stack.environment.update(CI="true", INFRA_DISPATCH_TOKEN="another-one-of-the-pipeline")
    try:
        stack.run("preview", "--expect-no-changes")
        del stack.environment["INFRA_DISPATCH_TOKEN"]
        stack.run("preview", "--expect-no-changes")
    finally:
        stack.environment.clear()
        stack.environment.update(own)
    stack.environment["INFRA_DISPATCH_TOKEN"] = f"{DISPATCH}2"
    assert "1 to update" in stack.run("preview")
    stack.environment["INFRA_DISPATCH_TOKEN"] = DISPATCH
    assert len(before) == len(state(stack)[1])


def test_no_secret_is_in_the_state_in_plain_text(stack):
    text, resources = state(stack)
    sandbox = stack.sandbox()["environment"]
    planted = [DISPATCH, *(sandbox[name] for name in NAMES if name in sandbox)]
    assert len(planted) == len(NAMES)
    delivered = json.dumps([found for found in resources if "delivery" in found["urn"].rsplit("::", 1)[-1]])
    assert not [value for value in planted if value in delivered]
    assert DISPATCH not in text
    assert "whsec_" not in text
    assert "OPENSSH PRIVATE KEY" not in text
    assert "b3BlbnNzaC1rZXktdjE" not in text
    assert '"ciphertext"' in delivered
    hook = next(found for found in resources if found["urn"].endswith("::delivery-github-webhook"))
    assert "ciphertext" in hook["outputs"]["configuration"]["secret"]
    outputs = next(found for found in resources if found["type"] == "pulumi:pulumi:Stack")["outputs"]
    assert set(outputs["delivery"]) >= {"ciphertext"}


def test_only_the_public_halves_can_be_read(stack):
    _, resources = state(stack)
    key = next(found for found in resources if found["type"] == "publisher:index:SshKey")
    assert key["outputs"]["public"].startswith("ssh-ed25519 ")
    assert "ciphertext" in key["outputs"]["private"]


def test_a_rotation_replaces_the_keys_and_what_holds_them_and_nothing_else(stack):
    _, before = state(stack)
    configure(stack.root, delivery={**DELIVERY, "rotation": {"keys": "2"}})
    stack.run("up")
    _, after = state(stack)
    changed = {one["urn"].rsplit("::", 1)[-1] for one in after if not same(one, before)}
    assert changed >= {"delivery-github-key", "delivery-github-deploy-key", "delivery-gitlab-deploy-key"}
    assert not [name for name in changed if "webhook" in name or "vercel" in name]
    stack.run("preview", "--expect-no-changes")


def same(resource, others):
    """Whether a resource has the public outputs and the id that it had; ciphertexts are new at each write."""
    public = [found for found in others if found["urn"] == resource["urn"]]
    return bool(public) and all(
        one["id"] == resource["id"] and plain(one) == plain(resource) for one in public if "id" in one
    )


def plain(resource):
    return {key: value for key, value in resource.get("outputs", {}).items() if isinstance(value, str | bool | int)}
