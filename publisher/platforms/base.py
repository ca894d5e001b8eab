"""The contract between the publisher and a hosting platform.

The base (``publisher.releasing``) owns the flow: order, parallelism, progress, the journal, errors. A platform
implements the small methods below and declares as data what it can and cannot do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from publisher.errors import LimitExceeded, PlatformRefused
from website import DigestCache, File, Site, folders, packed

if TYPE_CHECKING:
    import aiohttp

#: Header rules of a Cloudflare zone on the free plan: https://developers.cloudflare.com/rules/transform/#availability
EDGE_HEADER_RULES = 10
#: Single redirects of such a zone: https://developers.cloudflare.com/rules/url-forwarding/#availability
EDGE_REDIRECT_RULES = 10
#: Characters for paths in one rule; the whole expression has 4,096.
#: https://developers.cloudflare.com/ruleset-engine/rules-language/expressions/#maximum-rule-expression-length
EDGE_REDIRECT_ROOM = 3_700
#: Releases that are kept where a stack says nothing else.
KEEP = 5


@dataclass(frozen=True)
class Quota:
    """Something a plan hands out for a number of days, and what one deployment takes of it."""

    what: str
    """What is counted, in the plural: ``production deployments``, ``credits``."""
    days: int
    """Length of the sliding window in days of 24 hours."""
    limit: int
    each: int = 1
    """What one deployment takes."""


@dataclass(frozen=True)
class Plan:
    """Where one plan of the platform ends; None where the platform states no limit."""

    max_files: int | None = None
    """Files of one release."""
    max_file_bytes: int | None = None
    max_site_bytes: int | None = None
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True)
class Traits:
    """What a platform can do and where it ends; shown in the docs, checked before the first byte is sent."""

    concurrency: int
    """Uploads in flight at once, at the most; ``publisher.in_flight`` says how many it is at a time."""
    stages: bool
    """The staged copy can be asked like the site itself before anyone else sees it."""
    rolls_back: Literal["pointer", "artefact"]
    """How an earlier release is made live without files: a pointer moves, or the kept artefact is published anew."""
    custom_headers: bool
    """Security headers and ``_headers`` can be expressed; else the edge sets them, and the origin is not asked."""
    cache_control: bool = True
    """Cache-Control can be given file by file; else the platform sends its own, and it is not asked of the origin."""
    content_types: bool = True
    """Content-Type can be given file by file; else the platform goes by its own table, and it is not compared."""
    adds_slash: bool = True
    """A folder without its slash is led to the one with it as the site says; else the edge does it for all."""
    incremental: bool = True
    """Only files that the platform lacks are sent; else the whole release is, as soon as one has changed."""
    any_splat: bool = True
    """A redirect carries over whatever stands for ``*``; else only where it leads to a page, and the rest is 404."""
    plans: Mapping[str, Plan] = field(default_factory=lambda: {"": Plan()})
    """By the value of the host's setting ``plan``; the first is the default."""
    notes: tuple[str, ...] = ()
    """Catches a user should know, each with its number and source."""


@dataclass(frozen=True)
class Kept:
    """A release that the platform still has: it can be made live without its files."""

    release: str
    staged: str
    """What ``publish`` takes."""
    made: datetime | None = None
    """When it was staged or last published, as the platform says, in UTC."""


Phase = Literal["ready", "running", "failed", "unknown"]


@dataclass(frozen=True)
class PlatformDeployment:
    """The newest deployment, as the platform's own API tells of it."""

    number: str
    """The platform's own id."""
    state: str
    """In the platform's own words: ``READY``, ``ready``, ``FINALIZED``…"""
    phase: Phase
    """What that means; ``unknown`` for a word that the platform's reference does not have."""
    made: datetime | None = None
    """When it was begun, or changed last where the platform tells only that, in UTC."""
    release: str = ""
    """Release that it holds; empty where the platform does not tell."""


