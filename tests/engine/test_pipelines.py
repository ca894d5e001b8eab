"""The pipelines' scripts as they stand, in a shell with the forge's variables, against the sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import requests
import yaml

from tests.tools.ci.forge_shell import LOCALLY, GitHubWorkflow, GitLabPipeline, checkout
from tools.bench.many_sites.course import run
from tools.ci.runner import bash
from tools.push_to_live.forges import GitHub, WorkingCopy


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A checkout on a runner; its sandbox publishes two platforms, with content from a Git repository."""
    folder = tmp_path_factory.mktemp("runner")
    root = checkout(folder / "infra")
    shutil.copytree(root / "examples" / "site", folder / "content")
    git(folder / "content", "init", "-q", "-b", "main")
    commit(folder / "content", "first")
    path = root / "Pulumi.sandbox.yaml"
    stack = yaml.safe_load(path.read_text())
    own = {"content": f"file://{folder / 'content'}", "contentRef": "main", "hosts": ["vercel", "netlify"]}
    stack["config"].update({f"peacefulrobot-infra:{key}": value for key, value in own.items()})
    path.write_text(yaml.safe_dump(stack))
    yield root
    bash("make down", root, LOCALLY)


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder, message):
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


def sandbox(root):
    return json.loads((root / ".sandbox/world/sandbox.json").read_text())


def change_by_hand(root):
    """What somebody does in Cloudflare's dashboard: describe a pool."""
    environment = sandbox(root)["environment"]
    headers = {"Authorization": f"Bearer {environment['CLOUDFLARE_API_TOKEN']}"}
    account = "5a4db0c0000000000000000000000acc"
    pools = f"{environment['CLOUDFLARE_BASE_URL']}/accounts/{account}/load_balancers/pools"
    pool = next(p for p in requests.get(pools, headers=headers).json()["result"] if p["name"].endswith("vercel"))
    answer = requests.patch(f"{pools}/{pool['id']}", headers=headers, json={"description": "by hand"})
    assert answer.ok, answer.text


def test_gitlab_syncs_deploys_and_finds_what_was_changed_by_hand(root):
    variables = {**LOCALLY, "DEPLOY_STACKS": "sandbox", "CI_PIPELINE_SOURCE": "push"}
    synced = GitLabPipeline(root, ".gitlab-ci.yml").run("sync", variables)
    assert synced.code == 0, synced.output
    tip = git(root.parent / "content", "rev-parse", "HEAD")
    preview = GitLabPipeline(root, ".pipelines/preview.yml").job("preview sandbox")
    assert preview["variables"]["PEACEFULROBOT_CONTENT"].endswith(f"#{tip}")

    deployed = GitLabPipeline(root, ".pipelines/deploy.yml").run("deploy sandbox", variables)
    assert deployed.code == 0, deployed.output
    page = requests.get(sandbox(root)["site_url"] + "about.html")
    assert page.content == (root.parent / "content/about.html").read_bytes()
    kept = GitLabPipeline(root, ".pipelines/deploy.yml").job("deploy sandbox")["artifacts"]["paths"]
    uploads = [json.loads(line) for line in (root / kept[0]).read_text().splitlines()]
    assert {line["platform"] for line in uploads} == {"vercel", "netlify"}

    drift = GitLabPipeline(root, ".pipelines/drift.yml")
    same = drift.run("drift sandbox", variables)
    assert same.code == 0, same.output
    assert "everything is as it was declared" in same.output
    change_by_hand(root)
    differs = drift.run("drift sandbox", variables)
    assert differs.code != 0
    assert "edge-pool-vercel" in differs.output
    assert "description changed" in differs.output
    assert "token-" not in differs.output


