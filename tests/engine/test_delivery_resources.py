"""Delivery for both forges with the real engine: declared once, unchanged by the second run, no secret in the state;
and a push to each forge, followed until it is live on every platform and the forge shows that.
"""

from __future__ import annotations

import json
import re
import signal

import pytest

from sandbox.github.account import TOKEN as GITHUB_TOKEN
from tests.coordinator.delivering import until
from tests.engine.stack import ROOT, Stack
from tools.bench.checkout import configure
from tools.push_to_live.forges import OWNER
from tools.push_to_live.journey import follow
from tools.push_to_live.trial import INFRASTRUCTURE, PLANTED_DISPATCH, WEBSITE, Trial, delivery

HANDED = ("CLOUDFLARE_API_TOKEN", "VERCEL_API_TOKEN", "NETLIFY_AUTH_TOKEN", "GITLAB_TOKEN")


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    made = Trial(tmp_path_factory.mktemp("delivery"))
    try:
        made.prepare(ROOT / "examples" / "site")
        made.up(made.forges["github"])
        yield made
    finally:
        made.down()


@pytest.fixture
def stack(trial):
    """The same stack, driven by the command line."""
    made = Stack(trial.state, trial.folder, root=trial.root)
    made.environment = {**trial.environment, "PEACEFULROBOT_CONTENT": trial.content(trial.forges["github"])}
    return made


def state(trial):
    (path,) = trial.state.rglob("stacks/**/sandbox.json")
    text = path.read_text()
    return text, json.loads(text)["checkpoint"]["latest"]["resources"]


def test_both_forges_show_what_was_declared(trial):
    github, gitlab = trial.forges["github"].api, trial.forges["gitlab"].api
    infra, website = f"repos/{OWNER}/{INFRASTRUCTURE}", f"repos/{OWNER}/{WEBSITE}"
    assert [one["name"] for one in github.ask("GET", f"{infra}/environments")["environments"]] == ["production"]
    policies = github.ask("GET", f"{infra}/environments/production/deployment-branch-policies")["branch_policies"]
    assert [one["name"] for one in policies] == ["main"]
    secrets = github.ask("GET", f"{infra}/environments/production/secrets")["secrets"]
    assert {one["name"] for one in secrets} == {*HANDED, "CONTENT_SSH_KEY_BASE64"}
    (key,) = github.ask("GET", f"{website}/keys")
    assert key["read_only"] is True
    (hook,) = github.ask("GET", f"{website}/hooks")
    assert hook["config"]["url"] == f"http://127.0.0.1:{trial.port}/hooks/github"

    infra, website = f"projects/{OWNER}%2F{INFRASTRUCTURE}", f"projects/{OWNER}%2F{WEBSITE}"
    variables = gitlab.ask("GET", f"{infra}/variables")
    assert {one["key"] for one in variables if one["masked"]} == {*HANDED, "CONTENT_SSH_KEY_BASE64"}
    assert all(one["protected"] for one in variables)
    (key,) = gitlab.ask("GET", f"{website}/deploy_keys")
    assert key["can_push"] is False
    (hook,) = gitlab.ask("GET", f"{website}/hooks")
    assert (hook["signing_token_present"], hook["push_events_branch_filter"]) == (True, "main")
    assert len(gitlab.ask("GET", f"{infra}/triggers")) == 1


def test_nobody_pushes_past_the_review(trial):
    for forge in trial.forges.values():
        own = trial.work(forge)
        with pytest.raises(RuntimeError, match=r"pull request|not allowed to push"):
            own.git("push", "--quiet", "--force", forge.clone_url(INFRASTRUCTURE), "HEAD:main")


def test_a_second_up_changes_nothing_and_a_refresh_finds_what_was_declared(stack):
    stack.refresh()
    output = stack.run("preview", "--expect-no-changes")
    assert re.search(r"\d+ unchanged", output)


def test_a_pipeline_leaves_the_tokens_that_were_handed_over(trial, stack):
    _, before = state(trial)
    own = dict(stack.environment)
    stack.environment = {**own, "CI": "true", "INFRA_DISPATCH_TOKEN": "another-one-of-the-pipeline"}
    stack.run("preview", "--expect-no-changes")
    del stack.environment["INFRA_DISPATCH_TOKEN"]
    stack.run("preview", "--expect-no-changes")
    stack.environment = {**own, "INFRA_DISPATCH_TOKEN": f"{PLANTED_DISPATCH}2"}
    assert "1 to update" in stack.run("preview")
    assert len(before) == len(state(trial)[1])


def test_no_secret_is_in_the_state_in_plain_text(trial):
    text, resources = state(trial)
    sandbox = trial.described["environment"]
    delivered = json.dumps([found for found in resources if "delivery" in found["urn"].rsplit("::", 1)[-1]])
    assert not [name for name in HANDED if sandbox[name] in delivered]
    handed = trial.handed()
    secret = [handed["github"]["webhookSecret"], handed["gitlab"]["signingKey"], handed["gitlab"]["triggerToken"]]
    assert not [value for value in (*secret, PLANTED_DISPATCH, GITHUB_TOKEN) if value in text]
    assert "OPENSSH PRIVATE KEY" not in text
    assert "b3BlbnNzaC1rZXktdjE" not in text
    assert '"ciphertext"' in delivered
    hook = next(found for found in resources if found["urn"].endswith("::delivery-github-webhook"))
    assert "ciphertext" in json.dumps(hook["outputs"]["configuration"])
    outputs = next(found for found in resources if found["type"] == "pulumi:pulumi:Stack")["outputs"]
    assert set(outputs["delivery"]) >= {"ciphertext"}


def test_only_the_public_halves_can_be_read(trial):
    _, resources = state(trial)
    key = next(found for found in resources if found["type"] == "publisher:index:SshKey")
    assert key["outputs"]["public"].startswith("ssh-ed25519 ")
    assert "ciphertext" in key["outputs"]["private"]


def test_a_push_to_github_gets_live_on_all_platforms_and_github_shows_where(trial, record_property):
    forge = trial.forges["github"]
    with trial.coordinator(forge):
        journey = follow(trial, forge, "By way of GitHub")
    record_property("table", "; ".join(f"{step.name}: {step.at:.2f} s" for step in journey.steps))
    shown = forge.environments(WEBSITE, journey.commit)
    addresses = {name.removeprefix("production/"): one.url for name, one in shown.items()}
    assert set(addresses) == set(trial.described["platforms"])
    assert all(url.startswith("https://") for url in addresses.values()), addresses
    assert journey.steps[0].name == "git push has returned"


def test_a_push_to_gitlab_gets_live_and_a_stop_waits_for_the_engine(trial):
    forge = trial.forges["gitlab"]
    with trial.coordinator(forge) as process:
        journey = follow(trial, forge, "By way of GitLab")
        work = trial.work(forge)
        (work.folder / "second.html").write_text((work.folder / "about.html").read_text())
        second = work.commit("A second one")
        work.push()
        until(lambda: second[:12] in trial.log.read_text(), "the second begins", 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(240) == 0
    said = trial.log.read_text()
    assert forge.commit_state(WEBSITE, journey.commit) == "success"
    assert said.count("published and verified") == 3
    assert not [value for value in secrets_of(trial) if value in said]
    assert "Traceback" not in said
    with trial.coordinator(forge):
        until(lambda: forge.commit_state(WEBSITE, second) == "success", "what is left to tell is told", 60)


def secrets_of(trial):
    """Everything that must not be read anywhere."""
    handed = [value for forge in trial.handed().values() for value in forge.values()]
    sandbox = trial.described["environment"]
    return [PLANTED_DISPATCH, GITHUB_TOKEN, *handed, *(sandbox[name] for name in HANDED)]


def test_no_secret_is_in_any_log_or_comment_of_a_delivery(trial):
    logs = [path for path in (*trial.folder.glob("*.log"), *trial.state.rglob("*.log")) if path.is_file()]
    logs += list(trial.state.rglob("*.jsonl"))
    assert len(logs) >= 4
    for path in logs:
        text = path.read_text("utf-8", "replace")
        assert not [value for value in secrets_of(trial) if value in text], path


def test_a_rotation_replaces_the_keys_and_what_holds_them_and_nothing_else(trial, stack):
    _, before = state(trial)
    joined = delivery(f"http://127.0.0.1:{trial.port}")
    configure(trial.root, delivery={**joined, "rotation": {"keys": "2"}})
    trial.up(trial.forges["gitlab"])
    _, after = state(trial)
    changed = {one["urn"].rsplit("::", 1)[-1] for one in after if not same(one, before)}
    assert changed >= {"delivery-github-key", "delivery-github-deploy-key", "delivery-gitlab-deploy-key"}
    assert not [name for name in changed if "webhook" in name or "vercel-api-token" in name]


def same(resource, others):
    """Whether a resource has the public outputs and the id that it had; ciphertexts are new at each write."""
    public = [found for found in others if found["urn"] == resource["urn"]]
    return bool(public) and all(
        one["id"] == resource["id"] and plain(one) == plain(resource) for one in public if "id" in one
    )


def plain(resource):
    return {key: value for key, value in resource.get("outputs", {}).items() if isinstance(value, str | bool | int)}
