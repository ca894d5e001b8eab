"""Which releases can be gone back to, per platform, as the platforms themselves say."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.table import Table

from publisher.errors import PublisherError
from publisher.history import recalled
from publisher.platforms.base import Kept
from publisher.session import Session


@dataclass(frozen=True)
class Place:
    """Where a platform was published to, from the state of its Upload."""

    platform: str
    target: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What one platform says: what it serves and what it keeps, or why it cannot be asked."""

    platform: str
    live: str | None = None
    kept: Sequence[Kept] = ()
    trouble: str = ""


def places(state: Mapping[str, Any], hosts: Sequence[str]) -> list[Place]:
    """Places of the enabled platforms, in their order; one that was never published to has none."""
    uploads = {
        found["inputs"]["platform"]: found["inputs"]["target"]
        for found in _resources(state)
        if found["type"] == "publisher:index:Upload" and not found.get("delete")
    }
    return [Place(name, uploads[name]) for name in hosts if name in uploads]


def known_releases(state: Mapping[str, Any]) -> list[str]:
    """Releases that the stack remembers, the last published first."""
    websites = [found for found in _resources(state) if found["type"] == "publisher:index:Website"]
    return [manifest.release for website in websites for manifest in recalled(website["inputs"])]


def _resources(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    return (state.get("deployment") or {}).get("resources") or []


def ask(asked: Sequence[Place], environment: Mapping[str, str]) -> list[Answer]:
    """Ask every platform at once, with the credentials and endpoints of ``environment``."""
    os.environ.update(environment)
    return asyncio.run(_ask_all(asked))


async def _ask_all(asked: Sequence[Place]) -> list[Answer]:
    session = Session()
    try:
        return await asyncio.gather(*(_ask(session, place) for place in asked))
    finally:
        await session.close()


async def _ask(session: Session, place: Place) -> Answer:
    try:
        platform = session.platform(place.platform, place.target)
        try:
            return Answer(place.platform, await platform.live(), await platform.kept())
        finally:
            await platform.close()
    except PublisherError as error:
        return Answer(place.platform, trouble=str(error))


def as_json(known: Sequence[str], answers: Sequence[Answer]) -> dict[str, Any]:
    """For scripts: ``everywhere`` are the ids that can be set as ``release``."""
    platforms = [
        {
            "name": answer.platform,
            "live": answer.live,
            "kept": [{"release": kept.release, "made": _moment(kept.made)} for kept in answer.kept],
            "error": answer.trouble or None,
        }
        for answer in answers
    ]
    return {"everywhere": everywhere(known, answers), "platforms": platforms}


def everywhere(known: Sequence[str], answers: Sequence[Answer]) -> list[str]:
    """Releases that the stack remembers and every platform that answered keeps."""
    kept = [{found.release for found in answer.kept} for answer in answers if not answer.trouble]
    return [release for release in known if kept and all(release in there for there in kept)]


def table(known: Sequence[str], answers: Sequence[Answer]) -> Table:
    """A row for each release, a column for each platform."""
    result = Table(title="Releases", title_justify="left", header_style="bold")
    result.add_column("release", no_wrap=True)
    for answer in answers:
        result.add_column(answer.platform)
    result.add_column("can be set as `release`")
    possible = everywhere(known, answers)
    others = [found.release for answer in answers for found in answer.kept]
    for release in dict.fromkeys([*known, *others]):
        reason = "yes" if release in possible else "no: " + ("not everywhere" if release in known else "not remembered")
        result.add_row(release, *(_cell(release, answer) for answer in answers), reason)
    return result


def _cell(release: str, answer: Answer) -> str:
    if answer.trouble:
        return "?"
    found = next((kept for kept in answer.kept if kept.release == release), None)
    if release == answer.live:
        return "live"
    return "-" if found is None else _moment(found.made) or "kept"


def _moment(made: datetime | None) -> str | None:
    return made.isoformat(timespec="seconds") if made else None
