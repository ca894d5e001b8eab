"""python-gitlab and plain Git against the sandbox's GitLab, unchanged."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms.gitlab import GitlabPlatform
from publisher.progress import Silence
from publisher.releasing import publish, upload
from sandbox.platforms import gitlab
from tests.real.command import run
from tests.real.installing import from_pypi
from tests.worlds import running
from website import DigestCache, load_site

VERSION = "8.6.0"
CI = "pages:\n  script: [echo nothing to build]\n  artifacts:\n    paths:\n      - public\n"


@pytest.fixture(scope="module")
def client():
    return from_pypi("python-gitlab", VERSION, "gitlab/__init__.py")


@pytest.fixture
async def world(tmp_path, monkeypatch):
    """A sandbox at sixty times the speed, for clients outside of it."""
    monkeypatch.setattr(GitlabPlatform, "_pause", 0.05)
    async with running(tmp_path / "world", [gitlab.twin]) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture
def python(client, world, tmp_path):
    """Runs a program that has ``g``, the client; what it puts into ``found`` comes back."""
    address = world.environment["GITLAB_BASE_URL"].removesuffix("/api/v4/")

    async def program(body: str, token: str = "", expect: int = 0):
        arguments = f"{address!r}, private_token={token or world.environment['GITLAB_TOKEN']!r}"
        lines = ["import base64, gitlab, json, time", f"g = gitlab.Gitlab({arguments})", "found = None"]
        text = "\n".join([*lines, body, "print('FOUND' + json.dumps(found))"])
        output = await run([sys.executable, "-c", text], {"PYTHONPATH": str(client)}, tmp_path, expect=expect)
        return json.loads(output.partition("FOUND")[2]) if expect == 0 else output

    return program


async def page(world, host: str, path: str = "/") -> tuple[int, str]:
    url = world.description["platforms"]["gitlab"]["url"]
    async with aiohttp.ClientSession() as http, http.get(url + path, headers={"Host": host}) as answer:
        return answer.status, await answer.text(errors="replace")


MAKE = """
p = g.projects.create({"name": "by-hand", "pages_access_level": "public", "initialize_with_readme": True})
"""
WAIT = """
ended = {"success", "failed", "skipped"}
while not ended.issuperset(one.status for one in p.pipelines.list(get_all=True)): time.sleep(0.05)
"""


async def test_a_commit_through_the_api_is_deployed_and_served(world, python):
    actions = [
        {"action": "create", "file_path": ".gitlab-ci.yml", "content": CI},
        {"action": "create", "file_path": "public/index.html", "content": "<p>by python-gitlab"},
        {
            "action": "create",
            "file_path": "public/ünï code.txt",
            "content": base64.b64encode(b"\xff\x00").decode(),
            "encoding": "base64",
        },
    ]
    body = f"""
g.auth()
{MAKE}
commit = p.commits.create({{"branch": "main", "commit_message": "first", "actions": {actions!r}}})
{WAIT}
pipeline = p.pipelines.list(sha=commit.id, get_all=True)[0]
pages = p.pages.get()
found = {{
    "user": g.user.username, "status": pipeline.status, "jobs": [job.name for job in pipeline.jobs.list()],
    "statuses": [one.name for one in commit.statuses.list(get_all=True)], "url": pages.url,
    "deployments": len(pages.deployments), "last": p.commits.get("main").last_pipeline["id"] == pipeline.id,
}}
"""
    found = await python(body)
    url = found.pop("url")
    assert found == {
        "user": "sandbox",
        "status": "success",
        "jobs": ["pages"],
        "statuses": ["pages", "pages:deploy"],
        "deployments": 1,
        "last": True,
    }
    host = url.removeprefix("https://")
    assert await page(world, host) == (200, "<p>by python-gitlab")
    assert (await page(world, host, "/%C3%BCn%C3%AF%20code.txt"))[0] == 200


async def test_what_a_delivery_writes_is_written_and_read_by_the_client(python):
    body = f"""
{MAKE}
tip = p.branches.get("main").commit["id"]
p.hooks.create({{"url": "https://deploy.example.org/hooks/gitlab", "push_events": True, "token": "planted"}})
p.variables.create({{"key": "A_TOKEN", "value": "planted-secret", "masked": True, "protected": True}})
trigger = p.triggers.create({{"description": "Content"}})
given = {{"environment": "production/aws", "sha": tip, "ref": "main", "tag": False, "status": "running"}}
d = p.deployments.create(given)
d.status = "success"
d.save()
p.commits.get(tip).statuses.create({{"state": "success", "name": "production"}})
p.branches.create({{"branch": "topic", "ref": "main"}})
mr = p.mergerequests.create({{"source_branch": "topic", "target_branch": "main", "title": "A page"}})
note = mr.notes.create({{"body": "first"}})
note.body = "second"
note.save()
found = [
    p.hooks.list()[0].url, p.variables.list()[0].masked, trigger.token[:6],
    [(one.environment["name"], one.status) for one in p.deployments.list(environment="production/aws")],
    [(one.name, one.status) for one in p.commits.get(tip).statuses.list()],
    [one.body for one in mr.notes.list()], [one.name for one in p.environments.list()],
]
"""
    assert await python(body) == [
        *("https://deploy.example.org/hooks/gitlab", True, "glptt-"),
        [["production/aws", "success"]],
        [["production", "success"]],
        *(["second"], ["production/aws"]),
    ]


async def test_what_is_refused_reaches_the_client_as_its_own_errors(python):
    body = f"""
{MAKE}
def refused(call):
    try: call()
    except gitlab.GitlabError as error: return [type(error).__name__, error.response_code]
