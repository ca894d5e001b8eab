"""A release without its bytes: enough to tell whether an origin serves it.

It is what a stack remembers of a release, so that going back to it can be shown page by page and verified although its
content is not at hand. Digests are cut to 64 bits: they tell files apart, they do not defend against forgery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from website.file import File
from website.release import release_file
from website.rules import HeaderRule, Redirect, Rules
from website.site import Site

_DIGEST = 16
"""Hex digits of SHA-256 that are kept of each file."""
_KIND = 4
"""Hex digits that name a pair of media type and Cache-Control."""


@dataclass(frozen=True)
class Manifest:
    """One release, as plain values that JSON can hold."""

    release: str
    digest: str
    """The SHA-256 in hex that the release id is cut from."""
    size: int
    """Bytes of all files but the release record."""
    files: Mapping[str, str]
    """Path → ``DIGEST:KIND``; without the release record, which follows from the rest."""
    kinds: Mapping[str, tuple[str, str]]
    """KIND → (media type, Cache-Control) of every file that names it."""
    rules: Mapping[str, Any]
    """Redirects, headers, floor and 404 page."""

    @classmethod
    def of(cls, site: Site) -> Manifest:
        """What is remembered of a site."""
        content = [file for file in site.files.values() if isinstance(file.source, Path)]
        kinds = {_kind(file): (file.media_type, file.cache_control) for file in content}
        files = {file.path: f"{file.sha256[:_DIGEST]}:{_kind(file)}" for file in content}
        size = sum(file.size for file in content)
        return cls(site.release_id, site.content_digest, size, files, kinds, _rules_to_plain(site.rules))

    def site(self) -> Site:
        """A site that answers like the release; its files have no bytes and a cut digest."""
        files = {path: self._file(path, text) for path, text in self.files.items()}
        record = release_file(self.release, len(files), int(self.size))
        everything = dict(sorted({**files, record.path: record}.items()))
        return Site(Path(), None, everything, _rules_from_plain(self.rules), self.release, self.digest)

    def _file(self, path: str, text: str) -> File:
        digest, kind = text.split(":")
        media_type, cache_control = self.kinds[kind]
        return File(path, digest, 0, media_type, cache_control, b"")


def _kind(file: File) -> str:
    return hashlib.sha256(f"{file.media_type}\n{file.cache_control}".encode()).hexdigest()[:_KIND]


def _rules_to_plain(rules: Rules) -> dict[str, Any]:
    """Line numbers stay out: moving a rule that works the same is no change."""
    return {
        "redirects": [{key: value for key, value in asdict(rule).items() if key != "line"} for rule in rules.redirects],
        "headers": [{"pattern": rule.pattern, "headers": list(map(list, rule.headers))} for rule in rules.headers],
        "floor": list(map(list, rules.floor)),
        "notFound": rules.not_found,
    }


def _rules_from_plain(plain: Mapping[str, Any]) -> Rules:
    return Rules(
        tuple(Redirect(**{**found, "status": int(found["status"])}, line=0) for found in plain["redirects"]),
        tuple(HeaderRule(found["pattern"], _pairs(found["headers"]), 0) for found in plain["headers"]),
        _pairs(plain["floor"]),
        plain["notFound"],
    )


def _pairs(found: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in found)
