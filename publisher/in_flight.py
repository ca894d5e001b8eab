"""How many files are sent at once: as many as the line and this machine can use, and no more bytes than memory is for.

Where answers take long to come, this process waits and has time to spare: then more files are sent at once, up to what
the platform takes. Where it is busy, more at once would only make both sides slower.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

MOST_BYTES = 24 * 1024 * 1024
"""Bytes of all files that are being sent at once."""
PIECE = 8 * 1024 * 1024
"""Bytes that count of a larger file: such ones are streamed, and no more of them is held."""
_FIRST = 32
"""Files at once in the beginning: covers a line of a few milliseconds."""
_WINDOW = 0.05
"""Seconds after which it is looked again how busy the process is."""
_BUSY = 0.7
"""Of one core: a process that is busier gains nothing from more files at once."""


class InFlight:
    """Room for files that are being sent; one caller enters files, in their order."""

    def __init__(
        self, most: int, *, wall: Callable[[], float] = time.monotonic, cpu: Callable[[], float] = time.process_time
    ) -> None:
        self.allowed = min(most, _FIRST)
        self._most = most
        self._wall, self._cpu = wall, cpu
        self._looked = (self._wall(), self._cpu())
        self._files = self._bytes = 0
        self._left = asyncio.Event()

    async def enter(self, size: int) -> None:
        """Wait until there is room for a file of ``size`` bytes; a single one always finds some."""
        size = min(size, PIECE)
        while self._files and (self._files >= self.allowed or self._bytes + size > MOST_BYTES):
            self._left.clear()
            await self._left.wait()
        self._files += 1
        self._bytes += size

    def leave(self, size: int) -> None:
        """A file of ``size`` bytes has been sent, or given up."""
        self._files -= 1
        self._bytes -= min(size, PIECE)
        self._look()
        self._left.set()

    def _look(self) -> None:
        """Allow twice as many where the process had time to spare."""
        wall = self._wall()
        passed = wall - self._looked[0]
        if self.allowed < self._most and passed >= _WINDOW:
            cpu = self._cpu()
            busy = (cpu - self._looked[1]) / passed
            self._looked = (wall, cpu)
            if busy < _BUSY:
                self.allowed = min(self._most, 2 * self.allowed)
