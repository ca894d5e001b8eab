"""Bytes that a platform keeps once for all of its deployments, by their digest."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path


class Contents:
    """Files below ``folder``, each named after its digest; one is there whole or not at all, also after kill -9."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """File of a digest, be it there or not."""
        return self._folder / digest[:2] / digest

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).exists()

    def read(self, digest: str) -> bytes:
        """The bytes; FileNotFoundError where they are not there."""
        return self.path(digest).read_bytes()

    def put(self, digest: str, body: bytes) -> None:
        """Keep bytes whose digest was checked."""
        unfinished = self.unfinished()
        unfinished.write_bytes(body)
        self.adopt(digest, unfinished)

    def unfinished(self) -> Path:
        """A file for bytes whose digest is not known yet."""
        return self._folder / f".{secrets.token_hex(8)}"

    def adopt(self, digest: str, unfinished: Path) -> None:
        """Give a file of ``unfinished`` its name."""
        target = self.path(digest)
        target.parent.mkdir(exist_ok=True)
        unfinished.replace(target)

    def drop(self, gone: Iterable[str], needed: Iterable[Iterable[str]]) -> None:
        """Delete what a deployment that is gone named, unless one of those that stay needs it."""
        unneeded = set(gone)
        for digests in needed:
            unneeded.difference_update(digests)
        for digest in unneeded:
            self.path(digest).unlink(missing_ok=True)
