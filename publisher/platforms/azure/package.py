"""The package of a release: a zip that is the same, byte for byte, for the same files, rules and version of zlib.

Written to an unnamed file on disk as the files come, so memory does not grow with the site. Deflate is left out for
types that are compressed already.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from publisher.platforms.azure.media_types import MediaTypes
from publisher.platforms.azure.routes import NAME
from website import File, open_verified

_CHUNK = 1024 * 1024
#: Zip has no time before this one.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_DEFLATED = ("text/", "application/json", "application/xml", "application/manifest+json", "application/wasm")
_DEFLATED_ENDINGS = ("+xml", "+json")


@dataclass(frozen=True)
class Sealed:
    """A package that is complete."""

    content: IO[bytes]
    size: int
    """Bytes."""
    sha256: str
    """Hex digest."""
    md5: str
    """Base64, as Content-MD5 has it: https://www.rfc-editor.org/rfc/rfc1864."""

    def pieces(self, start: int, size: int) -> Iterator[bytes]:
        """``size`` bytes from ``start`` on, in pieces."""
        self.content.seek(start)
        while size > 0 and (piece := self.content.read(min(_CHUNK, size))):
            size -= len(piece)
            yield piece


class Package:
    """A package that is being written; files come one after the other."""

    def __init__(self, types: MediaTypes) -> None:
        self._types = types
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="azure-release-")  # noqa: SIM115 - lives as long as self
        self._zip = zipfile.ZipFile(self._file, "w")

    def add(self, file: File) -> None:
        """Add a file of the site; raises ChangedWhileReading if it is no longer that of the manifest."""
        deflated = file.media_type.startswith(_DEFLATED) or file.media_type.endswith(_DEFLATED_ENDINGS)
        with self._zip.open(_entry(self._types.stored(file.path), deflated=deflated), "w") as target:
            for piece in open_verified(file, _CHUNK):
                target.write(piece)

    def sealed(self, configuration: bytes) -> Sealed:
        """Add the configuration, close the zip, and hash it."""
        self._zip.writestr(_entry(NAME, deflated=True), configuration)
        self._zip.close()
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        size = self._file.seek(0, 2)
        sealed = Sealed(self._file, size, "", "")
        for piece in sealed.pieces(0, size):
            sha256.update(piece)
            md5.update(piece)
        return Sealed(self._file, size, sha256.hexdigest(), b64encode(md5.digest()).decode())

    def close(self) -> None:
        """Remove the file from disk."""
        self._file.close()


def _entry(name: str, *, deflated: bool) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry
