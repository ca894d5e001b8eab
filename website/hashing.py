"""SHA-256 of every file, from the stat cache where it can be trusted, else by reading.

Small files are read one after the other: opening them is the cost, and a future for each one is several times slower
than reading it. Large ones are read by other threads meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from website.errors import ChangedWhileReading, Problem, unreadable
from website.file import opened
from website.statcache import StatCache
from website.walk import Found

_CHUNK = 1 << 20
_HEAD = 1024
#: Bytes from which handing a file to another thread costs less than it saves.
_LARGE = 128 * 1024
_THREADS = min(4, max(1, (os.cpu_count() or 1) - 1))
_PRIVATE_KEY = re.compile(rb"^\s*(-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|PuTTY-User-Key-File-\d)", re.MULTILINE)
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


def digests(files: Sequence[Found], cache_file: Path) -> tuple[dict[str, str], list[Problem]]:
    """SHA-256 in hex of each file, by path in the site; and the files whose content must not be published.

    Raises ChangedWhileReading for a file that is being written to, SourceError for one that cannot be read.
    """
    cache = StatCache(cache_file)
    problems: list[Problem] = []
    found = {path: digest for path, _, state in files if (digest := cache.get(path, state))}
    unread = [one for one in files if one.path not in found]
    for one, (digest, reason) in zip(unread, _read_all(unread), strict=True):
        if reason:
            problems.append(Problem(one.path, 0, reason))
            continue
        cache.put(one.path, one.stat, digest)
        found[one.path] = digest
    cache.save(found)
    return found, problems


def _read_all(files: Sequence[Found]) -> list[tuple[str, str | None]]:
    """What ``_read`` says of each file, in their order."""
    pool = ThreadPoolExecutor(max_workers=_THREADS)
    try:
        large = {place: pool.submit(_read, *one) for place, one in enumerate(files) if one.stat.st_size >= _LARGE}
        small = {place: _read(*one) for place, one in enumerate(files) if place not in large}
        return [small[place] if place in small else large[place].result() for place in range(len(files))]
    finally:
        pool.shutdown(cancel_futures=True)


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
