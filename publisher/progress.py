"""Progress of a resource, shown by the engine in the resource's own row."""

from __future__ import annotations

import time
from typing import Protocol


class Progress(Protocol):
    """Where an operation says how far it is."""

    async def say(self, message: str, *, lasting: bool = False) -> None:
        """Show ``message``; a lasting one stays in the output after the run."""

    async def warn(self, message: str) -> None:
        """Show ``message`` as a warning, which stays."""


class Silence:
    """Progress nobody watches (benchmarks, tests)."""

    async def say(self, message: str, *, lasting: bool = False) -> None:
        """Drop the message."""
        del message, lasting

    async def warn(self, message: str) -> None:
        """Drop the message."""
        del message


class Log(Protocol):
    """Sends a message about a resource to the engine."""

    async def __call__(self, urn: str, message: str, lasting: bool, *, warning: bool = False) -> None:
        """A message that is not ``lasting`` is shown while the run goes on only."""


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

    async def warn(self, message: str) -> None:
        """Show ``message`` among the resource's warnings."""
        await self._log(self._urn, message, True, warning=True)
