"""A site as it is published: its files, its rules, and what must be answered to a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from website.file import File
from website.resolution import resolve
from website.rules import Rules


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform must answer to a GET."""

    status: int
    file: File | None
    """Whose bytes are the body; None for a redirect, and for a 404 of a site without a 404 page."""
    location: str | None
    """Value of Location, percent-encoded."""
    headers: Mapping[str, str]
    """With a file: the headers that must be there, Content-Type and Cache-Control included. Otherwise empty."""


@dataclass(frozen=True)
class Site:
    """One release, whole and checked."""

    folder: Path
    """Where the content lies on disk."""
    commit: str | None
    """Commit of a Git source in full hex; the release id does not depend on it."""
    files: Mapping[str, File]
    """By path, sorted; with ``.well-known/release.json``, without ``_redirects`` and ``_headers``."""
    rules: Rules
    release_id: str
    """``r`` and 16 hex digits; the same for the same content and rules, whatever the machine, folder or commit."""
    content_digest: str
    """The whole SHA-256, in hex, that the id is cut from."""

    def answer(self, url_path: str) -> Answer:
        """What a request for a decoded URL path (``/café``) must be answered with; a query is ignored."""
        path = url_path.partition("?")[0]
        found = resolve(path, self.files, self.rules)
        if found.path is None:
            return Answer(found.status, None, found.location, MappingProxyType({}))
        file = self.files[found.path]
        own = {"Content-Type": file.media_type, "Cache-Control": file.cache_control}
        return Answer(found.status, file, None, MappingProxyType({**self.rules.headers_for(path), **own}))
