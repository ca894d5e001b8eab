from __future__ import annotations

import asyncio
import base64
import os
import subprocess

import aiohttp
import pytest

from sandbox import github
from tests.sandbox.receiver import receiving
from tests.worlds import running


class Client:
    """Plain HTTP to the twin, and Git's own command as a user would run it."""

    def __init__(self, sandbox, http, folder):
        self.sandbox = sandbox
        self.http = http
        self.folder = folder
        self.base = sandbox.environment["GITHUB_BASE_URL"]
        self.token = sandbox.environment["GITHUB_TOKEN"]

    async def call(self, method, path, token=None, **options):
        headers = {"Authorization": f"Bearer {token or self.token}", **options.pop("headers", {})}
        async with self.http.request(method, self.base + path, headers=headers, **options) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def outside(self, method, path, runner="", **options):
        """What runners ask."""
        headers = {"Runner-Token": runner}
        root = self.base.removesuffix("/api/v3/")
        async with self.http.request(method, root + path, headers=headers, **options) as answer:
            return answer.status, await answer.json() if answer.content_type == "application/json" else None

    async def repository(self, name="website", **given):
        status, made = await self.call("POST", "user/repos", json={"name": name, "auto_init": True, **given})
        assert status == 201, made
        return made

    async def tip(self, name="website"):
        return (await self.call("GET", f"repos/sandbox/{name}/branches/main"))[1]["commit"]["sha"]

    async def git(self, *arguments, expect=0):
        secret = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        config = {"http.extraHeader": f"Authorization: Basic {secret}", "user.name": "x", "user.email": "x@example.org"}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GIT_CONFIG_GLOBAL": "/dev/null"}
        environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(config)), "LC_ALL": "C"}
        for number, (key, value) in enumerate(config.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        done = await asyncio.to_thread(
            subprocess.run,
            ["git", *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == expect, done.stderr
        return done.stdout + done.stderr

    async def clone(self, repository):
        await self.git("clone", "--quiet", repository["clone_url"], "work")

    async def commit(self, name, text):
        path = self.folder / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        await self.git("-C", "work", "add", "--all")
        await self.git("-C", "work", "commit", "--quiet", "-m", f"{name}: {text[:20]}")
        return (await self.git("-C", "work", "rev-parse", "HEAD")).strip()

    async def push(self, *what, expect=0):
        return await self.git("-C", "work", "push", "--quiet", "origin", *(what or ["HEAD:main"]), expect=expect)


@pytest.fixture
async def client(tmp_path):
    (tmp_path / "home").mkdir()
    async with running(tmp_path / "world", [github.twin]) as sandbox, aiohttp.ClientSession() as http:
        yield Client(sandbox, http, tmp_path / "home")


@pytest.fixture
async def receiver():
    async with receiving() as found:
        yield found
