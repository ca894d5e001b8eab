"""Remembers digests by what ``stat`` says, so that an unchanged site is not read again.

An entry counts only if size, mtime, ctime (both in nanoseconds), inode and device are the same. ctime cannot be set
back by a program, so ``touch -d`` and ``os.utime`` do not deceive it. A file that was changed within the clock's
grain of being read would keep its times; so files that were young when they were read are never remembered (the
racy-timestamp problem, https://git-scm.com/docs/racy-git).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

YOUNG_NS: Final = 2_500_000_000
"""Nanoseconds; more than the coarsest grain of file times in use, the two seconds of FAT."""

_VERSION: Final = 1
"""To be raised whenever a file that is remembered would have to be looked at again, e.g. for a new check of content."""


def now_ns() -> int:
    """The clock that files are stamped by, in nanoseconds since 1970."""
    return time.time_ns()


def _fingerprint(state: os.stat_result) -> str:
    return f"{state.st_size}:{state.st_mtime_ns}:{state.st_ctime_ns}:{state.st_ino}:{state.st_dev}"


class StatCache:
    """Digests of one folder's files in one file on disk; a missing or damaged file counts as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._started = now_ns()
        self._entries = _load(file)
        self._dirty = False

    def get(self, path: str, state: os.stat_result) -> str | None:
        """Digest of the file at ``path`` if it is provably the one that was read, else None."""
        entry = self._entries.get(path)
        return entry[1] if entry and entry[0] == _fingerprint(state) else None

    def put(self, path: str, state: os.stat_result, digest: str) -> None:
        """Remember a digest, unless the file was young when this run began; ``state`` is from before the reading."""
        self._dirty = True
        if max(state.st_mtime_ns, state.st_ctime_ns) + YOUNG_NS < self._started:
            self._entries[path] = (_fingerprint(state), digest)
        else:
            self._entries.pop(path, None)

    def save(self, paths: Collection[str]) -> None:
        """Write the entries of ``paths`` back, if anything changed; a full disk only costs the next run time."""
        if not self._dirty and len(paths) == len(self._entries):
            return
        kept = {path: self._entries[path] for path in paths if path in self._entries}
        if not self._dirty and len(kept) == len(self._entries):
            return
        body = json.dumps({"version": _VERSION, "entries": kept}, separators=(",", ":")).encode()
        with contextlib.suppress(OSError):
            replace_atomically(self._file, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def _load(file: Path) -> dict[str, tuple[str, str]]:
    try:
        checksum, _, body = file.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        return {}
    document = json.loads(body)
    return document["entries"] if document["version"] == _VERSION else {}


def replace_atomically(file: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises OSError with nothing left behind."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
