"""Looks at the tip now and then: a webhook can be lost, and a forge sends none for some pushes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from coordinator.heartbeats import Heartbeats
from coordinator.history import History, Outcome
from coordinator.queue import DeployQueue
from coordinator.tips import Tips, TipUnknown

_log = logging.getLogger(__name__)
TASK = "poll"
_MISSED = 5
"""Looks in a row after which no word from this task means that it is stuck."""
_ONE_LOOK = 90.0


class Poll:
    """Wants a deployment when the tip is not what was tried last."""

    def __init__(
        self,
        target: str,
        queue: DeployQueue,
        history: History,
        tips: Tips,
        *,
        pause: float,
        retry_failed_after: float,
        beats: Heartbeats,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``pause`` and ``retry_failed_after`` are real seconds."""
        self._target = target
        self._queue = queue
        self._history = history
        self._tips = tips
        self._pause = pause
        self._retry_failed_after = retry_failed_after
        self._beats = beats
        self._clock = clock
        self._trouble = ""

    async def run(self) -> None:
        """For ever."""
        while True:
            self._beats.beat(TASK, "looking at the tip every now and then", _MISSED * self._pause + _ONE_LOOK)
            await self.once()
            await asyncio.sleep(self._pause)

    async def once(self) -> None:
        """One look; a repository that does not answer is said once."""
        try:
            tip = await self._tips.tip()
        except TipUnknown as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                _log.warning("the tip is not known: %s", error)
            return
        self._trouble = ""
        if await self._is_news(tip) and await self._queue.want_unless_waiting(self._target):
            _log.info("the tip is %s, which no webhook has asked for yet", tip[:12])

    async def _is_news(self, tip: str) -> bool:
        last = await self._history.last(self._target)
        if last is None or last.tip != tip or last.outcome not in {Outcome.DEPLOYED, Outcome.FAILED}:
            return True
        failed_long_ago = self._clock() - (last.ended or 0.0) >= self._retry_failed_after
        return last.outcome is Outcome.FAILED and failed_long_ago
