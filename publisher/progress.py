"""Progress of a resource, shown by the engine in the resource's own row."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol


class Progress(Protocol):
    """Where an operation says how far it is."""

    async def say(self, message: str, *, lasting: bool = False) -> None:
        """Show ``message``; a lasting one stays in the output after the run."""


class Silence:
    """Progress nobody watches (benchmarks, tests)."""

    async def say(self, message: str, *, lasting: bool = False) -> None:
        """Drop the message."""
        del message, lasting


Log = Callable[[str, str, bool], Awaitable[None]]
"""Sends (urn, message, lasting) to the engine."""


class EngineProgress:
    """Sends messages to the engine's display, at most five a second (the first and lasting ones always)."""

    def __init__(self, log: Log, urn: str, *, interval: float = 0.2) -> None:
        self._log = log
        self._urn = urn
        self._interval = interval
        self._last = 0.0

    async def say(self, message: str, *, lasting: bool = False) -> None:
        """Show ``message`` in the row of the resource."""
        now = time.monotonic()
        if lasting or now - self._last >= self._interval:
            self._last = now
            await self._log(self._urn, message, lasting)
