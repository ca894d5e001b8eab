"""Azure Static Web Apps: a package in Blob Storage, and one call that has Azure fetch it and put it in place.

Azure takes a site as a whole, so every release is one zip. It is written to the storage account first, where visitors
cannot see it and where it stays: an earlier release comes back by deploying its package again.

Azure does not say which release it serves. The site's own record, asked by its public address, does. So a run that
does not know what came of a call waits until no deployment is under way, and asks the site before it deploys again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar

import aiohttp

from publisher.errors import PlatformRefused, PlatformUnavailable, PublisherError, StagedDiffers
from publisher.platforms.azure.blobs import Blob, Blobs
from publisher.platforms.azure.credentials import Credentials
from publisher.platforms.azure.package import Package, Sealed
from publisher.platforms.azure.refusals import refuse
from publisher.platforms.azure.resource_manager import ResourceManager
from publisher.platforms.azure.routes import Configuration, configuration
from publisher.platforms.base import Kept, Plan, Platform, PlatformDeployment, Traits, phase_of
from publisher.retries import Budget, RetryPolicy, call
from website import RELEASE_FILE, RELEASE_ID, DigestCache, File, Site

_FOLDER = "releases/"
#: 15,000 with the generated configuration: https://github.com/Azure/static-web-apps/issues/520
_MAX_FILES = 14_999
_MIB = 1024 * 1024
#: Seconds that Azure may ask to wait before a deployment is asked for again.
_LONGEST_WISH = 30.0
_ASKED = RetryPolicy(attempts=4, longest_delay=5.0)
_DEPLOYMENTS = 4
_PAUSE = 1.0
"""Seconds before the site is asked what came of a call whose answer was lost; doubled each time."""
_SERVED_SECONDS, _SERVED_PAUSE = 120.0, 0.5
"""How long Azure may take to serve what it says is in place, and how often it is asked."""


class AzurePlatform(Platform):
    """Target: site_id, url, account, blob_endpoint, container, plan."""

    name = "azure"
    traits: ClassVar[Traits] = Traits(
        concurrency=1,
        stages=False,
        rolls_back="artefact",
        custom_headers=True,
        incremental=False,
        any_splat=False,
        plans={
            "Free": Plan(max_files=_MAX_FILES, max_site_bytes=250 * _MIB),
            "Standard": Plan(max_files=_MAX_FILES, max_site_bytes=500 * _MIB),
        },
        notes=(
            "Every release is sent whole, as one zip: 250 MB on the Free plan, 500 MB on Standard "
            "(https://learn.microsoft.com/azure/static-web-apps/quotas), 15,000 files "
            "(https://github.com/Azure/static-web-apps/issues/520).",
            "Rules must fit into 20 KB of staticwebapp.config.json "
            "(https://learn.microsoft.com/azure/static-web-apps/configuration#restrictions): about 200 redirects, or "
            "400 folders with an index.html.",
            "A redirect or rewrite with :splat is written as one route for each page it can lead to. Where there is "
            "no such page, the answer is the 404 page at once, and not a redirect that ends there.",
            "Redirects have status 301 or 302 "
            "(https://github.com/SchemaStore/schemastore/blob/master/src/schemas/json/staticwebapp.config.json).",
            "Where single routes do not fit into the 20 KB, files share one by folder or extension, and an address "
            "below it that is not there gets the same Cache-Control; and /page/ leads to /page.",
            "Such a redirect is refused where another line answers for any address like its target.",
            "100 GB of traffic a month for all sites of a subscription on the Free plan "
            "(https://learn.microsoft.com/azure/static-web-apps/quotas).",
            "The packages lie in a storage account, which is paid for by what it holds, on the Free plan too.",
            "The identity that publishes needs two roles, before the first run for the whole subscription: Website "
            "Contributor, and Storage Blob Data Contributor, which Owner and Contributor do not include "
            "(https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory).",
        ),
    )

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        super().__init__(target, http, digests)
        self._credentials = Credentials(http)
        self._manager = ResourceManager(http, self._credentials, target["site_id"])
        self._blobs = Blobs(http, self._credentials, target["blob_endpoint"], target["account"], target["container"])
        self._url = target["url"].rstrip("/")
        self._configuration: Configuration | None = None
        self._package: Package | None = None
        self._sealed: Sealed | None = None

    @classmethod
    def check_site(cls, site: Site, target: Mapping[str, str] = MappingProxyType({})) -> None:
        """The rules must have a form in Azure's configuration, and all addresses must be Azure's to serve."""
        super().check_site(site, target)
        refuse(site)

    async def find_staged(self, site: Site) -> str | None:
        """The release's package, if it is there."""
        found = await self._blobs.find(_name(site.release_id))
        return found.name if found else None

    async def missing(self, site: Site) -> list[File]:
        """Everything: a package is sent whole."""
        self._configuration = await asyncio.to_thread(configuration, site)
        self._package = Package(self._configuration.types)
        return list(site.files.values())

    async def send(self, file: File) -> None:
        """Write one file into the package."""
        package, _ = self._begun()
        await asyncio.to_thread(package.add, file)

    async def stage(self, site: Site) -> str:
        """Seal the package and write it to the container, from where visitors never get it."""
        package, rules = self._begun()
        self._sealed = await asyncio.to_thread(package.sealed, rules.content)
        name = _name(site.release_id)
        metadata = {"content": site.content_digest, "sha256": self._sealed.sha256, "size": str(self._sealed.size)}
        await self._blobs.write(name, self._sealed, metadata)
        return name

    async def check_staged(self, site: Site, staged: str) -> None:
        """The package is there, is whole, and is that of this content."""
        found = await self._blobs.find(staged)
        wrong = _differences(found, site.content_digest, self._sealed) if found else [f"{staged}: it is not there"]
        if wrong:
            raise StagedDiffers(
                f"azure: the package {staged} is not the release; nothing was published. Run again; if it says "
                "the same, delete the blob first.",
                wrong,
            )

    async def publish(self, release: str, staged: str) -> None:
        """Deploy the package, unless that was done already; a call without an answer is looked into first."""
        pause = _PAUSE
        for attempt in range(_DEPLOYMENTS):
            await self._manager.settled()
            if await self.live() == release:
                return
            try:
                await self._deploy(release, staged)
            except PlatformUnavailable as error:
                wished = getattr(error.__cause__, "delay", None) or 0.0
                if attempt == _DEPLOYMENTS - 1 or wished > _LONGEST_WISH:
                    raise
                await asyncio.sleep(max(pause, wished))
                pause *= 2.0
            else:
                await self._served(release)
                return

    async def _served(self, release: str) -> None:
        """Wait until visitors get what is in place: https://github.com/Azure/static-web-apps/issues/942."""
        deadline = time.monotonic() + _SERVED_SECONDS
        while (found := await self.live()) != release:
            if time.monotonic() > deadline:
                raise PlatformUnavailable(
                    f"azure: release {release} is in place, and {self._url} still answers with {found or 'none'} after "
                    f"{_SERVED_SECONDS:.0f} s. Run again later to finish."
                )
            await asyncio.sleep(_SERVED_PAUSE)

    async def _deploy(self, release: str, staged: str) -> None:
        link = await self._blobs.link(staged)
        try:
            await self._manager.deploy(link, release)
        except PublisherError as error:
            if "sig=" not in str(error):
                raise
            raise type(error)(_without_links(str(error), link)) from None
        build = await self._manager.settled()
        if build.status != "Ready":
            raise PlatformRefused(
                f"azure: release {release} was deployed, and the site's state is {build.status}. Look at the site in "
                "the Azure portal, then run again."
            )

    async def live(self) -> str | None:
        """Release of the site's own record: Azure keeps none. None where the site does not answer with one."""
        with contextlib.suppress(PublisherError, ValueError):
            answer = await call(
                self.http,
                "GET",
                f"{self._url}/{RELEASE_FILE}",
                platform=self.name,
                action="reading the site's release record",
                policy=_ASKED,
                budget=Budget(20.0),
                expected=frozenset({200}),
                headers={"Cache-Control": "no-cache"},
                allow_redirects=False,
            )
            found = json.loads(answer.body)
            release = found.get("release") if isinstance(found, dict) else None
            return release if isinstance(release, str) and RELEASE_ID.fullmatch(release) else None
        return None

    async def kept(self) -> list[Kept]:
        """Packages in the container, newest first."""
        return [Kept(_release(blob.name), blob.name, blob.modified) for blob in await self._packages()]

    async def newest(self) -> PlatformDeployment | None:
        """State of the environment that visitors get. Azure numbers no deployments, and tells no release of them."""
        build = await self._manager.build()
        if build.status == "WaitingForDeployment":
            return None
        phase = phase_of(
            build.status, ready={"Ready"}, running={"Uploading", "Deploying"}, failed={"Failed", "Deleting", "Detached"}
        )
        return PlatformDeployment(build.number, build.status, phase, _moment(build.updated))

    async def prune(self, live: str) -> None:
        """Delete packages behind the ``keep`` newest, never that of the live release."""
        newest = await self._packages()
        others = [blob for blob in newest if _release(blob.name) != live]
        for blob in others[max(0, self.keep - 1) :]:
            await self._blobs.delete(blob.name)

    async def close(self) -> None:
        """Remove the package from this machine, and forget the credential."""
        if self._package is not None:
            self._package.close()
        await self._credentials.close()

    async def _packages(self) -> list[Blob]:
        found = [blob for blob in await self._blobs.list(_FOLDER) if RELEASE_ID.fullmatch(_release(blob.name))]
        return sorted(found, key=lambda blob: (blob.modified, blob.name), reverse=True)

    def _begun(self) -> tuple[Package, Configuration]:
        if self._package is None or self._configuration is None:
            raise PlatformRefused("azure: there is no package yet. Run again.")
        return self._package, self._configuration


