"""What the resources of one run share: the sites that were scanned, one HTTP client, digests, journal, progress."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.errors import PublisherError
from publisher.journal import Journal
from publisher.platforms import Platform, platform_class
from publisher.progress import EngineProgress, Log, Progress, Silence
from website import DigestCache, Site

if TYPE_CHECKING:
    import aiohttp


def cache_folder() -> Path:
    """Folder for what can be made again: ``$PEACEFULROBOT_CACHE``, else under the user's cache folder."""
    chosen = os.environ.get("PEACEFULROBOT_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "peacefulrobot-infra"


@dataclass(frozen=True)
class Scanned:
    """A site known by ``Website.check`` in this run, and which of its files the state did not have before."""

    site: Site
    changed: frozenset[str]
    kept: bool = False
    """The site comes from the state's memory, without its bytes: it can be gone back to, and verified."""


#: Set by who previews in order to judge the whole plan: what one platform refuses is then a warning, and hides nothing.
WHOLE_PLAN = "PUBLISHER_WHOLE_PLAN"


@dataclass
class Session:
    """Made once by the plugin; the HTTP client is opened at its first use, inside the plugin's event loop."""

    log: Log | None = None
    cache: Path = field(default_factory=cache_folder)
    journal: Journal = field(default_factory=Journal)
    whole_plan: bool = field(default_factory=lambda: bool(os.environ.get(WHOLE_PLAN)))
    _scanned: dict[str, Scanned] = field(default_factory=dict)
    _http: aiohttp.ClientSession | None = None
    _digests: DigestCache | None = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """HTTP client that honours the CA variables of the environment; ``proxy_for`` those of proxies."""
        if self._http is None:
            import aiohttp  # costs a tenth of a second, and a run without a change asks no platform

            trusted = ssl.create_default_context()
            connector = aiohttp.TCPConnector(ssl=trusted, limit=0, limit_per_host=128, keepalive_timeout=30)
            timeout = aiohttp.ClientTimeout(total=None, connect=15, sock_connect=15, sock_read=60)
            self._http = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._http

    @property
    def digests(self) -> DigestCache:
        """Digests other than SHA-256, by content."""
        if self._digests is None:
            self._digests = DigestCache(self.cache)
        return self._digests

    def platform(self, name: str, target: Mapping[str, str]) -> Platform:
        """Client of one platform; raises PublisherError for a name that is not registered."""
        try:
            kind = platform_class(name)
        except KeyError as error:
            raise PublisherError(str(error.args[0])) from error
        return kind(target, self.http, self.digests)

    def progress(self, urn: str) -> Progress:
        """Progress shown in the row of the resource ``urn``."""
        return EngineProgress(self.log, urn) if self.log else Silence()

    def remember(self, scanned: Scanned) -> None:
        """Keep a scanned site for the resources that come after ``Website``."""
        self._scanned[scanned.site.release_id] = scanned

    def read(self, release: str) -> Scanned | None:
        """The site of a release, or None if this run has not read it (with ``--target``)."""
        return self._scanned.get(release)

    def scanned(self, release: str) -> Scanned:
        """The site of a release; raises PublisherError if this run did not read it."""
        try:
            return self._scanned[release]
        except KeyError:
            raise PublisherError(
                f"the content of release {release} was not read in this run, so it cannot be published. "
                "Run a whole `pulumi up` without --target."
            ) from None

    async def close(self) -> None:
        """Close connections, and the digests' file."""
        if self._http is not None:
            await self._http.close()
        if self._digests is not None:
            self._digests.close()
