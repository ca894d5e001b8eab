"""Deployments as they are shown: the coordinator's own, and runs at the forges that others started. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coordinator.deployments.found import GITHUB, GITLAB, Run, Runs, Told
from coordinator.history import Deployment
from coordinator.status_page.view import Deployed, ForgeState, PlatformState, Step

SHOWN = 8
"""Deployments on the page, newest first."""
_NOT_YET = "after:"
"""How a handle begins before the run is found."""
_WAYS = {"gitlab-pipeline": GITLAB, "github-dispatch": GITHUB}
_NAMES = {GITLAB: "GitLab pipeline", GITHUB: "GitHub run"}
_OWN = "make up"


def merged(own: Sequence[Deployment], runs: Sequence[Runs], *, links: bool) -> list[Deployed]:
    """The newest of both, newest first. A run that the coordinator started is its deployment, and not shown twice."""
    at = {(found.forge, str(run.number)): run for found in runs for run in found.runs}
    shown = [_own(one, at, links=links) for one in own]
    known = {(_WAYS.get(one.way, ""), _number(one)) for one in own}
    others = [_others(forge, run, links=links) for (forge, number), run in at.items() if (forge, number) not in known]
    return sorted([*shown, *others], key=lambda one: one.began, reverse=True)[:SHOWN]


def _number(one: Deployment) -> str:
    """Number of its run at a forge; empty where it has none yet."""
    return "" if one.handle.startswith(_NOT_YET) else one.handle.rpartition(":")[2]


def _own(one: Deployment, at: Mapping[tuple[str, str], Run], *, links: bool) -> Deployed:
    forge, number = _WAYS.get(one.way, ""), _number(one)
    run = at.get((forge, number))
    return Deployed(
        number=one.id,
        began=one.began,
        ended=one.ended,
        tip=one.tip,
        by=f"{_NAMES[forge]} {number}".strip() if forge else _OWN if one.way == "up" else one.way,
        attempt=one.attempt,
        outcome=str(one.outcome),
        said=one.said,
        hosts=[Step(host.name, host.release, host.trouble, host.steps) for host in one.hosts],
        link=run.url if run and links else "",
    )


def _others(forge: str, run: Run, *, links: bool) -> Deployed:
    return Deployed(
        number=run.number,
        began=run.began,
        ended=run.ended,
        tip=run.tip,
        by=f"{_NAMES[forge]} {run.number}",
        attempt=1,
        outcome=run.state,
        said="",
        trigger=run.trigger,
        link=run.url if links else "",
    )


def platform_state(one: Told) -> PlatformState:
    """What a platform says of its newest deployment."""
    found, asked = one.newest, one.asked or None
    if found is None:
        return PlatformState(one.name, asked=asked, unknown_since=one.unknown_since)
    return PlatformState(
        one.name, found.id, found.state, found.phase, found.made, found.release, asked, one.unknown_since
    )


def forge_state(one: Runs) -> ForgeState:
    """Whether a forge answers."""
    return ForgeState(one.forge, one.asked or None, one.unknown_since)
