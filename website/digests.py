"""Digests other than SHA-256 that single platforms ask for, remembered by content."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from website.file import File, open_verified

_Row = tuple[str, str, str]

_CHUNK: Final = 1 << 20
_BATCH: Final = 500
_LEVEL, _WRAPPED = 6, 0
#: Bytes of a file's beginning that are tried, the share that it must come under, and the size from which it is tried.
_TRIED, _WORTH, _SMALL = 16_384, 0.95, 256
_THREADS = min(4, os.cpu_count() or 1)
_BUSY_SECONDS: Final = 10.0
_TABLE: Final = """
    create table if not exists digest (
        kind text not null, sha256 text not null, value text not null, seal text not null, primary key (kind, sha256)
    ) without rowid
"""


def gzip_stream(file: File) -> Iterator[bytes]:
    """The file as gzip, no time stamp in it: the same bytes for the same content and zlib.

    What a try at its beginning does not make smaller is only wrapped: pictures, archives. The rest has zlib's level 6:
    level 9 takes several times as long for 2 % fewer bytes. Raises ChangedWhileReading as ``open_verified`` does.
    """
    packer = None
    for piece in open_verified(file, _CHUNK):
        packer = packer or zlib.compressobj(_level(piece), zlib.DEFLATED, 31)
        packed = packer.compress(piece)
        if packed:
            yield packed
    yield (packer or zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)).flush()


def _level(piece: bytes) -> int:
    head = piece[:_TRIED]
    return _LEVEL if len(zlib.compress(head, 1)) < _WORTH * len(head) or len(head) < _SMALL else _WRAPPED


def _sha1(file: File) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for piece in open_verified(file, _CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _git_blob(file: File) -> str:
    """Object name of a blob: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
    digest = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    for piece in open_verified(file, _CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _gzip_sha256(file: File) -> str:
    digest = hashlib.sha256()
    for piece in gzip_stream(file):
        digest.update(piece)
    return digest.hexdigest()


class DigestCache:
    """SHA-1, Git blob name and gzip digest of files, all in hex, kept on disk by SHA-256.

    Keyed by content, so an entry can never be out of date; each one is sealed, so damage is found and made good. Any
    number of threads and processes may share one cache; one that cannot be used only costs time. Each method raises
    ChangedWhileReading if a file is no longer that of the manifest.
    """

    def __init__(self, cache: Path) -> None:
        self._file = cache / "digests.sqlite"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def sha1(self, file: File) -> str:
        """SHA-1 of the file's bytes."""
        return self.sha1_many([file])[file.path]

    def sha1_many(self, files: Iterable[File]) -> dict[str, str]:
        """SHA-1 of each file, by path in the site."""
        return self._many("sha1", files, _sha1)

    def git_blob(self, file: File) -> str:
        """Name of the file as a Git blob in a SHA-1 repository."""
        return self.git_blob_many([file])[file.path]

    def git_blob_many(self, files: Iterable[File]) -> dict[str, str]:
        """Git blob name of each file, by path in the site."""
        return self._many("git-blob", files, _git_blob)

    def gzip_sha256(self, file: File) -> str:
        """SHA-256 of what ``gzip_stream`` gives for the file."""
        return self.gzip_sha256_many([file])[file.path]

    def gzip_sha256_many(self, files: Iterable[File]) -> dict[str, str]:
        """SHA-256 of each file's gzip form, by path in the site; kept apart by the zlib version."""
        return self._many(f"gzip6-{zlib.ZLIB_RUNTIME_VERSION}", files, _gzip_sha256, _THREADS)

    def close(self) -> None:
        """Close the file on disk; it is opened again when needed."""
        with self._lock:
            self._drop_connection()

    def _many(
        self, kind: str, files: Iterable[File], compute: Callable[[File], str], threads: int = 1
    ) -> dict[str, str]:
        """With several threads where the work on a file is long enough for handing it over."""
        files = list(files)
        known = self._known(kind, sorted({file.sha256 for file in files}))
        unknown = {file.sha256: file for file in files if file.sha256 not in known}
        with ThreadPoolExecutor(threads) as pool:
            each = pool.map(compute, unknown.values()) if threads > 1 else map(compute, unknown.values())
            new = dict(zip(unknown, each, strict=True))
        if new:
            self._remember(kind, new)
        known |= new
        return {file.path: known[file.sha256] for file in files}

    def _known(self, kind: str, wanted: Sequence[str]) -> dict[str, str]:
        known: dict[str, str] = {}
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            query = f"select sha256, value, seal from digest where kind = ? and sha256 in ({marks})"  # noqa: S608 - marks only
            rows = self._ask(partial(_select, query, (kind, *batch)))
            known |= {sha256: value for sha256, value, seal in rows if seal == _seal(kind, sha256, value)}
        return known

    def _remember(self, kind: str, new: dict[str, str]) -> None:
        rows = [(kind, sha256, value, _seal(kind, sha256, value)) for sha256, value in new.items()]

        def insert(db: sqlite3.Connection) -> list[_Row]:
            with db:
                db.executemany("insert or replace into digest values (?, ?, ?, ?)", rows)
            return []

        self._ask(insert)

    def _ask(self, question: Callable[[sqlite3.Connection], list[_Row]]) -> list[_Row]:
        """The rows, or none if the cache cannot be used; a damaged file is deleted and begun anew."""
        with self._lock:
            for _ in range(2):
                try:
                    return question(self._opened())
                except sqlite3.OperationalError:
                    return []  # locked for long, no space, not writable
                except sqlite3.DatabaseError:
                    self._begin_anew()
            return []

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            with contextlib.suppress(OSError):
                self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._file, timeout=_BUSY_SECONDS, check_same_thread=False)
            self._connection = connection
            connection.execute(_TABLE)
        return self._connection

    def _begin_anew(self) -> None:
        self._drop_connection()
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _select(query: str, values: tuple[str, ...], db: sqlite3.Connection) -> list[_Row]:
    rows: list[_Row] = db.execute(query, values).fetchall()
    return rows


def _seal(kind: str, sha256: str, value: str) -> str:
    return hashlib.sha256(f"{kind}\0{sha256}\0{value}".encode()).hexdigest()[:16]