def _name(release: str) -> str:
    return f"{_FOLDER}{release}.zip"


def _release(name: str) -> str:
    return name.removeprefix(_FOLDER).removesuffix(".zip")


def _moment(text: str) -> datetime | None:
    """Azure's times, which are UTC and mostly do not say so."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _differences(found: Blob, content: str, sealed: Sealed | None) -> list[str]:
    """What is wrong with a package; ``sealed`` is the one that this run has made, if it has."""
    wanted = {"content": content}
    if sealed is not None:
        wanted |= {"sha256": sealed.sha256, "size": str(sealed.size)}
    wrong = [
        f"{found.name}: {key} is {found.metadata.get(key, 'missing')}, expected {value}"
        for key, value in wanted.items()
        if found.metadata.get(key) != value
    ]
    if str(found.size) != found.metadata.get("size"):
        wrong.append(f"{found.name}: {found.size:,} bytes, it was written with {found.metadata.get('size', 'none')}")
    if sealed is not None and found.md5 != sealed.md5:
        wrong.append(f"{found.name}: MD5 {found.md5}, expected {sealed.md5}")
    return wrong


def _without_links(text: str, link: str) -> str:
    """An error's text without the link's signature, which lets whoever has it read the package."""
    signature = next((part for part in link.split("?", 1)[1].split("&") if part.startswith("sig=")), "sig=")
    return text.replace(link, link.split("?", 1)[0]).replace(signature, "sig=…")


PLATFORM = AzurePlatform
