"""Sends webhooks, one attempt each, as forges do: what comes back is noted, whatever it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

#: Bytes of an answer that are kept.
_KEPT = 4096


@dataclass(frozen=True)
class Answered:
    """What a receiver said. ``status`` is 0 where it said nothing."""

    status: int
    body: str
    seconds: float

    @property
    def taken(self) -> bool:
        """Whether the receiver took it."""
        return 200 <= self.status < 300


@dataclass
class Sending:
    """One client for a forge's webhooks. ``patience`` is how many real seconds a receiver has."""

    patience: float
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _http: aiohttp.ClientSession | None = None

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """Open the client until the application ends; what is under way then is dropped."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.patience)) as self._http:
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, delivery: Coroutine[Any, Any, None]) -> None:
        """Have a delivery made while the one who pushed goes on."""
        task = asyncio.create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """POST it once. A redirect is an answer, and is not followed."""
        if self._http is None:
            raise RuntimeError("the twin does not run")
        began = time.monotonic()
        try:
            async with self._http.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                text = (await answer.content.read(_KEPT)).decode("utf-8", "replace")
                return Answered(answer.status, text, time.monotonic() - began)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Answered(0, type(error).__name__, time.monotonic() - began)
