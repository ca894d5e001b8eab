from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms.vercel import VercelPlatform
from publisher.platforms.vercel.api import VercelApi
from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.verification import PublicOrigin, Thoroughness, verify
from sandbox.platforms import vercel
from tests.worlds import Running, running
from website import DigestCache, Site


@dataclass
class Account:
    """A Vercel account in the sandbox, with one project."""

    sandbox: Running
    http: aiohttp.ClientSession
    project_id: str
    hostname: str
    digests: DigestCache

    @property
    def api(self) -> VercelApi:
        return VercelApi(self.http, self.project_id)

    def platform(self, **target: str) -> VercelPlatform:
        own = {"project_id": self.project_id, "domain": self.hostname}
        return VercelPlatform({**own, **target}, self.http, self.digests)

    async def release(self, site: Site, **target: str):
        platform = self.platform(**target)
        sent = await upload(platform, site, Silence(), Journal())
        await publish(platform, site.release_id, sent.staged, Silence(), Journal())
        return sent

    async def verify(self, site: Site) -> int:
        origin = PublicOrigin("vercel", f"https://{self.hostname}", self.hostname)
        return await verify(self.http, origin, site, (), Silence(), Journal(), Thoroughness(deadline=5, pause=0.05))

    def age_by(self, *, days: float) -> None:
        """Let all deployments have been made so much earlier."""
        store = self.sandbox.world.store
        for identifier, found in store.all("vercel:deployment").items():
            store.put("vercel:deployment", identifier, {**found, "created": found["created"] - days * 86_400_000})

    async def releases(self) -> list[str]:
        return [found["meta"]["release"] for found in await self.api.deployments()]


@pytest.fixture
async def account(tmp_path, monkeypatch) -> AsyncIterator[Account]:
    async with running(tmp_path / "world", [vercel.twin], speed=600.0) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        project, _ = await sandbox.declare(
            "vercel:index/project:Project",
            name="robot-site",
            autoAssignCustomDomains=False,
            vercelAuthentication={"deploymentType": "none"},
        )
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            domains = await VercelApi(http, project).domains()
            yield Account(sandbox, http, project, domains[0]["name"], DigestCache(tmp_path / "cache"))
