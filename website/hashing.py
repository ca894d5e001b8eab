"""SHA-256 of every file, from the stat cache where it can be trusted, else by reading.

One thread: on files of a few KiB opening them is the cost, and a future for each one is several times slower than
reading it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from website.errors import ChangedWhileReading, Problem, unreadable
from website.file import opened
from website.statcache import StatCache
from website.walk import Found

_CHUNK = 1 << 20
_HEAD = 1024
_PRIVATE_KEY = re.compile(rb"^\s*(-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|PuTTY-User-Key-File-\d)", re.MULTILINE)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


def digests(files: Sequence[Found], cache_file: Path) -> tuple[dict[str, str], list[Problem]]:
    """SHA-256 in hex of each file, by path in the site; and the files whose content must not be published.

    Raises ChangedWhileReading for a file that is being written to, SourceError for one that cannot be read.
    """
    cache = StatCache(cache_file)
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for path, location, state in files:
        known = cache.get(path, state)
        if known is None:
            known, reason = _read(path, location, state)
            if reason:
                problems.append(Problem(path, 0, reason))
                continue
            cache.put(path, state, known)
        found[path] = known
    cache.save(found)
    return found, problems


def _read(path: str, location: str, walked: os.stat_result) -> tuple[str, str | None]:
    """Digest of one file, and what is wrong with its content if anything is."""
    digest = hashlib.sha256()
    head = b""
    try:
        with opened(location) as descriptor:
            before = os.fstat(descriptor)
            while piece := os.read(descriptor, _CHUNK):
                head = head or piece[:_HEAD]
                digest.update(piece)
            after = os.fstat(descriptor)
    except FileNotFoundError as error:
        raise ChangedWhileReading(path) from error
    except OSError as error:
        raise unreadable(path, error) from error
    if not _identity(walked) == _identity(before) == _identity(after):
        raise ChangedWhileReading(path)
    return digest.hexdigest(), _content_problem(head)


def _identity(state: os.stat_result) -> tuple[int, ...]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def _content_problem(head: bytes) -> str | None:
    if b"PRIVATE KEY" in head or b"PuTTY" in head:
        if _PRIVATE_KEY.search(head):
            return (
                "begins with a private key. Take it out of the content, and replace the key if it was ever published."
            )
    elif head.startswith(_LFS_POINTER):
        return "is a pointer of Git LFS, not the file. Run `git lfs pull` and publish that folder, or commit the file."
    return None
