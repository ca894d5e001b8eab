"""Asks the platforms' own APIs for their newest deployments, by the project's own program and its credentials."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from coordinator.deployments.found import Newest, Told, keep_told, told_in
from coordinator.heartbeats import Heartbeats
from coordinator.project_program import Ask, NoAnswer
from coordinator.watching.archive import Archive
from coordinator.watching.metrics import WatchMetrics

_log = logging.getLogger(__name__)
TASK = "deployments at the platforms"
COMMAND = ("deployments", "--format", "json")
SECONDS = 120.0
"""Real seconds that the program has for all platforms together."""


class _Deployment(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: str
    state: str
    phase: str
    made: datetime | None = None
    release: str | None = None


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    deployment: _Deployment | None = None
    error: str | None = None


_ALL = TypeAdapter(list[_Said])


@dataclass
class PlatformWatch:
    """Asks all platforms now and then. One that does not answer is not known, which is no outage."""

    ask: Ask
    hosts: Sequence[str]
    archive: Archive
    metrics: WatchMetrics
    beats: Heartbeats
    pause: Callable[[], float]
    """Real seconds between two questions."""
    clock: Callable[[], float] = time.time
    _trouble: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            pause = self.pause()
            self.beats.beat(TASK, "asking the platforms for their newest deployments now and then", 2 * SECONDS + pause)
            await self.once()
            await asyncio.sleep(pause)

    async def once(self) -> None:
        """One question to all of them."""
        at, known = self.clock(), await told_in(self.archive)
        said = await self._said()
        found = {name: self._told(known.get(name) or Told(name=name), said, at) for name in self.hosts}
        await keep_told(self.archive, found)
        self.metrics.platforms_said(found.values())

    async def _said(self) -> Mapping[str, _Said]:
        try:
            found = {one.name: one for one in _ALL.validate_json(await self.ask())}
        except (NoAnswer, ValidationError) as error:
            reason = str(error) if isinstance(error, NoAnswer) else "the answer is not as it should be"
            self._note("", reason)
            return {}
        self._note("", "")
        return found

    def _told(self, before: Told, said: Mapping[str, _Said], at: float) -> Told:
        one = said.get(before.name)
        if one is None:  # the program could not be asked, or nothing was published there yet
            return before.silent(at)
        self._note(one.name, one.error or "")
        if one.error:
            return before.silent(at)
        return Told(name=one.name, newest=_newest(one.deployment), asked=at)

    def _note(self, name: str, trouble: str) -> None:
        """Say a trouble once, and its end."""
        if trouble and self._trouble.get(name) != trouble:
            _log.warning("the newest deployment%s is not known: %s", f" at {name}" if name else " anywhere", trouble)
        if trouble:
            self._trouble[name] = trouble
        elif self._trouble.pop(name, None):
            _log.info("the newest deployment%s is known again", f" at {name}" if name else "s")


def _newest(one: _Deployment | None) -> Newest | None:
    if one is None:
        return None
    phase = one.phase if one.phase in {"ready", "running", "failed"} else "unknown"
    made = one.made.timestamp() if one.made else None
    return Newest.model_validate(
        {"id": one.id, "state": one.state, "phase": phase, "made": made, "release": one.release or ""}
    )
