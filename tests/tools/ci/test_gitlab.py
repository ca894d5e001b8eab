"""Which jobs a pipeline of GitLab has, and what they may."""

from __future__ import annotations

import pytest
import yaml

from tests.tools.ci.forge_shell import ROOT, GitLabPipeline
from tools.ci import pipelines
from tools.ci.sites import Site

OWN = {
    "DEPLOY_STACKS": "prod",
    "CI_PROJECT_PATH": "peacefulrobot/infra",
    "CI_DEFAULT_BRANCH": "main",
    "CI_COMMIT_REF_PROTECTED": "true",
}
ON_MAIN = {**OWN, "CI_COMMIT_BRANCH": "main"}
MERGE_REQUEST = {**OWN, "CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_REF_PROTECTED": "false"}


@pytest.fixture
def pipeline():
    return GitLabPipeline(ROOT, ".gitlab-ci.yml")


@pytest.fixture
def child(tmp_path):
    """The child pipeline of a kind, for two stacks."""

    def made(kind):
        sites = [site("prod"), site("shop")]
        path = tmp_path / f"{kind}.yml"
        path.write_text(pipelines.child_pipeline(sites, kind))
        document = GitLabPipeline(ROOT, ".gitlab-ci.yml")
        document.document = yaml.safe_load((ROOT / ".gitlab/one-stack.yml").read_text()) | yaml.safe_load(
            path.read_text()
        )
        return document

    return made


def site(name, content=f"https://example.org/site.git#{'a' * 40}", environment="production"):
    return Site(name, content, {"gitlab": environment, "github": environment})


def test_the_stages_are_sync_validate_deploy(pipeline):
    assert pipeline.document["stages"] == ["sync", "validate", "deploy"]


@pytest.mark.parametrize(
    ("source", "jobs"),
    [
        ("push", ["sync", "test", "deploy"]),
        ("trigger", ["sync", "deploy"]),
        ("pipeline", ["sync", "deploy"]),
        ("api", ["sync", "deploy"]),
        ("web", ["sync", "deploy"]),
        ("schedule", ["sync", "supply-chain", "drift"]),
    ],
)
def test_the_default_branch_deploys_and_a_schedule_only_compares(pipeline, source, jobs):
    assert pipeline.starts({**ON_MAIN, "CI_PIPELINE_SOURCE": source}) == jobs


def test_a_merge_request_of_the_project_is_tested_and_previewed_and_nothing_is_deployed(pipeline):
    own = {**MERGE_REQUEST, "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "peacefulrobot/infra"}
    assert pipeline.starts(own) == ["sync", "test", "preview"]


@pytest.mark.parametrize("lock", ["requirements.txt", "tools/uv-requirements.txt", "tools/engine/go.sum"])
def test_a_change_of_what_is_locked_is_listed_and_audited(pipeline, lock):
    assert "supply-chain" in pipeline.starts({**MERGE_REQUEST, "CHANGED": lock})
    job = pipeline.job("supply-chain")
    assert job["script"] == ["make sbom OUTPUT=sbom.json", "make audit"]
    assert "sbom.json" in job["artifacts"]["paths"]
    assert not job.get("allow_failure")


def test_a_merge_request_of_a_fork_is_tested_and_gets_no_job_with_secrets(pipeline):
    fork = {**MERGE_REQUEST, "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "somebody/infra"}
    assert pipeline.starts(fork) == ["sync", "test"]
    assert "environment" not in pipeline.job("sync")
    assert "id_tokens" not in pipeline.job("sync") | pipeline.job("test")


@pytest.mark.parametrize(
    "changed",
    [
        {"CI_COMMIT_BRANCH": "feature"},
        {"CI_COMMIT_BRANCH": None, "CI_COMMIT_TAG": "v1"},
    ],
)
def test_other_branches_and_tags_have_no_pipeline(pipeline, changed):
    assert pipeline.starts({**ON_MAIN, "CI_PIPELINE_SOURCE": "push", **changed}) == []


def test_a_branch_that_is_not_protected_deploys_nothing(pipeline):
    unprotected = {**ON_MAIN, "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_REF_PROTECTED": "false"}
    assert "deploy" not in pipeline.starts(unprotected)


def test_without_deploy_stacks_nothing_but_tests_runs(pipeline):
    assert pipeline.starts({**ON_MAIN, "CI_PIPELINE_SOURCE": "push", "DEPLOY_STACKS": ""}) == ["test"]


def test_each_trigger_waits_for_its_child_pipeline_and_takes_the_file_that_sync_keeps(pipeline):
    kept = pipeline.job("sync")["artifacts"]["paths"]
    for kind in pipelines.STAGES:
        trigger = pipeline.job(kind)["trigger"]
        assert trigger["strategy"] == "depend"
        assert trigger["include"] == [{"artifact": f"{kept[0]}{kind}.yml", "job": "sync"}]


def test_a_deployment_is_never_cut_off_and_never_beside_another_of_its_stack(child):
    deploy = child("deploy")
    assert deploy.jobs == ["deploy prod", "deploy shop"]
    for name, stack in zip(deploy.jobs, ("prod", "shop"), strict=True):
        job = deploy.job(name)
        assert job["interruptible"] is False
        assert job["resource_group"] == stack
        assert job["variables"]["STACK"] == stack
        assert job["environment"] == {"name": "production"}
        assert job["timeout"] == "2h"


def test_a_deployment_takes_the_newest_content_and_a_preview_the_commit_that_sync_found(child):
    assert "PEACEFULROBOT_CONTENT" not in child("deploy").job("deploy prod")["variables"]
    pinned = child("preview").job("preview prod")["variables"]["PEACEFULROBOT_CONTENT"]
    assert pinned == f"https://example.org/site.git#{'a' * 40}"


def test_previews_and_comparisons_make_no_deployment_record(child):
    for kind in ("preview", "drift"):
        assert child(kind).job(f"{kind} prod")["environment"] == {"name": "preview", "action": "access"}


def test_jobs_only_call_make(pipeline, child):
    for document in (pipeline, *map(child, pipelines.STAGES)):
        scripts = [line for name in document.jobs for line in document.job(name).get("script", [])]
        assert all(line.startswith("make ") for line in scripts), scripts


def test_every_job_that_runs_a_script_has_a_time_out(pipeline, child):
    for document in (pipeline, *map(child, pipelines.STAGES)):
        assert all("timeout" in document.job(name) for name in document.jobs)


def test_no_stack_makes_a_pipeline_with_a_job_as_gitlab_refuses_an_empty_one():
    document = yaml.safe_load(pipelines.child_pipeline([], "deploy"))
    assert document["nothing to do"]["script"]
