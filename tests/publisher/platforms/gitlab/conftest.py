from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from publisher import retries
from publisher.journal import Journal
from publisher.platforms.gitlab import GitlabPlatform
from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.verification import PublicOrigin, Thoroughness, verify
from sandbox.platforms import gitlab
from tests.worlds import Running, running
from website import DigestCache, Site


class PagesOrigin(PublicOrigin):
    """GitLab gives types by its own table; the tests of its twin say which."""

    def promises(self, header: str) -> bool:
        return False


@dataclass
class Wire:
    """Stands between every client and GitLab: counts requests, and spoils one of them."""

    requests: list[str] = field(default_factory=list)
    spoil: Callable[[int, web.Request, web.Response], Awaitable[web.StreamResponse]] | None = None
    """Given the number of the request (from 0), the request, and what the server answered when it had done it."""
    refuse: Callable[[int, web.Request], web.Response | None] = lambda number, request: None
    """An answer in place of the server's, which does not get to see the request."""

    @web.middleware
    async def middleware(self, request, handler):
        number = len(self.requests)
        self.requests.append(f"{request.method} {request.path_qs}")
        refused = self.refuse(number, request)
        if refused is not None:
            return refused
        response = await handler(request)
        return await self.spoil(number, request, response) if self.spoil else response

    def heal(self) -> None:
        self.spoil, self.refuse = None, lambda number, request: None
        self.requests.clear()


@dataclass
class Account:
    """A GitLab account in the sandbox, with one project."""

    sandbox: Running
    http: aiohttp.ClientSession
    project: str
    url: str
    digests: DigestCache
    wire: Wire
    target: dict[str, str] = field(default_factory=dict)

    @property
    def hostname(self) -> str:
        return self.url.removeprefix("https://")

    def platform(self) -> GitlabPlatform:
        return GitlabPlatform({"project_id": self.project, **self.target}, self.http, self.digests)

    async def release(self, site: Site):
        platform = self.platform()
        try:
            sent = await upload(platform, site, Silence(), Journal())
            await publish(platform, site.release_id, sent.staged, Silence(), Journal())
            return sent
        finally:
            await platform.close()

    async def upload(self, site: Site):
        platform = self.platform()
        try:
            return await upload(platform, site, Silence(), Journal())
        finally:
            await platform.close()

    async def verify(self, site: Site) -> int:
        origin = PagesOrigin("gitlab", self.url, self.hostname)
        return await verify(self.http, origin, site, (), Silence(), Journal(), Thoroughness(deadline=3, passes=1))

    async def api(self, path: str, method: str = "GET", **query: str):
        base = self.sandbox.environment["GITLAB_BASE_URL"]
        headers = {"PRIVATE-TOKEN": self.sandbox.environment["GITLAB_TOKEN"]}
        address = f"{base}projects/{self.project}{path}"
        async with self.http.request(method, address, params=query, headers=headers) as answer:
            return await answer.json() if answer.status != 204 else None

    async def publications(self) -> list[str]:
        """Titles of the commits on the default branch, newest first, without GitLab's own first one."""
        commits = await self.api("/repository/commits", per_page="100")
        return [commit["title"].removeprefix("Release ") for commit in commits[:-1]]

    async def settled(self) -> None:
        """Wait until no pipeline is under way."""
        ended = {"success", "failed"}
        while not ended.issuperset(found["status"] for found in await self.pipelines()):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)

    async def pipelines(self) -> list[dict]:
        """Pipelines that ran, newest first."""
        return [found for found in await self.api("/pipelines", per_page="100") if found["status"] != "skipped"]


@pytest.fixture
async def account(tmp_path, monkeypatch) -> AsyncIterator[Account]:
    wire = Wire()

    def twin(world):
        made = gitlab.twin(world)
        made.control[0].app.middlewares.insert(0, wire.middleware)
        return made

    monkeypatch.setattr(GitlabPlatform, "_pause", 0.02)
    async with running(tmp_path / "world", [twin], speed=600.0) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        token = "gitlab:index/project:Project"
        project, _ = await sandbox.declare(
            token, name="robot-site", pagesAccessLevel="public", initializeWithReadme=True, defaultBranch="main"
        )
        _, pages = await sandbox.declare("gitlab:index/projectPagesSettings:ProjectPagesSettings", project=project)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            yield Account(sandbox, http, project, pages["url"], DigestCache(tmp_path / "cache"), wire)


@pytest.fixture
def quick(monkeypatch):
    """Retries without waiting."""
    delay = retries.backoff

    def at_once(policy, budget):
        decide = delay(policy, budget)

        def after(error):
            found = decide(error)
            return found if found is False else 0.001

        return after

    monkeypatch.setattr(retries, "backoff", at_once)
    monkeypatch.setattr("publisher.platforms.gitlab.repository.backoff", at_once)
    return asyncio