action = {{"action": "update", "file_path": "none.txt", "content": ""}}
found = [
    refused(lambda: p.commits.create({{"branch": "main", "commit_message": "x", "actions": [action]}})),
    refused(lambda: p.branches.delete("main")),
    refused(lambda: p.pipelines.get(1)),
    refused(lambda: g.projects.create({{"name": "by-hand"}})),
    refused(lambda: p.pipelines.create({{"ref": "none"}})),
]
"""
    assert await python(body) == [
        ["GitlabCreateError", 400],
        ["GitlabDeleteError", 405],
        ["GitlabGetError", 404],
        ["GitlabCreateError", 400],
        ["GitlabCreateError", 400],
    ]
    output = await python("g.auth()", token="wrong", expect=1)
    assert "GitlabAuthenticationError" in output


async def test_settings_are_changed_and_lists_are_followed_over_pages(python):
    body = f"""
{MAKE}
p.pages.update(new_data={{"pages_unique_domain_enabled": False}})
for number in range(25): p.branches.create({{"branch": f"b{{number}}", "ref": "main"}})
p.pages_access_level = "private"
p.save()
found = [p.pages.get().url, len(p.branches.list(get_all=True)), g.projects.get("sandbox/by-hand").pages_access_level]
g.projects.delete(p.id)
found.append(len(g.projects.list(get_all=True)))
"""
    assert await python(body) == ["https://sandbox.gitlab.io/by-hand", 26, "private", 0]


async def test_a_push_by_hand_is_deployed_and_served(world, python, tmp_path):
    project = await python(f"{MAKE}\nfound = [p.id, p.http_url_to_repo, p.pages.get().url]")
    secret = base64.b64encode(f"oauth2:{world.environment['GITLAB_TOKEN']}".encode()).decode()
    git = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
        "GIT_TERMINAL_PROMPT": "0",
    }
    script = f"""
set -e
git clone --quiet {project[1]} work
cd work
mkdir public
echo '<p>by hand' > public/index.html
printf '{CI.replace(chr(10), chr(92) + "n")}' > .gitlab-ci.yml
git add .
git -c user.name=T -c user.email=t@example.org commit --quiet -m first
git push --quiet
"""
    await run(["sh", "-c", script], git, tmp_path)
    status = await python(f"p = g.projects.get({project[0]})\n{WAIT}\nfound = p.pipelines.list(get_all=True)[0].status")
    assert status == "success"
    assert await page(world, project[2].removeprefix("https://")) == (200, "<p>by hand\n")
    # With the token in a credential helper, as GitLab's manual has it: Git asks without it first.
    helper = {"GIT_ASKPASS": str(tmp_path / "ask"), "GIT_TERMINAL_PROMPT": "0"}
    await asyncio.to_thread(_write_answering, tmp_path / "ask", world.environment["GITLAB_TOKEN"])
    assert "refs/heads/main" in await run(["git", "ls-remote", project[1]], helper, tmp_path)


def _write_answering(path, answer) -> None:
    path.write_text(f"#!/bin/sh\necho {answer}\n")
    path.chmod(0o700)


async def test_what_the_publisher_deploys_the_client_lists_and_can_put_back(world, python, tmp_path):
    number, url = await python(f"{MAKE}\nfound = [p.id, p.pages.get().url]")
    sites = []
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
        for text in ("first", "second"):
            folder = tmp_path / text
            await asyncio.to_thread(_write_site, folder, text)
            site = await asyncio.to_thread(load_site, str(folder), cache=tmp_path / "cache")
            platform = GitlabPlatform({"project_id": str(number)}, http, DigestCache(tmp_path / "cache"))
            sites.append(site)
            sent = await upload(platform, site, Silence(), Journal())
            await publish(platform, site.release_id, sent.staged, Silence(), Journal())
            await platform.close()
        body = f"""
p = g.projects.get({number})
found = {{
    "titles": [one.title for one in p.commits.list(ref_name="main", get_all=True)][:-1],
    "branches": sorted(one.name for one in p.branches.list(search="^releases/", get_all=True)),
    "files": sorted(one["path"] for one in p.repository_tree(ref="main", recursive=True, get_all=True)),
}}
"""
        found = await python(body)
        assert found["titles"] == [f"Release {site.release_id}" for site in reversed(sites)]
        assert found["branches"] == sorted(f"releases/{site.release_id}" for site in sites)
        assert found["files"] == [".gitlab-ci.yml", "public/.well-known/release.json", "public/index.html"]
        assert await page(world, url.removeprefix("https://")) == (200, "<p>second")
        action = {"action": "update", "file_path": "public/index.html", "content": "<p>first"}
        commit = {"branch": "main", "commit_message": "put back by hand", "actions": [action]}
        await python(f"p = g.projects.get({number})\np.commits.create({commit!r})\n{WAIT}")
        assert await page(world, url.removeprefix("https://")) == (200, "<p>first")
        platform = GitlabPlatform({"project_id": str(number)}, http, DigestCache(tmp_path / "cache"))
        assert await platform.live() is None  # what is served is no release of ours
        assert len(await platform.kept()) == 2


def _write_site(folder, text) -> None:
    folder.mkdir()
    (folder / "index.html").write_text(f"<p>{text}")
