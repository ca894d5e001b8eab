"""One published file, and reading it so that no other bytes than the manifest's leave the machine."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from website.errors import ChangedWhileReading, unreadable

#: What opening or reading says when a file was removed, or a symlink or a folder now stands in its place.
_REPLACED = frozenset({errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO})


@dataclass(frozen=True, slots=True)
class File:
    """A file of the site as it is served."""

    path: str
    """Where it lies in the site: ``about.html``; posix, no leading slash, NFC."""
    sha256: str
    """Hex digest of the raw bytes."""
    size: int
    """Bytes."""
    media_type: str
    """The whole Content-Type, e.g. ``text/html; charset=utf-8``."""
    cache_control: str
    source: Path | bytes
    """Where the bytes are: a file on disk, or the bytes themselves where they were generated."""


def read_verified(file: File) -> bytes:
    """All bytes of a small file; raises ChangedWhileReading if they are not those of the manifest."""
    return b"".join(open_verified(file, max(file.size, 1)))


def open_verified(file: File, chunk: int) -> Iterator[bytes]:
    """Stream a file in pieces of at most ``chunk`` bytes.

    The last piece is held back until the digest of the whole is known to be the manifest's; else ChangedWhileReading
    is raised in its place. So a receiver that was told the length never gets a complete wrong file.
    """
    digest = hashlib.sha256()
    held = b""
    size = 0
    for piece in _pieces(file, chunk):
        size += len(piece)
        if size > file.size:
            raise ChangedWhileReading(file.path)
        if held:
            yield held
        digest.update(piece)
        held = piece
    if digest.hexdigest() != file.sha256:
        raise ChangedWhileReading(file.path)
    if held:
        yield held


def _pieces(file: File, chunk: int) -> Iterator[bytes]:
    if isinstance(file.source, bytes):
        for start in range(0, len(file.source), chunk):
            yield file.source[start : start + chunk]
        return
    try:
        with opened(file.source) as descriptor:
            while piece := os.read(descriptor, chunk):
                yield piece
    except OSError as error:
        if error.errno in _REPLACED:
            raise ChangedWhileReading(file.path) from error
        raise unreadable(file.path, error) from error


@contextmanager
def opened(path: str | Path) -> Iterator[int]:
    """A descriptor of a file that is not a symlink; O_NONBLOCK, so that a FIFO put in its place cannot hang the run."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
