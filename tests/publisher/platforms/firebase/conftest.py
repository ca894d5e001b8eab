from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms.firebase import FirebasePlatform
from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.verification import PublicOrigin, Thoroughness, verify
from sandbox.platforms import firebase
from sandbox.platforms.firebase.account import PROJECT
from sandbox.platforms.firebase.hosting import CHANNELS, RELEASES, VERSIONS
from tests.worlds import Running, running
from website import DigestCache, Site

SITE = "robot-site"
HOW = Thoroughness(deadline=5, pause=0.02)


@dataclass
class Account:
    """A Firebase project in the sandbox, with one site."""

    sandbox: Running
    http: aiohttp.ClientSession
    hostname: str
    digests: DigestCache
    site_id: str = SITE

    async def fresh(self, site_id: str) -> Account:
        """The same account with a new site, on which nothing was ever released."""
        _, site = await make_site_resource(self.sandbox, siteId=site_id)
        return replace(self, site_id=site_id, hostname=site["defaultUrl"].removeprefix("https://"))

    def platform(self, **target: str) -> FirebasePlatform:
        given = {"project": PROJECT, "site_id": self.site_id, "plan": "spark", **target}
        return FirebasePlatform(given, self.http, self.digests)

    async def release(self, site: Site, **target: str):
        platform = self.platform(**target)
        sent = await upload(platform, site, Silence(), Journal())
        await publish(platform, site.release_id, sent.staged, Silence(), Journal())
        return sent

    async def verify(self, site: Site, passes: int = 2) -> int:
        origin = PublicOrigin("firebase", f"https://{self.hostname}", self.hostname)
        return await verify(self.http, origin, site, (), Silence(), Journal(), replace(HOW, passes=passes))

    def versions(self, status: str | None = None) -> list[dict]:
        """What the twin has stored, the oldest first."""
        found = sorted(self.sandbox.world.store.all(VERSIONS).values(), key=lambda version: version["number"])
        return [one for one in found if one["site"] == self.site_id and status in {None, one["status"]}]

    def labels(self) -> list[str]:
        """Releases that have a complete version, once for each version."""
        found = [version["labels"].get("release") for version in self.versions("FINALIZED")]
        return [release for release in found if release]

    def live_releases(self) -> list[str]:
        """Version ids in the order in which visitors got them."""
        found = sorted(self.sandbox.world.store.all(RELEASES).values(), key=lambda release: release["number"])
        return [one["version"] for one in found if (one["site"], one["channel"]) == (self.site_id, "live")]

    def channel(self, name: str) -> dict | None:
        return self.sandbox.world.store.get(CHANNELS, f"{self.site_id}/{name}")


async def make_site_resource(sandbox: Running, **inputs: str):
    for service in ("firebase.googleapis.com", "firebasehosting.googleapis.com"):
        await sandbox.declare("gcp:projects/service:Service", project=PROJECT, service=service)
    return await sandbox.declare(
        "gcp:firebase/hostingSite:HostingSite", **{"project": PROJECT, "siteId": SITE, **inputs}
    )


@pytest.fixture
async def account(tmp_path, monkeypatch) -> AsyncIterator[Account]:
    async with running(tmp_path / "world", [firebase.twin]) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            yield await Account(sandbox, http, "", DigestCache(tmp_path / "cache")).fresh(SITE)
