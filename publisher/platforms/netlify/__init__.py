"""Netlify: a draft deploy by digests, then one call that publishes it.

Drafts cost nothing, a production deploy 15 credits
(https://docs.netlify.com/manage/accounts-and-billing/billing/billing-for-credit-based-plans/how-credits-work/), so a
release gets one deploy only: its title is the release id, and a run looks for it first.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp

from publisher.bodies import body_of
from publisher.errors import LimitExceeded, PlatformRefused, PlatformUnavailable, StagedDiffers
from publisher.platforms.base import Kept, Plan, Platform, PlatformDeployment, Quota, Traits, phase_of
from publisher.platforms.netlify.api import NetlifyApi
from publisher.platforms.netlify.rule_files import headers_file, redirects_file
from publisher.platforms.netlify.site import NetlifySiteHandler
from publisher.retries import make_once
from publisher.verification import PublicOrigin, sample_differences
from website import RELEASE_ID, DigestCache, File, Site

#: https://docs.netlify.com/site-deploys/overview/ (file limits)
MAX_FILES_A_FOLDER = 54_000
#: Above this many files the official client asks Netlify to compare in the background.
_LATER_FROM = 100
_READY_SECONDS = 1200.0
#: https://answers.netlify.com/t/what-are-the-rate-limits-on-the-netlify-api/ (deploys a day, by staff)
_A_DAY = Quota("deploys", 1, 100)
#: https://open-api.netlify.com/#tag/deploy (state)
_UNDER_WAY = frozenset(
    {
        *("new", "pending_review", "accepted", "enqueued", "building", "preparing", "prepared", "uploading"),
        *("uploaded", "processing", "processed", "retrying"),
    }
)
_COMPARED = frozenset({"prepared", "uploading", "uploaded", "processing", "processed", "ready"})


class NetlifyPlatform(Platform):
    """Target: site_id."""

    name = "netlify"
    traits: ClassVar[Traits] = Traits(
        concurrency=5,
        stages=True,
        rolls_back="pointer",
        custom_headers=True,
        plans={
            "free": Plan(quotas=(_A_DAY, Quota("credits", 30, 300, each=15))),
            "personal": Plan(quotas=(_A_DAY, Quota("credits", 30, 1000, each=15))),
            "pro": Plan(quotas=(_A_DAY,)),
            "legacy": Plan(quotas=(_A_DAY,)),
        },
        notes=(
            "A production deploy costs 15 credits; the free plan has 300 a month and pauses all sites without any.",
            "Deploys through the API: 3 a minute, 100 a day; requests: 500 a minute.",
            "54,000 files in one folder at the most.",
            "A security header that differs by path is sent together with the one for the whole site; browsers enforce "
            "both.",
        ),
    )

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        super().__init__(target, http, digests)
        self._site_id = target["site_id"]
        self._api = NetlifyApi(http)
        self._deploy: dict[str, Any] | None = None

    @classmethod
    def check_site(cls, site: Site, target: Mapping[str, str] = MappingProxyType({})) -> None:
        """Folders must not be too full, and the rules must have a form in Netlify's files."""
        super().check_site(site, target)
        _check_folders(site)
        headers_file(site)

    async def find_staged(self, site: Site) -> str | None:
        """The release's deploy, if it is complete."""
        self._deploy = await self._titled(site.release_id)
        if self._deploy is not None and self._deploy["state"] == "ready":
            return str(self._deploy["id"])
        return None

    async def missing(self, site: Site) -> list[File]:
        """Make the draft deploy, or go on with the one an earlier run has begun; Netlify says what it lacks."""
        files = await self._manifest(site)
        if self._deploy is None:
            digests = {f"/{path}": sha1 for path, (_, sha1) in files.items()}
            self._deploy = await make_once(
                lambda: self._api.create_deploy(
                    self._site_id, site.release_id, digests, later=len(digests) > _LATER_FROM
                ),
                lambda: self._titled(site.release_id),
            )
        deploy = await self._until(_COMPARED, "compare the files")
        by_digest = {sha1: file for file, sha1 in files.values()}
        unknown = [sha1 for sha1 in deploy.get("required") or [] if sha1 not in by_digest]
        if unknown:
            raise PlatformRefused(f"netlify: the deploy asks for {unknown[0]}, which the release has not. Run again.")
        return [by_digest[sha1] for sha1 in deploy.get("required") or []]

    async def send(self, file: File) -> None:
        """Upload one file's bytes."""
        await self._api.upload(self._id(), file.path, body_of(file))

    async def stage(self, site: Site) -> str:
        """Wait until Netlify has processed the deploy; nobody is led to a draft."""
        await self._until(frozenset({"ready"}), "process the deploy")
        return self._id()

    async def check_staged(self, site: Site, staged: str) -> None:
        """Ask the deploy's own address for the record, the home page, the 404 page and a sample."""
        deploy = await self._api.deploy(self._site_id, staged)
        url = str(deploy["deploy_ssl_url"]).rstrip("/")
        origin = PublicOrigin(self.name, url, urlsplit(url).hostname or "")
        wrong = await sample_differences(self.http, origin, site)
        if wrong:
            raise StagedDiffers(f"netlify: the draft deploy {staged} is not the release; nothing was published.", wrong)

    async def deployments(self, since: datetime) -> list[datetime]:
        """Deploys that were published since then; a draft that was never published took no credits."""
        deploys = await self._api.deploys(self._site_id, since)
        published = [deploy.get("published_at") for deploy in deploys]
        return [datetime.fromisoformat(moment) for moment in published if moment]

    async def kept(self) -> list[Kept]:
        """Complete deploys whose title is a release id; each release once."""
        found: dict[str, Kept] = {}
        for deploy in await self._api.deploys(self._site_id):
            title = deploy.get("title") or ""
            if deploy["state"] == "ready" and RELEASE_ID.fullmatch(title):
                made = datetime.fromisoformat(deploy.get("published_at") or deploy["created_at"])
                found.setdefault(title, Kept(title, str(deploy["id"]), made))
        return list(found.values())

    async def newest(self) -> PlatformDeployment | None:
        """The newest deploy, be it published or a draft."""
        found = await self._api.newest(self._site_id)
        if found is None:
            return None
        state, title = str(found["state"]), str(found.get("title") or "")
        phase = phase_of(state, ready={"ready"}, running=_UNDER_WAY, failed={"error", "rejected"})
        made = datetime.fromisoformat(found["created_at"])
        return PlatformDeployment(str(found["id"]), state, phase, made, title if RELEASE_ID.fullmatch(title) else "")

    async def publish(self, release: str, staged: str) -> None:
        """Publish the deploy, and make sure that it is the one visitors get: a locked site takes it silently."""
        await self._api.restore(self._site_id, staged)
        deadline = time.monotonic() + 60.0
        while True:
            published = ((await self._api.site(self._site_id)) or {}).get("published_deploy") or {}
            if published.get("id") == staged:
                return
            if published.get("locked"):
                raise PlatformRefused(
                    f"netlify: the site is locked to deploy {published.get('id')}, so release {release} was "
                    "not published. Start auto publishing again at Netlify (or unlock the deploy), then run again."
                )
            if time.monotonic() > deadline:
                raise PlatformUnavailable("netlify: the site did not take the deploy within 60 s. Run again later.")
            await asyncio.sleep(1.0)

    async def live(self) -> str | None:
        """Title of the published deploy."""
        site = await self._api.site(self._site_id)
        title = ((site or {}).get("published_deploy") or {}).get("title")
        return str(title) if title else None

    def _id(self) -> str:
        if self._deploy is None:
            raise PlatformRefused("netlify: there is no deploy yet. Run again.")
        return str(self._deploy["id"])

    async def _titled(self, release: str) -> dict[str, Any] | None:
        for deploy in await self._api.deploys(self._site_id):
            if deploy.get("title") == release and deploy["state"] not in {"error", "rejected"}:
                return deploy
        return None

    async def _until(self, states: frozenset[str], action: str) -> dict[str, Any]:
        deadline = time.monotonic() + _READY_SECONDS
        pause = 0.1
        while True:
            deploy = await self._api.deploy(self._site_id, self._id())
            if deploy["state"] in states:
                return deploy
            if deploy["state"] in {"error", "rejected"}:
                raise PlatformRefused(
                    f"netlify: the deploy failed ({deploy.get('error_message') or 'no reason given'})."
                )
            if time.monotonic() > deadline:
                raise PlatformUnavailable(f"netlify: did not {action} within {_READY_SECONDS:.0f} s. Run again later.")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 2.0)

    async def _manifest(self, site: Site) -> dict[str, tuple[File, str]]:
        """Path → (file, SHA-1), with Netlify's own rule files."""
        files = dict(site.files)
        for name, body in (("_redirects", redirects_file(site)), ("_headers", headers_file(site))):
            if body:
                digest = hashlib.sha256(body).hexdigest()
                files[name] = File(name, digest, len(body), "text/plain", "public, max-age=0, must-revalidate", body)
        digests = await asyncio.to_thread(self.digests.sha1_many, files.values())
        return {path: (file, digests[path]) for path, file in files.items()}


def _check_folders(site: Site) -> None:
    counts: dict[str, int] = {}
    for path in site.files:
        folder = path.rpartition("/")[0]
        counts[folder] = counts.get(folder, 0) + 1
    crowded, count = max(counts.items(), key=lambda item: item[1])
    if count > MAX_FILES_A_FOLDER:
        raise LimitExceeded(
            f"netlify: the folder /{crowded} has {count:,} files, the limit is {MAX_FILES_A_FOLDER:,}. Spread them "
            "over folders, or take netlify out of `hosts`. Nothing was sent."
        )


PLATFORM = NetlifyPlatform
RESOURCES = (NetlifySiteHandler,)
