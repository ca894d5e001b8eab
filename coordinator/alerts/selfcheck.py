"""Whether alerting itself works: a message a day that shows it, and one by the other channels when a channel fails.

What nobody can tell, because no channel works or the coordinator does not run, is noticed by the heartbeat that does
not come; ``heartbeatUrl`` has a service notice it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import httpx

from coordinator.alerts.channels import PUBLIC, Message
from coordinator.alerts.outbox import Backlog, Outbox

_log = logging.getLogger(__name__)
_PAUSE = 30.0


class SelfCheck:
    """Looks every half minute; what it has told is known after a restart."""

    def __init__(
        self,
        outbox: Outbox,
        site: str,
        *,
        heartbeat: str,
        silence: float,
        http: httpx.AsyncClient,
        url: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``heartbeat``: time of day in UTC, ``07:00``, empty for never.

        ``silence``: seconds after which a channel that takes nothing is reported.
        """
        self._outbox = outbox
        self._site = site
        self._heartbeat = heartbeat
        self._silence = silence
        self._http = http
        self._url = url
        self._clock = clock
        self._beaten = self._signed = ""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_PAUSE)

    async def look(self) -> None:
        """Say what is to be said now; raises DiskRefuses."""
        backlogs, known = await self._outbox.backlogs(), await self._outbox.troubles()
        failing = {name: found for name, found in backlogs.items() if self._fails(found)}
        for name in failing.keys() - known:
            await self._begin_trouble(name, failing[name].reason)
        for name in known & (backlogs.keys() - failing.keys()):
            await self._end_trouble(name)
        await self._beat(failing)

    def _fails(self, found: Backlog) -> bool:
        late = found.failing_since is not None and self._clock() - found.failing_since > self._silence
        return late or found.gave_up

    async def _begin_trouble(self, name: str, reason: str) -> None:
        others = self._private(but=name)
        _log.error("no alert gets through by %s: %s%s", name, reason, "" if others else "; no other channel can tell")
        await self._outbox.begin_trouble(name, self._about(name, "do not get through", reason), others)

    async def _end_trouble(self, name: str) -> None:
        _log.warning("alerts get through by %s again", name)
        await self._outbox.end_trouble(name, self._about(name, "get through again"), self._private(but=name))

    def _about(self, name: str, what: str, reason: str = "") -> Message:
        now, thread, closes = self._clock(), f"alerting-{name}", not reason
        key = f"{thread}-{int(now)}-{'works' if closes else 'fails'}"
        return Message(key, thread, f"{self._site}: alerts by {name} {what}", reason, now, closes, "alerting")

    async def _beat(self, failing: Mapping[str, Backlog]) -> None:
        moment = datetime.fromtimestamp(self._clock(), UTC)
        if not self._heartbeat or moment.strftime("%H:%M") < self._heartbeat:
            return
        day, names = moment.strftime("%Y-%m-%d"), self._private()
        key = f"heartbeat-{day}"
        if self._beaten != day:
            subject, text = f"{self._site}: alerting works, {day}", self._state_of_channels(failing)
            await self._outbox.add([Message(key, "heartbeat", subject, text, self._clock(), kind="heartbeat")], names)
            self._beaten = day
        if self._url and self._signed != day and not failing and await self._outbox.taken(key, names):
            await self._sign(day)

    def _state_of_channels(self, failing: Mapping[str, Backlog]) -> str:
        works = [name for name in self._outbox.channels if name not in failing]
        lines = [f"Nothing gets through by {name}: {found.reason}." for name, found in failing.items()]
        return "\n".join([f"It works by {', '.join(works) or 'no channel'}.", *lines])

    async def _sign(self, day: str) -> None:
        """Tell the service that the day's heartbeat got through; after a restart once more, which harms nobody."""
        try:
            answer = await self._http.get(self._url)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            _log.warning("heartbeatUrl did not take the day's heartbeat (%s); tried again", type(error).__name__)
            return
        self._signed = day

    def _private(self, but: str = "") -> list[str]:
        return [name for name in self._outbox.channels if name not in PUBLIC and name != but]
