"""Runs the coordinator's tasks side by side until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import stamina

_log = logging.getLogger(__name__)
#: Real seconds until a task that has failed by itself is started again; doubled each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
Task = Callable[[], Awaitable[None]]
Ending = Callable[[asyncio.Event], Awaitable[None]]


async def run(tasks: Mapping[str, Task], ending: Mapping[str, Ending] | None = None) -> None:
    """Run all tasks until SIGTERM or SIGINT. One that fails is started again, and the others never notice.

    Then those of ``ending``, which are given the event, are waited for until they have ended by themselves, however
    often the signal comes; the others go on for so long and are cancelled.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.create_task(_kept_up(name, task), name=name) for name, task in tasks.items()]
    finishing = [
        asyncio.create_task(_kept_up(name, partial(task, stop)), name=name) for name, task in (ending or {}).items()
    ]
    try:
        await stop.wait()
        await asyncio.gather(*finishing, return_exceptions=True)
    finally:
        for each in (*running, *finishing):
            each.cancel()
        await asyncio.gather(*running, *finishing, return_exceptions=True)


async def _kept_up(name: str, task: Task) -> None:
    def noted(error: BaseException) -> bool:
        if not isinstance(error, Exception):  # stamina asks about being cancelled too
            return False
        _log.error("%s failed by itself and is started again", name, exc_info=error)
        return True

    patient = stamina.retry_context(
        on=noted, attempts=None, timeout=None, wait_initial=_FIRST_PAUSE, wait_max=_LONGEST_PAUSE
    )
    async for attempt in patient:
        with attempt:
            await task()
