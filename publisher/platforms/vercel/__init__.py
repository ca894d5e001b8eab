"""Vercel: a prebuilt production deployment that no domain leads to, then the promotion.

A release gets one deployment, which carries the release id as metadata and is looked for first. The project does not
assign domains by itself, so a new deployment waits until it is promoted. One that was promoted before gets the domain
as an alias: the roll-back proper goes back one deployment only on the plan Hobby.
https://vercel.com/docs/deployments/promoting-a-deployment, https://vercel.com/docs/instant-rollback
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar

import aiohttp

from publisher.bodies import body_of
from publisher.errors import LimitExceeded, PlatformRefused, PlatformUnavailable, StagedDiffers
from publisher.platforms.base import Kept, Plan, Platform, PlatformDeployment, Quota, Traits, phase_of
from publisher.platforms.vercel.api import Document, VercelApi, moment
from publisher.platforms.vercel.domain import VercelDomainHandler
from publisher.platforms.vercel.routes import config
from publisher.retries import make_once
from publisher.verification import PublicOrigin, sample_differences
from website import RELEASE_ID, DigestCache, File, Site

_OUTPUT = ".vercel/output"
_CONFIG = f"{_OUTPUT}/config.json"
_STATIC = f"{_OUTPUT}/static/"
#: Of our own among the files: the configuration.
_OWN_FILES = 1
_MEGABYTE = 1024**2
#: https://vercel.com/docs/limits#rate-limits (api-upload-free)
UPLOADS_A_DAY = {"hobby": 5_000}
_READY_SECONDS = 1800.0
_PROMOTED_SECONDS = 180.0
_FAILED = frozenset({"ERROR", "CANCELED"})
_UNDER_WAY = frozenset({"QUEUED", "INITIALIZING", "BUILDING"})


def _plan(a_day: int, site_bytes: int) -> Plan:
    return Plan(max_files=15_000 - _OWN_FILES, max_site_bytes=site_bytes, quotas=(Quota("deployments", 1, a_day),))


class VercelPlatform(Platform):
    """Target: project_id, team_id (may be empty), domain."""

    name = "vercel"
    traits: ClassVar[Traits] = Traits(
        concurrency=32,
        stages=True,
        rolls_back="pointer",
        custom_headers=True,
        plans={"hobby": _plan(100, 100 * _MEGABYTE), "pro": _plan(6_000, 1024 * _MEGABYTE)},
        notes=(
            "The plan Hobby is for personal, non-commercial sites: https://vercel.com/docs/plans/hobby.",
            "Hobby: 100 deployments and 5,000 uploaded files a day, 100 MB a site; 100 GB and 1 million requests a "
            "month, then the site is paused until the next: https://vercel.com/docs/limits.",
            "2,048 routes a deployment: https://vercel.com/docs/limits#routes-created-per-deployment.",
            "Going back on Hobby reaches the deployment before only; older ones get the domain as an alias: "
            "https://vercel.com/docs/instant-rollback.",
            "A proxy before Vercel is not recommended by Vercel, whose firewall then sees the proxy's addresses only: "
            "https://vercel.com/docs/security/reverse-proxy.",
        ),
    )

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        super().__init__(target, http, digests)
        self._domain = target["domain"]
        self._api = VercelApi(http, target["project_id"], target.get("team_id", ""))
        self._deployment: Document | None = None
        self._sha1: dict[str, str] = {}

    @classmethod
    def check_site(cls, site: Site, target: Mapping[str, str] = MappingProxyType({})) -> None:
        """The rules must have a form in Vercel's routes."""
        super().check_site(site, target)
        config(site)

    async def find_staged(self, site: Site) -> str | None:
        """The release's deployment, if it is ready."""
        self._deployment = await self._of_release(site.release_id)
        if self._deployment is not None and self._deployment["readyState"] == "READY":
            return str(self._deployment["id"])
        return None

    async def missing(self, site: Site) -> list[File]:
        """Try to make the deployment; Vercel names what it lacks, and makes it where it lacks nothing."""
        if self._deployment is not None:
            return []
        self._deployment, lacking = await self._made(site)
        files = {sha1: file for file, sha1 in (await self._manifest(site)).values()}
        self._sha1 = {file.path: sha1 for sha1, file in files.items()}
        unknown = [sha1 for sha1 in lacking if sha1 not in files]
        if unknown:
            raise PlatformRefused(f"vercel: asks for {unknown[0]}, which the release has not. Run again.")
        self._check_uploads(lacking)
        return [files[sha1] for sha1 in lacking]

    async def send(self, file: File) -> None:
        """Upload one file's bytes."""
        sha1 = self._sha1[file.path]
        await self._api.upload(sha1, file.size, body_of(file), file.path)

    async def stage(self, site: Site) -> str:
        """Make the deployment, now that Vercel has all files, and wait until it is ready."""
        if self._deployment is None:
            self._deployment, lacking = await self._made(site)
            if self._deployment is None:
                raise PlatformUnavailable(
                    f"vercel: still lacks {len(lacking)} files after they were sent. Run again to send them anew."
                )
        return await self._ready(str(self._deployment["id"]))

    async def check_staged(self, site: Site, staged: str) -> None:
        """Ask the deployment's own address for the record, the home page, the 404 page and a sample."""
        hostname = str((await self._api.deployment(staged))["url"])
        wrong = await sample_differences(self.http, PublicOrigin(self.name, f"https://{hostname}", hostname), site)
        if wrong:
            raise StagedDiffers(f"vercel: the deployment {staged} is not the release; nothing was published.", wrong)

    async def publish(self, release: str, staged: str) -> None:
        """Promote the deployment, or give it the domain where it had it before; wait until the domain leads to it."""
        if await self._api.alias(self._domain) == staged:
            return
        promoted = (await self._api.deployment(staged)).get("readySubstate") == "PROMOTED"
        await (self._api.assign(staged, self._domain) if promoted else self._api.promote(staged))
        deadline = time.monotonic() + _PROMOTED_SECONDS
        pause = 0.1
        while await self._api.alias(self._domain) != staged:
            if time.monotonic() > deadline:
                raise PlatformUnavailable(
                    f"vercel: {self._domain} did not take release {release} within {_PROMOTED_SECONDS:.0f} s. Is "
                    "another promotion running at Vercel? Run again later."
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 2.0)

    async def live(self) -> str | None:
        """Release of the deployment that the domain leads to."""
        found = await self._api.alias(self._domain)
        return _release_of(await self._api.deployment(found)) if found else None

    async def kept(self) -> list[Kept]:
        """Ready deployments that carry a release id; each release once."""
        found: dict[str, Kept] = {}
        for deployment in await self._api.deployments():
            release = _release_of(deployment)
            if release and deployment["state"] == "READY" and deployment.get("target") == "production":
                found.setdefault(release, Kept(release, str(deployment["uid"]), moment(deployment["created"])))
        return list(found.values())

    async def newest(self) -> PlatformDeployment | None:
        """The newest production deployment: https://vercel.com/docs/rest-api/deployments/list-deployments."""
        found = await self._api.newest()
        if found is None:
            return None
        state = str(found["state"])
        phase = phase_of(state, ready={"READY"}, running=_UNDER_WAY, failed=_FAILED)
        return PlatformDeployment(str(found["uid"]), state, phase, moment(found["created"]), _release_of(found) or "")

    async def prune(self, live: str) -> None:
        """Delete our deployments behind the newest ones, but none that still counts for the plan's quota."""
        others = [kept for kept in await self.kept() if kept.release != live]
        start = self.counted_since(datetime.now(UTC))
        for kept in others[self.keep - 1 :]:
            if kept.made is not None and kept.made < start:
                await self._api.delete(kept.staged)

    async def deployments(self, since: datetime) -> Sequence[datetime]:
        """When deployments were made, whoever made them."""
        return [moment(found["created"]) for found in await self._api.deployments(since)]

    async def _of_release(self, release: str) -> Document | None:
        for found in await self._api.deployments():
            if _release_of(found) == release and found["state"] not in _FAILED and found.get("target") == "production":
                return await self._api.deployment(str(found["uid"]))
        return None

    async def _made(self, site: Site) -> tuple[Document | None, list[str]]:
        """The deployment, or what it lacks."""
        body = await self._body(site)
        return await make_once(lambda: self._api.create(body), lambda: self._found(site.release_id))

    async def _found(self, release: str) -> tuple[Document | None, list[str]] | None:
        found = await self._of_release(release)
        return None if found is None else (found, [])

    async def _body(self, site: Site) -> Document:
        project = await self._api.project()
        if project is None:
            raise PlatformRefused(
                "vercel: the project does not exist any more; run `pulumi refresh`, then `pulumi up`."
            )
        files = [
            {"file": place, "sha": sha1, "size": file.size}
            for place, (file, sha1) in (await self._manifest(site)).items()
        ]
        return {
            "name": project["name"],
            "project": project["id"],
            "target": "production",
            "meta": {"release": site.release_id},
            "files": files,
            "projectSettings": {"framework": None},
        }

    async def _ready(self, deployment: str) -> str:
        deadline = time.monotonic() + _READY_SECONDS
        pause = 0.1
        while True:
            found = await self._api.deployment(deployment)
            if found["readyState"] == "READY":
                return deployment
            if found["readyState"] in _FAILED:
                said = found.get("errorMessage") or "no reason given"
                raise PlatformRefused(f"vercel: the deployment ended as {found['readyState']} ({said}).")
            if time.monotonic() > deadline:
                raise PlatformUnavailable(
                    f"vercel: the deployment was not ready within {_READY_SECONDS / 60:.0f} minutes. Run again later."
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 5.0)

    def _check_uploads(self, lacking: Collection[str]) -> None:
        name, _ = self.plan(self.target.get("plan"))
        limit = UPLOADS_A_DAY.get(name)
        if limit is not None and len(lacking) > limit:
            raise LimitExceeded(
                f"vercel (plan {name}): {len(lacking):,} files are to be uploaded, the limit is {limit:,} a day. "
                "Publish them in parts on several days, set `hostSettings.vercel.plan` to what you have (pro), or take "
                "vercel out of `hosts`. Nothing was sent."
            )

    async def _manifest(self, site: Site) -> dict[str, tuple[File, str]]:
        """Place in the build output → (file, SHA-1), with the configuration."""
        text = config(site)
        own = File(_CONFIG, hashlib.sha256(text).hexdigest(), len(text), "application/json", "", text)
        files = {_CONFIG: own, **{f"{_STATIC}{path}": file for path, file in site.files.items()}}
        digests = await asyncio.to_thread(self.digests.sha1_many, files.values())
        return {place: (file, digests[file.path]) for place, file in files.items()}


def _release_of(deployment: Document) -> str | None:
    release = str((deployment.get("meta") or {}).get("release") or "")
    return release if RELEASE_ID.fullmatch(release) else None


PLATFORM = VercelPlatform
RESOURCES = (VercelDomainHandler,)
