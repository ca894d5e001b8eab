"""What was found at forges and platforms, as it is kept between two looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from coordinator.watching.archive import Archive

RunState = Literal["running", "succeeded", "failed", "canceled"]
Trigger = Literal["push", "schedule", "hand", "program"]
_RUNS, _PLATFORMS = "runs at ", "platforms"
GITHUB, GITLAB = "GitHub", "GitLab"
#: Runs that are remembered of each forge.
KEPT = 50


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Run(_Frozen):
    """A pipeline of GitLab or a run of a workflow of GitHub. Times are Unix seconds."""

    number: int
    tip: str
    trigger: Trigger
    state: RunState
    began: float
    ended: float | None = None
    url: str = ""
    """Its page at the forge; empty where the forge gives no address of the web."""


class Runs(_Frozen):
    """Runs of one forge, newest first."""

    forge: str
    runs: tuple[Run, ...] = ()
    asked: float = 0.0
    """When it last answered; 0 for never."""
    unknown_since: float | None = None
    """Since when it does not answer; None where it does."""

    def with_newer(self, found: tuple[Run, ...], at: float) -> Runs:
        """With what the forge says now; what it says no more is remembered for a while."""
        numbers = {one.number for one in found}
        known = [*found, *(one for one in self.runs if one.number not in numbers)]
        newest = sorted(known, key=lambda one: -one.number)[:KEPT]
        return Runs(forge=self.forge, runs=tuple(newest), asked=at)

    def silent(self, at: float) -> Runs:
        """The same, where it did not answer."""
        return self.model_copy(update={"unknown_since": at if self.unknown_since is None else self.unknown_since})


class Newest(_Frozen):
    """A platform's newest deployment, as its API tells of it."""

    id: str
    state: str
    phase: Literal["ready", "running", "failed", "unknown"]
    made: float | None = None
    release: str = ""


class Told(_Frozen):
    """What one platform said last."""

    name: str
    newest: Newest | None = None
    asked: float = 0.0
    """When it last answered; 0 for never."""
    unknown_since: float | None = None

    def silent(self, at: float) -> Told:
        """The same, where it did not answer."""
        return self.model_copy(update={"unknown_since": at if self.unknown_since is None else self.unknown_since})


_ALL_TOLD = TypeAdapter(dict[str, Told])


async def runs_in(archive: Archive, forge: str) -> Runs:
    """Runs of a forge; raises DiskRefuses. What an older version has kept otherwise counts as nothing."""
    try:
        return Runs.model_validate_json(await archive.value(_RUNS + forge) or "{}")
    except ValidationError:
        return Runs(forge=forge)


async def keep_runs(archive: Archive, found: Runs) -> None:
    """Keep them; raises DiskRefuses."""
    await archive.keep_value(_RUNS + found.forge, found.model_dump_json())


async def told_in(archive: Archive) -> dict[str, Told]:
    """Platform → what it said; raises DiskRefuses."""
    try:
        return _ALL_TOLD.validate_json(await archive.value(_PLATFORMS) or "{}")
    except ValidationError:
        return {}


async def keep_told(archive: Archive, found: Mapping[str, Told]) -> None:
    """Keep it; raises DiskRefuses."""
    await archive.keep_value(_PLATFORMS, _ALL_TOLD.dump_json(dict(found)).decode())
