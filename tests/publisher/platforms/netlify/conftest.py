from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms.netlify import NetlifyPlatform
from publisher.platforms.netlify.api import NetlifyApi
from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.verification import PublicOrigin, Thoroughness, verify
from sandbox.platforms import netlify
from tests.worlds import Running, running
from website import DigestCache, Site


@dataclass
class Account:
    """A Netlify account in the sandbox, with one site."""

    sandbox: Running
    http: aiohttp.ClientSession
    site_id: str
    hostname: str
    digests: DigestCache

    @property
    def api(self) -> NetlifyApi:
        return NetlifyApi(self.http)

    def platform(self, **target: str) -> NetlifyPlatform:
        return NetlifyPlatform({"site_id": self.site_id, **target}, self.http, self.digests)

    async def releases(self) -> list[str]:
        return [deploy["title"] for deploy in await self.api.deploys(self.site_id)]

    async def release(self, site: Site, **target: str):
        platform = self.platform(**target)
        sent = await upload(platform, site, Silence(), Journal())
        await publish(platform, site.release_id, sent.staged, Silence(), Journal())
        return sent

    async def verify(self, site: Site) -> int:
        origin = PublicOrigin("netlify", f"https://{self.hostname}", self.hostname)
        return await verify(self.http, origin, site, (), Silence(), Journal(), Thoroughness(deadline=5, pause=0.05))


@pytest.fixture
async def account(tmp_path, monkeypatch) -> AsyncIterator[Account]:
    async with running(tmp_path / "world", [netlify.twin]) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            site = await NetlifyApi(http).create_site("", {"name": "robot-site"})
            yield Account(sandbox, http, site["id"], site["default_domain"], DigestCache(tmp_path / "cache"))
