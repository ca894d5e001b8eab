from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from publisher.journal import Journal
from publisher.platforms import azure as publisher_azure
from publisher.platforms.azure import AzurePlatform, resource_manager
from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.verification import PublicOrigin, Thoroughness, verify
from sandbox.platforms import azure
from sandbox.platforms.azure.account import OPERATION
from sandbox.platforms.azure.serving import Serving
from tests.publisher.platforms.azure.meddling import Meddler
from tests.worlds import Running, running
from website import DigestCache, Site

GROUP, SITE = "azure-native:resources:ResourceGroup", "azure-native:web:StaticSite"
ACCOUNT, CONTAINER = "azure-native:storage:StorageAccount", "azure-native:storage:BlobContainer"


@dataclass
class Subscription:
    """An Azure subscription in the sandbox, with one static web app and one storage account."""

    sandbox: Running
    http: aiohttp.ClientSession
    target: dict[str, str]
    digests: DigestCache
    meddler: Meddler

    @property
    def hostname(self) -> str:
        return self.target["url"].removeprefix("https://")

    def platform(self, **changed: str) -> AzurePlatform:
        return AzurePlatform({**self.target, **changed}, self.http, self.digests)

    async def release(self, site: Site, platform: AzurePlatform | None = None):
        platform = platform or self.platform()
        try:
            sent = await upload(platform, site, Silence(), Journal())
            await publish(platform, site.release_id, sent.staged, Silence(), Journal())
        finally:
            await platform.close()
        return sent

    async def verify(self, site: Site) -> int:
        origin = PublicOrigin("azure", self.target["url"], self.hostname, any_splat=AzurePlatform.traits.any_splat)
        return await verify(self.http, origin, site, (), Silence(), Journal(), Thoroughness(deadline=3, pause=0.02))

    def deployed(self) -> list[str]:
        """Titles of all deployments that were ever begun, oldest first."""
        found = self.sandbox.world.store.all(OPERATION).values()
        return [operation["title"] for operation in sorted(found, key=lambda item: item["started"])]


async def declared(sandbox: Running) -> dict[str, str]:
    """The resources that the program declares; returns what their outputs tell the publisher."""
    _, group = await sandbox.declare(GROUP, location="westeurope")
    within = {"resourceGroupName": group["name"], "location": "westeurope"}
    sku = {"name": "Free", "tier": "Free"}
    identifier, site = await sandbox.declare(SITE, **within, sku=sku)
    account = (await sandbox.declare(ACCOUNT, **within, kind="StorageV2", sku={"name": "Standard_LRS"}))[1]
    names = {"resourceGroupName": group["name"], "accountName": account["name"]}
    container = (await sandbox.declare(CONTAINER, **names, containerName="packages"))[1]
    return {
        "site_id": identifier,
        "url": f"https://{site['defaultHostname']}",
        "account": account["name"],
        "blob_endpoint": account["primaryEndpoints"]["blob"],
        "container": container["name"],
        "plan": "Free",
    }


@pytest.fixture
async def account(tmp_path, monkeypatch) -> AsyncIterator[Subscription]:
    monkeypatch.setattr(publisher_azure, "_PAUSE", 0.01)
    monkeypatch.setattr(publisher_azure, "_SERVED_PAUSE", 0.01)
    monkeypatch.setattr(resource_manager, "_FIRST_PAUSE", 0.01)
    meddler = Meddler()
    services, public = azure._services, Serving.app
    monkeypatch.setattr(azure, "_services", lambda *parts: meddler.of(services(*parts)))
    monkeypatch.setattr(Serving, "app", lambda self: meddler.of(public(self)))
    async with running(tmp_path / "world", [azure.twin], speed=600.0) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        options = {"trust_env": True, "middlewares": (meddler.client,)}
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, **options) as http:
            target = await declared(sandbox)
            yield Subscription(sandbox, http, target, DigestCache(tmp_path / "cache"), meddler)
