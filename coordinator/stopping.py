"""Waiting that ends at once when the coordinator is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """The coordinator was told to stop while something was waited for."""


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``; raises Stopped, and then ``work`` is cancelled."""
    working, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Stopped
    finally:
        await _ended(working)
        await _ended(stopping)


async def rest(stop: asyncio.Event, seconds: float, sooner: asyncio.Event | None = None) -> None:
    """Pause, shorter when ``sooner`` is set; raises Stopped."""
    wait = asyncio.sleep(seconds) if sooner is None else _at_most(sooner, seconds)
    await unless_stopped(stop, wait)


async def _at_most(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _ended(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