class Platform(ABC):
    """One hosting platform, told where to publish by ``target`` (outputs of its declared resources).

    ``target["plan"]`` names the plan where the platform has several. ``target["keep"]`` is the number of releases that
    can be gone back to, the live one included.
    """

    name: ClassVar[str]
    traits: ClassVar[Traits]

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        self.target = target
        self.http = http
        self.digests = digests
        self.keep = keep_of(target)

    @classmethod
    def plan(cls, name: str | None) -> tuple[str, Plan]:
        """The plan of this name, or the default one where none is named."""
        chosen = name or next(iter(cls.traits.plans))
        return chosen, cls.traits.plans[chosen]

    @classmethod
    def check_site(cls, site: Site, target: Mapping[str, str] = MappingProxyType({})) -> None:
        """Refuse a release that this platform cannot take; asked at preview and before the first byte is sent.

        ``target`` has what is known already at preview. Here: the limits of the plan, all broken ones at once
        (LimitExceeded). A platform adds its own rules.
        """
        cls._check_headers(site)
        cls._check_folders(site)
        name, limits = cls.plan(target.get("plan"))
        largest = max(site.files.values(), key=lambda file: file.size)
        total = sum(file.size for file in site.files.values())
        broken = [
            f"{what} is {value:,}, the limit is {limit:,}"
            for what, value, limit in (
                ("number of files", len(site.files), limits.max_files),
                (f"size of {largest.path} in bytes", largest.size, limits.max_file_bytes),
                ("size of the site in bytes", total, limits.max_site_bytes),
            )
            if limit is not None and value > limit
        ]
        if broken:
            raise LimitExceeded(
                f"{cls.name}{_on(name)}: {'; '.join(broken)}. Make the site smaller{_or_change(cls, name)}, or take "
                f"{cls.name} out of `hosts`. Nothing was sent."
            )

    @classmethod
    def _check_folders(cls, site: Site) -> None:
        """The edge has room for a number of redirect rules only; one is for the bare domain."""
        paths = [] if cls.traits.adds_slash else folders(site)
        if len(packed(paths, EDGE_REDIRECT_ROOM)) > EDGE_REDIRECT_RULES - 1:
            raise PlatformRefused(
                f"{cls.name} leads visitors of a folder without its slash astray, so the edge leads them, and the "
                f"names of {len(paths):,} folders have no room in its {EDGE_REDIRECT_RULES - 1} rules of "
                f"{EDGE_REDIRECT_ROOM:,} characters. Use fewer folders with an index page, or take {cls.name} out of "
                "`hosts`."
            )

    @classmethod
    def _check_headers(cls, site: Site) -> None:
        """The edge has room for a number of header rules only; one is for the whole site."""
        if cls.traits.custom_headers or len(site.rules.headers) < EDGE_HEADER_RULES:
            return
        first = site.rules.headers[EDGE_HEADER_RULES - 1]
        raise PlatformRefused(
            f"_headers:{first.line}: {cls.name} cannot send headers of the site, so the edge sets them, and there is "
            f"room for {EDGE_HEADER_RULES - 1} blocks; {first.pattern} is one too many. Join blocks, or take {cls.name}"
            " out of `hosts`."
        )

    async def check_quotas(self, now: datetime) -> None:
        """Refuse a deployment that the plan has no room for (LimitExceeded), by what the platform itself lists."""
        name, limits = self.plan(self.target.get("plan"))
        if not limits.quotas:
            return
        made = await self.deployments(self.counted_since(now))
        for quota in limits.quotas:
            start = now - timedelta(days=quota.days)
            used = quota.each * sum(1 for moment in made if moment > start)
            if used + quota.each > quota.limit:
                span = "one day" if quota.days == 1 else f"{quota.days} days"
                raise LimitExceeded(
                    f"{self.name}{_on(name)}: {used:,} of {quota.limit:,} {quota.what} are used within {span}, and "
                    f"this deployment takes {quota.each}. Wait{_or_change(type(self), name)}, or take {self.name} out "
                    "of `hosts` for now. Nothing was sent."
                )

    def counted_since(self, now: datetime) -> datetime:
        """Start of the longest time that a quota of the plan looks back."""
        _, limits = self.plan(self.target.get("plan"))
        return now - timedelta(days=max((quota.days for quota in limits.quotas), default=0))

    async def deployments(self, since: datetime) -> Sequence[datetime]:
        """When (UTC) deployments that count for the plan's quotas were made since then; none by default."""
        del since
        return ()

    @abstractmethod
    async def find_staged(self, site: Site) -> str | None:
        """Reference of what an earlier, killed run has fully staged for this release, or None."""

    @abstractmethod
    async def missing(self, site: Site) -> list[File]:
        """Files the platform lacks, one for each distinct content."""

    @abstractmethod
    async def send(self, file: File) -> None:
        """Upload one file; called up to ``traits.concurrency`` times at once, in no promised order."""

    @abstractmethod
    async def stage(self, site: Site) -> str:
        """Complete the staged copy after all uploads; returns its reference. Visitors see nothing of it."""

    @abstractmethod
    async def check_staged(self, site: Site, staged: str) -> None:
        """Ask the staged copy; raises StagedDiffers when it is not the release."""

    @abstractmethod
    async def publish(self, release: str, staged: str) -> None:
        """Move the pointer so that visitors get the release. Doing it twice changes nothing.

        ``staged`` comes from ``stage`` or ``find_staged`` of this or an earlier run, or from ``kept``.
        """

    @abstractmethod
    async def live(self) -> str | None:
        """Release id that the control plane says is served, or None when nothing (known) is."""

    @abstractmethod
    async def kept(self) -> Sequence[Kept]:
        """Releases that can be made live without their files, newest first, the live one included."""

    async def check_kept(self, site: Site, staged: str) -> None:
        """Look whether a release of ``kept`` is whole; raises StagedDiffers. ``site`` has no bytes.

        Nothing by default: most platforms keep a release as one piece, of which nobody can take a part away.
        """
        del site, staged

    async def newest(self) -> PlatformDeployment | None:
        """The newest deployment, whoever made it; None where there is none, or where the platform tells of none.

        Asked every few minutes by who watches, so: few calls, and no list but its first entry.
        """
        return None

    async def prune(self, live: str) -> None:
        """Take away what lies behind the ``keep`` newest releases, never the live one; nothing by default.

        Asked after each publish. An error here is only a warning: the next run tries again.
        """
        del live

    async def close(self) -> None:
        """Release what the platform's client holds; nothing by default."""
        return


def keep_of(target: Mapping[str, str]) -> int:
    """Number of releases to keep, the live one included."""
    return int(target.get("keep", KEEP))


def phase_of(state: str, *, ready: Collection[str], running: Collection[str], failed: Collection[str]) -> Phase:
    """What a platform's word for a deployment's state means."""
    phases: Mapping[Phase, Collection[str]] = {"ready": ready, "running": running, "failed": failed}
    return next((phase for phase, words in phases.items() if state in words), "unknown")


def _on(plan: str) -> str:
    return f" (plan {plan})" if plan else ""


def _or_change(kind: type[Platform], plan: str) -> str:
    """The other way out, where the platform has other plans."""
    others = [name for name in kind.traits.plans if name != plan]
    return f", set `hostSettings.{kind.name}.plan` to what you have ({', '.join(others)})" if others else ""
