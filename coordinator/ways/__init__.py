"""Ways to make a tip live. All are the same to the deployer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from coordinator.history import Deployment, Result

Note = Callable[[str], Awaitable[None]]
"""Keeps what is needed to find a run again after a crash."""


class Way(Protocol):
    """One way."""

    @property
    def name(self) -> str:
        """As the settings name it."""

    async def deploy(self, deployment: Deployment, note: Note, stop: asyncio.Event) -> Result:
        """Make ``deployment.tip`` live and wait for the end of it; failures are results.

        With ``deployment.handle`` it has begun before and is only followed. When ``stop`` is set, what can be cut off
        in good order is, and the result says so.
        """

    async def close(self) -> None:
        """Give connections back."""
