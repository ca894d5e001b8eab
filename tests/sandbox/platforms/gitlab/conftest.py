from __future__ import annotations

import asyncio
import base64
import os
import subprocess

import aiohttp
import pytest

from sandbox.platforms import gitlab
from tests.worlds import running

PROJECT = "gitlab:index/project:Project"
PAGES = "gitlab:index/projectPagesSettings:ProjectPagesSettings"
CI = """\
deploy-pages:
  stage: deploy
  script: ["true"]
  pages: true
  artifacts:
    paths: [public]
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
"""


class Client:
    """Plain HTTP to the twin, and Git's own command as a user would run it."""

    def __init__(self, sandbox, http, folder):
        self.sandbox = sandbox
        self.http = http
        self.folder = folder
        self.base = sandbox.environment["GITLAB_BASE_URL"]
        self.token = sandbox.environment["GITLAB_TOKEN"]
        self.public = sandbox.description["platforms"]["gitlab"]["url"]

    async def call(self, method, path, token=None, **options):
        headers = {"PRIVATE-TOKEN": token or self.token}
        async with self.http.request(method, self.base + path, headers=headers, **options) as answer:
            body = await answer.json(content_type=None) if answer.content_type == "application/json" else None
            return answer.status, body, answer.headers

    async def project(self, **given):
        body = {"name": "robot", "pages_access_level": "public", "initialize_with_readme": True, **given}
        status, project, _ = await self.call("POST", "projects", json=body)
        assert status == 201, project
        self.host = (await self.pages(project["id"]))["url"].removeprefix("https://")
        return project

    async def pages(self, number):
        return (await self.call("GET", f"projects/{number}/pages"))[1]

    async def page(self, path, host=None, method="GET", **headers):
        options = {"headers": {"Host": host or self.host, **headers}, "allow_redirects": False}
        async with self.http.request(
            method, self.public + path, skip_auto_headers=["Accept-Encoding"], **options
        ) as answer:
            return answer.status, await answer.text(), answer.headers

    async def git(self, *arguments, token=None, expect=0):
        secret = base64.b64encode(f"oauth2:{token or self.token}".encode()).decode()
        config = {
            "http.extraHeader": f"Authorization: Basic {secret}",
            "user.name": "Tester",
            "user.email": "t@example.org",
        }
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_GLOBAL": "/dev/null"}
        environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(config)), "LC_ALL": "C"}
        for number, (key, value) in enumerate(config.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        command = ["git", *map(str, arguments)]
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        if expect is not None:
            assert done.returncode == expect, done.stderr
        return done.stdout + done.stderr

    async def clone(self, project):
        await self.git("clone", "--quiet", project["http_url_to_repo"], "work")
        return self.folder / "work"

    async def commit(self, files, message="a change"):
        work = self.folder / "work"
        for path, text in files.items():
            target = work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())
        await self.git("-C", work, "add", "--all")
        await self.git("-C", work, "commit", "--quiet", "-m", message)
        return (await self.git("-C", work, "rev-parse", "HEAD")).strip()

    async def ended(self, number):
        """Pipelines of a project, newest first, when none is under way."""
        for _ in range(1000):
            _, found, _ = await self.call("GET", f"projects/{number}/pipelines")
            if all(each["status"] in {"success", "failed", "skipped"} for each in found):
                return found
            await asyncio.sleep(0.005)
        raise AssertionError("a pipeline does not end")

    async def site(self, files, **given):
        """A project whose site these files are."""
        project = await self.project(**given)
        await self.clone(project)
        await self.commit({".gitlab-ci.yml": CI, **{f"public/{path}": text for path, text in files.items()}})
        await self.git("-C", "work", "push", "--quiet", "origin", "HEAD:main")
        (pipeline,) = await self.ended(project["id"])
        assert pipeline["status"] == "success", pipeline
        return project


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
async def client(tmp_path, home):
    async with running(tmp_path / "world", [gitlab.twin], speed=600.0) as sandbox, aiohttp.ClientSession() as http:
        yield Client(sandbox, http, home)