def test_github_deploys_new_content_verifies_it_and_leaves_a_refused_one_unpublished(root):
    content = root.parent / "content"
    about = content / "about.html"
    about.write_text(about.read_text().replace("</main>", "<p>New.</p></main>"))
    commit(content, "second")
    deploy = GitHubWorkflow(root, "deploy.yml")
    event = {"client_payload": {"commit": "f" * 40, "stack": "sandbox", "deployment": "1-ffff"}}
    contexts = {"github": {"event": event}, "vars": {"DEPLOY_STACKS": "sandbox"}}
    synced, outputs = deploy.run("sync", **contexts)
    assert synced.code == 0, synced.output
    (site,) = json.loads(outputs["sites"])

    deployed, _ = deploy.run("deploy", **contexts, matrix={"site": site})
    assert deployed.code == 0, deployed.output
    assert requests.get(sandbox(root)["site_url"] + "about.html").content == about.read_bytes()
    verified, _ = GitHubWorkflow(root, "deployment-status.yml").run("verify", matrix={"site": site})
    assert verified.code == 0, verified.output
    assert "Every platform serves r" in verified.output

    (content / ".env").write_text("A=1\n")
    commit(content, "third")
    try:
        refused, _ = deploy.run("deploy", **contexts, matrix={"site": site})
        assert refused.code != 0
        assert ".env" in refused.output
        assert requests.get(sandbox(root)["site_url"] + "about.html").content == about.read_bytes()
    finally:
        (content / ".env").unlink()
        commit(content, "as before")


def pull_request(root):
    """A pull request at the local GitHub: variables of its job, and where its comments are."""
    forge = GitHub(sandbox(root)["environment"])
    forge.make("infra")
    work = WorkingCopy(root.parent / "infra-clone", forge.token)
    work.clone(forge.clone_url("infra"))
    (work.folder / "topic").write_text("topic")
    work.commit("A change")
    work.git("push", "--quiet", "origin", "HEAD:topic")
    path = "repos/sandbox/infra"
    pull = forge.api.ask("POST", f"{path}/pulls", json={"title": "A change", "head": "topic", "base": "main"})
    event = root.parent / "event.json"
    event.write_text(json.dumps({"pull_request": pull}))
    address = forge.api.address.rstrip("/")
    variables = {"GITHUB_EVENT_PATH": str(event), "GITHUB_API_URL": address, "GITHUB_REPOSITORY": "sandbox/infra"}
    return variables, forge, f"{path}/issues/{pull['number']}/comments"


def test_a_preview_says_in_a_file_and_a_comment_what_would_change(root):
    variables, forge, comments = pull_request(root)
    preview = GitHubWorkflow(root, "preview.yml", **variables)
    contexts = {"github": {"token": forge.token}, "matrix": {"site": {"stack": "sandbox", "content": ""}}}
    content = root.parent / "content"
    (content / "new-page.html").write_text((content / "about.html").read_text())
    commit(content, "a page more")
    ended, _ = preview.run("preview", **contexts)
    assert ended.code == 0, ended.output
    (comment,) = forge.api.ask("GET", comments)
    assert "`new-page.html`" in comment["body"]
    assert comment["body"] == (root / ".sandbox/preview-comment.md").read_text()

    (content / ".env").write_text("A=1\n")
    commit(content, "what is refused")
    ended, _ = preview.run("preview", **contexts)
    assert ended.code != 0, ended.output
    (edited,) = forge.api.ask("GET", comments)
    assert edited["id"] == comment["id"]
    assert ".env" in edited["body"]
    assert forge.token not in ended.output + edited["body"]


@pytest.mark.long
def test_a_push_to_a_site_at_each_forge_starts_a_job_each_and_both_forges_show_what_became_of_it(tmp_path):
    course = run(tmp_path, 2, runners=2)
    assert course.wrong() == [], [job.output for job in course.wrong()]
    assert {one.forge for one in course.shown} == {"github", "gitlab"}
    assert len({job.release for job in course.jobs}) == len(course.jobs) == 2
    assert "Traceback" not in (tmp_path / "coordinators.log").read_text()
