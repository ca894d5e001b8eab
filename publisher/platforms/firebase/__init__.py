"""Firebase Hosting: a version by gzip digests, then one release that shows it.

A release of the site is one version, found again by its label. Before it goes live, a preview channel shows it to
nobody but the publisher.
Protocol: https://firebase.google.com/docs/hosting/api-deploy.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp

from publisher.errors import LimitExceeded, PlatformRefused, PlatformUnavailable, StagedDiffers
from publisher.platforms.base import Kept, Phase, Plan, Platform, PlatformDeployment, Traits
from publisher.platforms.firebase.api import HostingApi, same_version, shown_version
from publisher.platforms.firebase.headers import header_rules
from publisher.platforms.firebase.routing import Routing, routing_of
from publisher.retries import make_once
from publisher.verification import PublicOrigin, sample_differences
from website import RELEASE_ID, DigestCache, File, Site, gzip_stream

#: https://firebase.google.com/docs/hosting/usage-quotas-pricing
_LARGEST_FILE = 2 * 1024**3
_SPARK_STORAGE = 10 * 1024**3
#: https://firebase.google.com/support/faq#hosting-exe-restrictions
_FORBIDDEN_ON_SPARK = frozenset({".exe", ".dll", ".bat", ".apk", ".ipa"})
#: Bytes of a configuration as JSON. Firebase states no limit; beyond this nobody is known to have tried.
_LARGEST_CONFIG = 1024 * 1024
#: Files of one populateFiles call: https://firebase.google.com/docs/hosting/api-deploy#specify-files
_BATCH = 1000
_BATCHES_AT_ONCE = 5
_LIVE = "live"
_STAGING = "staged"
_SWITCHED_OFF = "SITE_DISABLE"
#: https://firebase.google.com/docs/reference/hosting/rest/v1beta1/sites.versions#versionstatus
_PHASES: Mapping[str, Phase] = {
    "FINALIZED": "ready",
    "CREATED": "running",
    "CLONING": "running",
    "DELETED": "failed",
    "ABANDONED": "failed",
    "EXPIRED": "failed",
}
_STAGING_SECONDS = 7 * 24 * 3600
#: A new preview channel needs a moment until its name answers everywhere.
_STAGED_ASKED = 5
_STREAMED_FROM = 1024 * 1024
#: ``layout`` is raised when a version that an older publisher has made must not be taken for one of today.
_OURS = {"deployment-tool": "peacefulrobot-infra", "layout": "1"}


class FirebasePlatform(Platform):
    """Target: project, site_id, plan."""

    name = "firebase"
    traits: ClassVar[Traits] = Traits(
        concurrency=100,
        stages=True,
        rolls_back="pointer",
        custom_headers=True,
        plans={
            "spark": Plan(max_file_bytes=_LARGEST_FILE, max_site_bytes=_SPARK_STORAGE),
            "blaze": Plan(max_file_bytes=_LARGEST_FILE),
        },
        notes=(
            "Plan spark: 360 MB of traffic a day and 10 GB of storage for all sites of a project; beyond that the "
            "sites are off until the next day (https://firebase.google.com/docs/hosting/usage-quotas-pricing).",
            "Storage counts all kept versions, and a page twice, since it lies there with and without .html.",
            "A file of 2 GB at the most; plan spark takes no .exe, .dll, .bat, .apk and .ipa "
            "(https://firebase.google.com/support/faq#hosting-exe-restrictions).",
            "Several slashes in a row count as one before files are looked for; URLs below /__/ are Firebase's own.",
            "A version that is not complete after 12 hours is given up by Firebase; the next run makes a new one.",
        ),
    )

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        super().__init__(target, http, digests)
        self._api = HostingApi(http, target["project"], target["site_id"])
        self._version: str | None = None
        self._upload_url = ""
        self._packed: Mapping[str, str] = {}
        self._routing: tuple[str, Routing] | None = None

    @classmethod
    def check_site(cls, site: Site, target: Mapping[str, str] = MappingProxyType({})) -> None:
        """The plan must take the files, and every rule must have a form in Firebase's configuration."""
        super().check_site(site, target)
        routing = routing_of(site)
        mistakes = [*_forbidden(site, target), *routing.mistakes]
        if mistakes:
            raise PlatformRefused("\n".join(mistakes))
        size = len(json.dumps(_config(site, routing)))
        if size > _LARGEST_CONFIG:
            raise LimitExceeded(
                f"firebase: the configuration would have {size:,} bytes, the limit is {_LARGEST_CONFIG:,}. Use fewer "
                "rules or shorter paths, or take firebase out of `hosts`. Nothing was sent."
            )

    async def find_staged(self, site: Site) -> str | None:
        """The release's version if it is complete; one that is not yet is gone on with."""
        self._version = None
        for version in await self._versions():
            if not {**_OURS, "release": site.release_id}.items() <= version["labels"].items():
                continue
            if version["status"] == "FINALIZED":
                self._version = str(version["name"])
                return self._version
            if version["status"] == "CREATED":
                self._version = str(version["name"])
        return None

    async def missing(self, site: Site) -> list[File]:
        """Make the version unless there is one, tell it all paths, and take what Firebase lacks from its answers."""
        paths = self._routing_of(site).paths
        each = {file.path: file for file in paths.values()}
        self._packed = await asyncio.to_thread(self.digests.gzip_sha256_many, each.values())
        hashes = {key: self._packed[file.path] for key, file in paths.items()}
        if self._version is None:
            self._version = await make_once(lambda: self._made(site.release_id), lambda: self._begun(site.release_id))
        by_hash = {self._packed[path]: file for path, file in each.items()}
        required = await self._populated(self._version, hashes)
        unknown = [digest for digest in required if digest not in by_hash]
        if unknown:
            raise PlatformRefused(f"firebase: the version asks for {unknown[0]}, which the release has not. Run again.")
        return [by_hash[digest] for digest in required]

    async def send(self, file: File) -> None:
        """Upload one file's gzip form: exactly the bytes that were announced."""
        digest = self._packed[file.path]
        url = f"{self._upload_url}/{digest}"
        if file.size > _STREAMED_FROM:
            await self._api.upload(url, file.path, lambda: _stream(file))
            return
        body = await asyncio.to_thread(lambda: b"".join(gzip_stream(file)))
        if hashlib.sha256(body).hexdigest() != digest:
            raise PlatformRefused(
                f"firebase: {file.path} was packed into other bytes than before (another zlib?). Delete the cache "
                "folder of the publisher and run again. Nothing was published."
            )
        await self._api.upload(url, file.path, lambda: body)

    async def stage(self, site: Site) -> str:
        """Close the version with its configuration; no channel shows it yet."""
        if self._version is None:
            raise PlatformRefused("firebase: there is no version yet. Run again.")
        await self._api.finalize(self._version, _config(site, self._routing_of(site)))
        return self._version

    async def check_staged(self, site: Site, staged: str) -> None:
        """The version is complete, and the preview channel answers the record, the home page, the 404 and a sample."""
        version = await self._api.version(staged)
        count, expected = int(version.get("fileCount", 0)), len(self._routing_of(site).paths)
        if version.get("status") != "FINALIZED" or count != expected:
            state = f"{version.get('status')} with {count:,} paths, expected FINALIZED with {expected:,}"
            raise StagedDiffers("firebase: the version is not the release; nothing was published.", [state])
        url = await self._shown_to_us(staged, site.release_id)
        origin = PublicOrigin(self.name, url, urlsplit(url).hostname or "")
        wrong: list[str] = []
        for _ in range(_STAGED_ASKED):
            wrong = await sample_differences(self.http, origin, site)
            if not wrong:
                return
        raise StagedDiffers(f"firebase: the version {staged} is not the release; nothing was published.", wrong)

    async def publish(self, release: str, staged: str) -> None:
        """Release the version on the live channel, and make sure that it is the one visitors get."""
        await self._api.release(_LIVE, staged, release)
        deadline = time.monotonic() + 60.0
        while not same_version(shown_version(await self._api.channel(_LIVE)), staged):
            if time.monotonic() > deadline:
                raise PlatformUnavailable("firebase: the site did not take the version within 60 s. Run again later.")
            await asyncio.sleep(1.0)

    async def live(self) -> str | None:
        """Label of the version that the live channel shows."""
        channel = await self._api.channel(_LIVE)
        if not shown_version(channel):
            return None
        label = ((channel or {})["release"]["version"].get("labels") or {}).get("release")
        return str(label) if label else None

    async def kept(self) -> list[Kept]:
        """Complete versions whose label is a release id; each release once, the newest first."""
        found: dict[str, Kept] = {}
        for version in await self._versions():
            release = version["labels"].get("release", "")
            if version["status"] == "FINALIZED" and RELEASE_ID.fullmatch(release):
                found.setdefault(release, Kept(release, str(version["name"]), _moment(version, "finalizeTime")))
        return list(found.values())

    async def newest(self) -> PlatformDeployment | None:
        """What the live channel was given last: https://firebase.google.com/docs/reference/hosting/rest/v1beta1/sites.releases."""
        release = ((await self._api.channel(_LIVE)) or {}).get("release") or {}
        if not release:
            return None
        version, kind = release.get("version") or {}, str(release.get("type", ""))
        state = kind if kind == _SWITCHED_OFF else str(version.get("status", kind))
        phase: Phase = "failed" if kind == _SWITCHED_OFF else _PHASES.get(state, "unknown")
        label = str((version.get("labels") or {}).get("release", ""))
        made = datetime.fromisoformat(release["releaseTime"]) if release.get("releaseTime") else None
        return PlatformDeployment(str(release["name"]).rsplit("/", 1)[-1], state, phase, made, label)

    async def prune(self, live: str) -> None:
        """Delete complete versions of ours behind the kept ones; what a channel shows is never among them."""
        kept = await self.kept()
        stay = {live, *(found.release for found in kept[: self.keep])}
        shown = [shown_version(await self._api.channel(channel)) for channel in (_LIVE, _STAGING)]
        for found in kept:
            if found.release not in stay and not any(same_version(found.staged, one) for one in shown):
                await self._api.delete_version(found.staged)

    async def _versions(self) -> list[dict[str, Any]]:
        """Versions with labels, the newest first."""
        found = [{**version, "labels": version.get("labels") or {}} for version in await self._api.versions()]
        return sorted(found, key=lambda version: _moment(version, "createTime"), reverse=True)

    async def _made(self, release: str) -> str:
        return str((await self._api.create_version({**_OURS, "release": release}))["name"])

    async def _begun(self, release: str) -> str | None:
        for version in await self._versions():
            if version["status"] == "CREATED" and version["labels"].get("release") == release:
                return str(version["name"])
        return None

    async def _populated(self, version: str, hashes: Mapping[str, str]) -> list[str]:
        """Tell the version all its paths, 1,000 in a call; returns each hash once that Firebase lacks."""
        pairs = list(hashes.items())
        batches = [dict(pairs[start : start + _BATCH]) for start in range(0, len(pairs), _BATCH)]
        gate = asyncio.Semaphore(_BATCHES_AT_ONCE)
        required: dict[str, None] = {}

        async def populate(batch: dict[str, str]) -> None:
            async with gate:
                url, lacking = await self._api.populate(version, batch)
            self._upload_url = url or self._upload_url
            required.update(dict.fromkeys(lacking))

        await asyncio.gather(*map(populate, batches))
        return list(required)

    async def _shown_to_us(self, staged: str, release: str) -> str:
        """Address of the preview channel, which shows the version from now on."""
        channel = await self._api.keep_channel(_STAGING, _STAGING_SECONDS)
        await self._api.release(_STAGING, staged, release)
        return str(channel["url"]).rstrip("/")

    def _routing_of(self, site: Site) -> Routing:
        if self._routing is None or self._routing[0] != site.release_id:
            self._routing = (site.release_id, routing_of(site))
        return self._routing[1]


def _config(site: Site, routing: Routing) -> dict[str, Any]:
    """Firebase's ServingConfig; without ``cleanUrls`` and ``trailingSlashBehavior``, see ``routing``."""
    return {**routing.as_config(), "headers": header_rules(site, routing)}


def _forbidden(site: Site, target: Mapping[str, str]) -> list[str]:
    plan, _ = FirebasePlatform.plan(target.get("plan"))
    if plan != "spark":
        return []
    return [
        f"{path}: firebase (plan spark) cannot take it, because executable files are forbidden there. Take the file "
        "out, set `hostSettings.firebase.plan` to blaze if you have it, or take firebase out of `hosts`."
        for path in site.files
        if PurePosixPath(path).suffix.lower() in _FORBIDDEN_ON_SPARK
    ]


def _moment(version: Mapping[str, Any], name: str) -> datetime:
    text = version.get(name)
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)


async def _stream(file: File) -> AsyncIterator[bytes]:
    pieces = gzip_stream(file)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


PLATFORM = FirebasePlatform
