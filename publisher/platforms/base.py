"""The contract between the publisher and a hosting platform.

The base (``publisher.releasing``) owns the flow: order, parallelism, progress, the journal, errors. A platform
implements the small methods below and declares as data what it can and cannot do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import aiohttp

from publisher.errors import LimitExceeded
from website import DigestCache, File, Site


@dataclass(frozen=True)
class Traits:
    """What a platform can do and where it ends; shown in the docs, checked before the first byte is sent."""

    concurrency: int
    """Uploads in flight at once."""
    stages: bool
    """A release can be uploaded and checked before anyone sees it."""
    rolls_back: bool
    """An earlier release can be made live without sending files."""
    custom_headers: bool
    """``_headers`` rules can be expressed."""
    max_files: int | None = None
    """Files of one release; None where the platform states no limit."""
    max_file_bytes: int | None = None
    max_site_bytes: int | None = None
    notes: tuple[str, ...] = ()
    """Catches a user should know, each with its number and source."""


class Platform(ABC):
    """One hosting platform, told where to publish by ``target`` (outputs of its declared resources)."""

    name: ClassVar[str]
    traits: ClassVar[Traits]

    def __init__(self, target: Mapping[str, str], http: aiohttp.ClientSession, digests: DigestCache) -> None:
        self.target = target
        self.http = http
        self.digests = digests

    @classmethod
    def check_site(cls, site: Site) -> None:
        """Refuse a release that this platform cannot take; asked at preview and before the first byte is sent.

        Here: the declared limits, all broken ones at once (LimitExceeded). A platform adds its own rules.
        """
        largest = max(site.files.values(), key=lambda file: file.size)
        total = sum(file.size for file in site.files.values())
        broken = [
            f"{what} is {value:,}, the limit is {limit:,}"
            for what, value, limit in (
                ("number of files", len(site.files), cls.traits.max_files),
                (f"size of {largest.path} in bytes", largest.size, cls.traits.max_file_bytes),
                ("size of the site in bytes", total, cls.traits.max_site_bytes),
            )
            if limit is not None and value > limit
        ]
        if broken:
            raise LimitExceeded(
                f"{cls.name}: {'; '.join(broken)}. Make the site smaller, or take {cls.name} out of `hosts`. "
                "Nothing was sent."
            )

    @abstractmethod
    async def find_staged(self, site: Site) -> str | None:
        """Reference of what an earlier, killed run has fully staged for this release, or None."""

    @abstractmethod
    async def missing(self, site: Site) -> list[File]:
        """Files the platform lacks, one for each distinct content."""

    @abstractmethod
    async def send(self, file: File) -> None:
        """Upload one file; called ``traits.concurrency`` at once, in no promised order."""

    @abstractmethod
    async def stage(self, site: Site) -> str:
        """Complete the staged copy after all uploads; returns its reference. Visitors see nothing of it."""

    @abstractmethod
    async def check_staged(self, site: Site, staged: str) -> None:
        """Ask the staged copy; raises StagedDiffers when it is not the release."""

    @abstractmethod
    async def publish(self, site: Site, staged: str) -> None:
        """Move the pointer so that visitors get the release. Doing it twice changes nothing."""

    @abstractmethod
    async def live(self) -> str | None:
        """Release id that the control plane says is served, or None when nothing (known) is."""

    async def close(self) -> None:
        """Release what the platform's client holds; nothing by default."""
        return
