"""Bytes of a file on their way to a platform: hashed once more while they are sent, large ones piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from website import File, open_verified, read_verified

_MEGABYTE = 1024 * 1024


def body_of(file: File, streamed_from: int = _MEGABYTE) -> Callable[[], bytes | AsyncIterator[bytes]]:
    """Makes the body anew for each attempt; files of more than ``streamed_from`` bytes are not held in memory."""
    if file.size <= streamed_from:
        return lambda: read_verified(file)
    return lambda: pieces_of(file)


async def pieces_of(file: File, size: int = _MEGABYTE) -> AsyncIterator[bytes]:
    """The bytes in pieces of ``size``; raises ChangedWhileReading where they are not those of the manifest."""
    pieces = open_verified(file, size)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
