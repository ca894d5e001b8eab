"""Reads what the page shows from the coordinator's files."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from coordinator.deployments.found import GITHUB, GITLAB, runs_in, told_in
from coordinator.history import Deployment, History
from coordinator.status_page.deployments import SHOWN, forge_state, merged, platform_state
from coordinator.status_page.view import (
    DAYS_SHOWN,
    Row,
    View,
    arrivals,
    budget,
    incidents,
    never_seen,
    overall,
    releases,
    row,
    year_of,
)
from coordinator.watching import declared
from coordinator.watching.archive import DAY, Archive
from coordinator.watching.declared import OutputsUnknown
from coordinator.watching.incidents import Situation
from coordinator.watching.observing import windows_of
from coordinator.watching_settings import StatusPage, Watching

_SITUATION = TypeAdapter(Situation)
_PERCENT = 100


@dataclass(frozen=True)
class Reader:
    """Reads one stack's view; ``site`` is its public name."""

    site: str
    archive: Archive
    history: History | None
    watching: Watching
    page: StatusPage
    interval: float
    """Real seconds between two looks."""
    clock: Callable[[], float] = time.time
    links: bool = False
    """Whether addresses of runs at the forges may be shown."""

    async def view(self) -> View:
        """What there is to show now; raises DiskRefuses."""
        at = self.clock()
        kinds = await self._kinds()
        situation = await self._situation()
        rows = await self._rows(at, kinds, situation)
        state, sentence = overall(rows, situation.open.keys())
        since = at - DAYS_SHOWN * DAY
        days = (await self.archive.days(year_of(at)[0])).get(self._public(kinds), [])
        runs = [await runs_in(self.archive, forge) for forge in (GITHUB, GITLAB)]
        platforms = [name for name, kind in kinds.items() if kind == "platform"]
        return View(
            site=self.site,
            title=self.page.title or self.site,
            at=at,
            interval=self.interval,
            state=state,
            sentence=sentence,
            rows=rows,
            budget=budget(days, self.page.objective / _PERCENT, at),
            incidents=incidents(await self.archive.events(since)),
            releases=releases(rows),
            arrivals=arrivals(await self.archive.sights(since), platforms),
            deployments=merged(await self._deployments(), runs, links=self.links),
            platform_states=[platform_state(one) for one in (await told_in(self.archive)).values()],
            forges=[forge_state(one) for one in runs if one.asked or one.unknown_since],
            maintenance=max((end for end in self._windows(at)), default=None),
        )

    async def _rows(self, at: float, kinds: dict[str, str], situation: Situation) -> list[Row]:
        now = {one.target: one for one in await self.archive.now()}
        recent = await self.archive.sums(at - DAY)
        days = await self.archive.days((at // DAY - DAYS_SHOWN + 1) * DAY)
        bad = {name for name, one in situation.targets.items() if one.bad}
        return [
            row(now[name], kind, recent.get(name, []), days.get(name, []), at, self.interval, bad=name in bad)
            if name in now
            else never_seen(name, kind)
            for name, kind in kinds.items()
        ]

    async def _kinds(self) -> dict[str, str]:
        """Target → what it is, in the order of the page; empty before the stack has said what there is."""
        try:
            outputs = declared.read(await self.archive.outputs())
        except OutputsUnknown:
            return {}
        known = {outputs.site: "site", declared.DNS: "dns", **{one.name: "platform" for one in outputs.platforms}}
        return {one.name: known.get(one.name, "other") for one in declared.targets(outputs, self.watching)}

    @staticmethod
    def _public(kinds: dict[str, str]) -> str:
        return next((name for name, kind in kinds.items() if kind == "site"), "")

    async def _situation(self) -> Situation:
        try:
            return _SITUATION.validate_json(await self.archive.situation() or "{}")
        except ValidationError:
            return Situation()

    async def _deployments(self) -> list[Deployment]:
        return await self.history.newest(SHOWN) if self.history else []

    def _windows(self, at: float) -> list[float]:
        return [end for window in windows_of(self.watching) if (end := window.ends_after(at)) is not None]
