"""What the S3 twin stores: objects by bucket and key in SQLite, their bytes in files by digest."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from awscrt import checksums

#: Uploads up to this size stay in memory until they are complete. Bytes.
_IN_MEMORY = 1 << 20


@dataclass(frozen=True)
class StoredObject:
    """One object."""

    bucket: str
    key: str
    size: int
    etag: str
    """Quoted, as in the header."""
    modified: float
    """Unix time."""
    blob: str
    """Hex SHA-256 of the bytes."""
    headers: dict[str, str] = field(default_factory=dict)
    """Content-Type, Cache-Control, x-amz-meta-…, x-amz-checksum-…; lower-case names."""


class Digest(Protocol):
    """What hashlib's objects have."""

    def update(self, data: bytes, /) -> None:
        """Take bytes in."""

    def digest(self) -> bytes:
        """Value so far."""


class _Cyclic:
    """A cyclic redundancy check as a digest; big-endian, as the x-amz-checksum headers have it."""

    def __init__(self, function: Callable[[bytes, int], int], width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


#: Algorithms of the x-amz-checksum headers:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
CHECKSUMS: dict[str, Callable[[], Digest]] = {
    "sha256": hashlib.sha256,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "crc32": lambda: _Cyclic(zlib.crc32, 4),
    "crc32c": lambda: _Cyclic(checksums.crc32c, 4),
    "crc64nvme": lambda: _Cyclic(checksums.crc64nvme, 8),
}


class Upload:
    """Bytes on their way in: every digest is made while they come; large ones go to a file at once."""

    def __init__(self, folder: Path, checksum: str | None = None) -> None:
        self._folder = folder
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self._name = ""
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checksum = CHECKSUMS[checksum]() if checksum and checksum != "sha256" else self._sha256

    def write(self, chunk: bytes) -> None:
        """Add bytes."""
        self.size += len(chunk)
        self._sha256.update(chunk)
        self._md5.update(chunk)
        if self._checksum is not self._sha256:
            self._checksum.update(chunk)
        if self._file is None and self.size > _IN_MEMORY:
            self._spill()
        if self._file is None:
            self._pieces.append(chunk)
        else:
            self._file.write(chunk)

    @property
    def sha256(self) -> bytes:
        """Digest so far."""
        return self._sha256.digest()

    @property
    def md5(self) -> bytes:
        """Digest so far."""
        return self._md5.digest()

    @property
    def checksum(self) -> bytes:
        """Value of the checksum asked for."""
        return self._checksum.digest()

    def _spill(self) -> None:
        handle, self._name = tempfile.mkstemp(dir=self._folder, prefix=".incoming-")
        self._file = os.fdopen(handle, "wb")
        self._file.writelines(self._pieces)
        self._pieces = []

    def move_to(self, target: Path) -> None:
        """Give the complete file its name; a reader sees it whole or not at all."""
        if self._file is None:
            self._spill()
        if self._file is not None:
            self._file.close()
        Path(self._name).replace(target)

    def drop(self) -> None:
        """Forget the bytes."""
        if self._file is not None:
            self._file.close()
            Path(self._name).unlink(missing_ok=True)


class ObjectStore:
    """Buckets' contents; committed before the answer, bytes before the row that names them.

    Nothing is flushed for each object: a kill loses nothing that was answered for, a power cut may.
    """

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "objects"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(folder / "objects.sqlite", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS objects (bucket TEXT, key TEXT, size INTEGER, etag TEXT, modified REAL, "
            "blob TEXT, headers TEXT, PRIMARY KEY (bucket, key)) WITHOUT ROWID"
        )
        self._connection.execute("CREATE INDEX IF NOT EXISTS objects_by_blob ON objects (blob)")
        self.also_used: Callable[[], Iterable[str]] = list
        """Blobs that something else than a row needs, such as parts of uploads."""

    def incoming(self, checksum: str | None = None) -> Upload:
        """Begin to take bytes; ``checksum`` is one of ``CHECKSUMS``."""
        return Upload(self.blobs, checksum)

    def keep(self, upload: Upload) -> str:
        """Keep the bytes of an upload; returns their blob id. Equal bytes are stored once."""
        blob = upload.sha256.hex()
        target = self.blob_path(blob)
        if target.exists():
            upload.drop()
        else:
            target.parent.mkdir(exist_ok=True)
            upload.move_to(target)
        return blob

    def blob_path(self, blob: str) -> Path:
        """File of a blob."""
        return self.blobs / blob[:2] / blob

    def put(self, found: StoredObject) -> None:
        """Write an object's row, in the place of the one before."""
        row = (found.bucket, found.key, found.size, found.etag, found.modified, found.blob, json.dumps(found.headers))
        with self._lock:
            replaced = self.get(found.bucket, found.key)
            self._connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self.drop([replaced.blob] if replaced else [])

    def take(self, upload: Upload, described: StoredObject) -> None:
        """Keep the bytes of an upload as the object that is described, whatever its ``blob``."""
        with self._lock:
            self.put(replace(described, blob=self.keep(upload)))

    def get(self, bucket: str, key: str) -> StoredObject | None:
        """An object, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT * FROM objects WHERE bucket = ? AND key = ?", (bucket, key)
            ).fetchone()
        return _from_row(row) if row else None

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object."""
        with self._lock:
            gone = self.get(bucket, key)
            self._connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))
            self.drop([gone.blob] if gone else [])

    def drop(self, blobs: Iterable[str]) -> None:
        """Delete bytes whose row is gone, if nothing else needs them."""
        unnamed = set(blobs)
        with self._lock:
            for blob in unnamed.difference(self.also_used() if unnamed else ()):
                if self._connection.execute("SELECT 1 FROM objects WHERE blob = ? LIMIT 1", (blob,)).fetchone() is None:
                    self.blob_path(blob).unlink(missing_ok=True)

    def listed(self, bucket: str, start: str, stop: str | None, limit: int) -> list[StoredObject]:
        """Objects with ``start`` <= key < ``stop`` in UTF-8 order; None for no end."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT * FROM objects WHERE bucket = ? AND key >= ? AND (? IS NULL OR key < ?) ORDER BY key LIMIT ?",
                (bucket, start, stop, stop, limit),
            ).fetchall()
        return [_from_row(row) for row in rows]

    def empty(self, bucket: str) -> bool:
        """Whether a bucket holds nothing."""
        return not self.listed(bucket, "", None, 1)

    def clear(self, bucket: str) -> None:
        """Remove all objects of a bucket."""
        with self._lock:
            rows = self._connection.execute("SELECT DISTINCT blob FROM objects WHERE bucket = ?", (bucket,)).fetchall()
            self._connection.execute("DELETE FROM objects WHERE bucket = ?", (bucket,))
            self.drop([blob for (blob,) in rows])

    def collect(self) -> int:
        """Delete what a kill left: blobs that nothing names, uploads that were cut off. Returns how many files.

        Only while nothing is served: an upload under way has no row yet.
        """
        with self._lock:
            used = {row[0] for row in self._connection.execute("SELECT DISTINCT blob FROM objects")}
        used.update(self.also_used())
        unused = [file for file in self.blobs.glob("*/*") if file.name not in used]
        unused += self.blobs.glob(".incoming-*")
        for file in unused:
            file.unlink()
        return len(unused)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()


def after_all_with(prefix: str) -> str | None:
    """Smallest string after every string that starts with ``prefix``, in UTF-8 order; None when there is none."""
    for position in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[position])
        if code < 0x10FFFF:
            following = 0xE000 if code == 0xD7FF else code + 1
            return prefix[:position] + chr(following)
    return None


def _from_row(row: tuple[str, str, int, str, float, str, str]) -> StoredObject:
    bucket, key, size, etag, modified, blob, headers = row
    return StoredObject(bucket, key, size, etag, modified, blob, json.loads(headers))
