"""When GitHub's workflows run, and what they may."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.tools.ci.forge_shell import ROOT, GitHubWorkflow

NAMES = sorted(path.name for path in (ROOT / ".github/workflows").glob("*.yml"))
SITES = '[{"stack": "prod", "content": "", "environment": "production"}]'
OWN = {"full_name": "peacefulrobot/infra"}
VARS = {"DEPLOY_STACKS": "prod"}


def github(**said):
    event = {"repository": {"default_branch": "main"}, **said.pop("event", {})}
    return {"repository": "peacefulrobot/infra", "ref": "refs/heads/main", "event": event, **said}


def pull_request(repository):
    return github(event={"pull_request": {"number": 7, "head": {"repo": {"full_name": repository}}}})


@pytest.fixture(params=NAMES)
def workflow(request):
    return GitHubWorkflow(ROOT, request.param)


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_github_s_own_and_pinned_by_hash_with_their_version(name):
    used = re.findall(r"uses: (\S+.*)", (ROOT / ".github/workflows" / name).read_text())
    assert used
    for one in used:
        local = one.startswith("./.github/")
        assert local or re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


def test_a_workflow_may_nothing_and_its_jobs_only_what_they_name(workflow):
    assert workflow.document["permissions"] == {}
    for job in workflow.document["jobs"].values():
        assert "permissions" in job
        assert set(job["permissions"].items()) <= {
            ("contents", "read"),
            ("pull-requests", "write"),
            ("id-token", "write"),
        }


def test_only_pull_requests_are_told_something(workflow):
    writers = [name for name, job in workflow.document["jobs"].items() if "pull-requests" in job["permissions"]]
    assert writers == (["preview"] if "Preview" in workflow.document["name"] else [])


def test_no_workflow_runs_the_code_of_a_fork_with_rights(workflow):
    assert "pull_request_target" not in workflow.events
    assert "workflow_run" not in workflow.events


def test_every_job_with_secrets_runs_in_an_environment(workflow):
    for job in workflow.document["jobs"].values():
        assert "secrets." not in yaml.safe_dump(job) or "environment" in job


def test_checkouts_leave_no_token_behind(workflow):
    steps = [step for job in workflow.document["jobs"].values() for step in job.get("steps", [])]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_scripts_only_call_make(workflow):
    steps = [step for job in workflow.document["jobs"].values() for step in job.get("steps", [])]
    assert all(step["run"].startswith("make ") for step in steps if "run" in step)


def test_only_checks_are_ever_cancelled(workflow):
    groups = [workflow.document["concurrency"]]
    groups += [job["concurrency"] for job in workflow.document["jobs"].values() if "concurrency" in job]
    cancelled = [group["cancel-in-progress"] for group in groups if group["cancel-in-progress"] is not False]
    assert cancelled == (["${{ github.event_name == 'pull_request' }}"] if workflow.document["name"] == "Check" else [])


def test_a_pull_request_of_the_repository_is_previewed_and_one_of_a_fork_is_not():
    preview = GitHubWorkflow(ROOT, "preview.yml")
    assert preview.runs("sync", github=pull_request("peacefulrobot/infra"), vars=VARS)
    assert not preview.runs("sync", github=pull_request("somebody/infra"), vars=VARS)
    assert not preview.runs("sync", github=pull_request("peacefulrobot/infra"), vars={})


def test_deployments_start_by_push_by_new_content_and_by_hand():
    events = GitHubWorkflow(ROOT, "deploy.yml").events
    assert events["push"] == {"branches": ["main"]}
    assert events["repository_dispatch"] == {"types": ["content-updated"]}
    assert "workflow_dispatch" in events


def test_only_the_default_branch_is_deployed():
    deploy = GitHubWorkflow(ROOT, "deploy.yml")
    assert deploy.runs("sync", github=github(), vars=VARS)
    assert not deploy.runs("sync", github=github(ref="refs/heads/feature"), vars=VARS)
    assert not deploy.runs("sync", github=github(), vars={})


@pytest.mark.parametrize(
    ("validated", "synced", "sites", "deployed"),
    [
        ("success", "success", SITES, True),
        ("skipped", "success", SITES, True),
        ("failure", "success", SITES, False),
        ("cancelled", "success", SITES, False),
        ("success", "failure", "", False),
        ("success", "success", "[]", False),
    ],
)
def test_a_push_is_deployed_only_after_its_tests_and_new_content_at_once(validated, synced, sites, deployed):
    needs = {"validate": {"result": validated}, "sync": {"result": synced, "outputs": {"sites": sites}}}
    assert GitHubWorkflow(ROOT, "deploy.yml").runs("deploy", needs=needs) is deployed


def test_a_deployment_waits_for_the_one_before_of_the_same_stack():
    job = GitHubWorkflow(ROOT, "deploy.yml").document["jobs"]["deploy"]
    group = "deploy-stack-${{ matrix.site.stack }}"
    assert job["concurrency"] == {"group": group, "cancel-in-progress": False}
    assert job["strategy"]["fail-fast"] is False


def test_a_run_that_content_started_bears_the_deployments_key_in_its_name():
    name = GitHubWorkflow(ROOT, "deploy.yml").document["run-name"]
    assert "github.event.client_payload.deployment" in name


def test_drift_is_looked_for_every_night():
    schedule = GitHubWorkflow(ROOT, "drift.yml").events["schedule"]
    assert len(schedule) == 1
    assert re.fullmatch(r"\d+ \d+ \* \* \*", schedule[0]["cron"])


@pytest.mark.parametrize(
    ("state", "environment", "asked"),
    [("success", "production", True), ("success", "preview", False), ("failure", "production", False)],
)
def test_a_deployment_that_succeeded_is_verified_from_outside_and_a_verification_is_not(state, environment, asked):
    event = {"deployment_status": {"state": state, "environment": environment}}
    workflow = GitHubWorkflow(ROOT, "deployment-status.yml")
    assert workflow.runs("sync", github=github(event=event), vars=VARS) is asked
    assert workflow.document["jobs"]["verify"]["environment"] == "preview"
