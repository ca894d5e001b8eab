"""Following a run at a forge until it has ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import stamina

from coordinator.forge_api import ForgeTrouble
from coordinator.history import Outcome, Result
from coordinator.stopping import Stopped, rest, unless_stopped

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Pace:
    """Real seconds: between two looks, and until a run is given up, which does not end it."""

    look: float = 10.0
    limit: float = 3600.0


async def follow(look: Callable[[], Awaitable[Result | None]], pace: Pace, stop: asyncio.Event) -> Result:
    """Look until there is a result. A forge that does not answer is asked again: the run goes on without us.

    A stop ends the following only; it is taken up at the next start.
    """
    deadline = time.monotonic() + pace.limit
    try:
        while time.monotonic() < deadline:
            found = await unless_stopped(stop, _looked(look, pace, deadline))
            if found is not None:
                return found
            await rest(stop, pace.look)
    except Stopped:
        return Result(Outcome.INTERRUPTED, "the coordinator was stopped; the run goes on")
    except ForgeTrouble as error:
        return Result(Outcome.FAILED, f"the run cannot be followed: {error}")
    return Result(Outcome.FAILED, f"the run did not end within {pace.limit:.0f} s")


async def _looked(look: Callable[[], Awaitable[Result | None]], pace: Pace, deadline: float) -> Result | None:
    patient = stamina.retry_context(
        on=_worth_another,
        attempts=None,
        timeout=max(deadline - time.monotonic(), 0.0),
        wait_initial=pace.look,
        wait_max=max(_LONGEST_PAUSE, pace.look),
    )
    async for attempt in patient:
        with attempt:
            return await look()
    return None


def _worth_another(error: Exception) -> bool | float:
    if not isinstance(error, ForgeTrouble) or error.final:
        return False
    _log.warning("%s; the run is looked at again later", error)
    return error.patience if error.patience is not None else True
