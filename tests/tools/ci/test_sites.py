from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml
from click.testing import CliRunner

from tests.tools.ci.forge_shell import ROOT, GitLabPipeline
from tools.ci import pipelines, sites
from tools.ci.__main__ import main
from tools.ci.sites import Site
from tools.deploy.errors import Refused


@pytest.fixture
def content(tmp_path):
    """A Git repository with a branch of two commits."""
    folder = tmp_path / "content"
    folder.mkdir()
    for number in (1, 2):
        (folder / "index.html").write_text(f"<p>{number}")
        git(folder, "init", "-q", "-b", "main") if number == 1 else None
        git(folder, "add", ".")
        git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", str(number))
    return folder


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def root(tmp_path, content):
    """A checkout with stack files only: one with content in Git, one with a folder, and the sandbox's."""
    folder = tmp_path / "root"
    folder.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.sandbox.yaml"):
        shutil.copy(ROOT / name, folder)
    stack(folder, "prod", content=f"file://{content}", contentRef="main")
    stack(folder, "docs", content="examples/site")
    return folder


def stack(root, name, **settings):
    config = {f"peacefulrobot-infra:{key}": value for key, value in settings.items()}
    (root / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({"config": config}))


def test_all_means_every_stack_but_the_sandboxes(root):
    stack(root, "sandbox-07")
    assert sites.chosen(root, "all") == ["docs", "prod"]
    assert sites.chosen(root, " prod, docs prod") == ["docs", "prod"]
    assert sites.chosen(root, "") == []


@pytest.mark.parametrize("wanted", ["prod nowhere", "../prod", "prod;rm", "$(id)"])
def test_a_stack_that_is_not_there_is_refused_by_name(root, wanted):
    with pytest.raises(Refused, match="correct STACKS"):
        sites.chosen(root, wanted)


def test_an_event_narrows_the_stacks_and_cannot_name_others():
    assert sites.narrowed(["docs", "prod"], "") == ["docs", "prod"]
    assert sites.narrowed(["docs", "prod"], "prod") == ["prod"]
    with pytest.raises(Refused, match="'sandbox', which this pipeline does not deploy"):
        sites.narrowed(["docs", "prod"], "sandbox")


def test_content_is_found_at_the_commit_that_its_branch_names_now(root, content):
    found = {site.stack: site.content for site in sites.pinned(root, ["docs", "prod"])}
    assert found == {"docs": "", "prod": f"file://{content}#{git(content, 'rev-parse', 'main')}"}


def test_all_content_that_cannot_be_found_is_named_at_once(root, content):
    stack(root, "one", content=f"file://{content}", contentRef="nowhere")
    stack(root, "two", content="ext::sh")
    with pytest.raises(Refused) as refused:
        sites.pinned(root, ["one", "prod", "two"])
    assert "Pulumi.one.yaml" in refused.value.message
    assert "Pulumi.two.yaml" in refused.value.message
    assert "Pulumi.prod.yaml" not in refused.value.message


def test_a_stack_file_that_is_no_mapping_is_named(root):
    (root / "Pulumi.prod.yaml").write_text("- a")
    with pytest.raises(Refused, match=r"Pulumi\.prod\.yaml is no mapping"):
        sites.pinned(root, ["prod"])


def test_a_stack_names_the_environments_that_hold_its_secrets(root):
    stack(root, "shop", content="examples/site", delivery={"gitlab": {"environment": "shop"}})
    (found,) = sites.pinned(root, ["shop"])
    assert found.environments == {"gitlab": "shop", "github": "production"}


def test_sync_hands_both_forges_one_job_for_each_stack(root, tmp_path):
    variables = {
        "DEPLOY_STACKS": "all",
        "PIPELINES_FOLDER": str(tmp_path / "pipelines"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    done = CliRunner().invoke(main, ["sync", "--root", str(root)], env=variables)
    assert done.exit_code == 0, done.output
    output = (tmp_path / "output").read_text()
    assert [row["stack"] for row in json.loads(output.removeprefix("sites="))] == ["docs", "prod"]
    deploy = yaml.safe_load((tmp_path / "pipelines" / "deploy.yml").read_text())
    assert [name for name in deploy if name.startswith("deploy ")] == ["deploy docs", "deploy prod"]


def test_sync_of_one_environment_leaves_out_the_other_stacks(root, tmp_path):
    stack(root, "shop", content="examples/site", delivery={"github": {"environment": "shop"}})
    variables = {"DEPLOY_STACKS": "all", "GITHUB_OUTPUT": str(tmp_path / "output"), "DEPLOYED_ENVIRONMENT": "shop"}
    done = CliRunner().invoke(main, ["sync", "--root", str(root)], env=variables)
    assert done.exit_code == 0, done.output
    assert [row["stack"] for row in json.loads((tmp_path / "output").read_text()[6:])] == ["shop"]


def test_fifty_stack_files_become_fifty_jobs_that_wait_only_for_their_own_stack(root, tmp_path):
    for number in range(50):
        stack(root, f"site-{number:02}", content="examples/site", hostname=f"s{number}.example.org")
    names = [name for name in sites.chosen(root, "all") if name.startswith("site-")]
    found = sites.pinned(root, names)
    (tmp_path / ".gitlab").mkdir()
    shutil.copy(ROOT / ".gitlab/one-stack.yml", tmp_path / ".gitlab")
    pipelines.write_gitlab(found, tmp_path)
    deploy = GitLabPipeline(tmp_path, "deploy.yml")
    jobs = [deploy.job(name) for name in deploy.jobs]
    assert len(jobs) == 50
    assert {job["resource_group"] for job in jobs} == set(names)
    assert {job["variables"]["STACK"] for job in jobs} == set(names)
    assert not any(job["interruptible"] for job in jobs)
    assert len(json.loads(pipelines.matrix(found))) == 50
    checked = ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", *map(str, sorted(tmp_path.glob("*.yml")))]
    done = subprocess.run([ROOT / ".venv/bin" / checked[0], *checked[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_matrix_that_is_too_large_for_github_is_refused_with_its_limit():
    many = [Site(f"s{number}", "", {"github": "production", "gitlab": "production"}) for number in range(257)]
    with pytest.raises(Refused, match="257 stacks, and a matrix of GitHub takes 256"):
        pipelines.matrix(many)
