"""What each platform's own API says of its newest deployment, for people and for who watches.

It tells nothing of visitors: a platform whose API is unreachable may serve them well.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from publisher.errors import PublisherError
from publisher.platforms.base import PlatformDeployment
from publisher.session import Session
from tools.deploy.releases import Place

PATIENCE = 30.0
"""Seconds that one platform has to answer, retries included."""


@dataclass(frozen=True)
class Told:
    """What one platform said, or why nothing is known of it."""

    platform: str
    newest: PlatformDeployment | None = None
    trouble: str = ""


def ask(asked: Sequence[Place], environment: Mapping[str, str]) -> list[Told]:
    """Ask every platform at once, with the credentials and endpoints of ``environment``."""
    os.environ.update(environment)
    return asyncio.run(_ask_all(asked))


async def _ask_all(asked: Sequence[Place]) -> list[Told]:
    session = Session()
    try:
        return await asyncio.gather(*(_ask(session, place) for place in asked))
    finally:
        await session.close()


async def _ask(session: Session, place: Place) -> Told:
    try:
        async with asyncio.timeout(PATIENCE):
            platform = session.platform(place.platform, place.target)
            try:
                return Told(place.platform, await platform.newest())
            finally:
                await platform.close()
    except TimeoutError:
        return Told(place.platform, trouble=f"{place.platform}: no answer within {PATIENCE:.0f} s")
    except PublisherError as error:
        return Told(place.platform, trouble=str(error))
    except (KeyError, TypeError, ValueError) as error:
        return Told(place.platform, trouble=f"{place.platform}: an answer that is not as documented ({error!r})")


def as_json(told: Sequence[Told]) -> list[dict[str, Any]]:
    """For programs. ``made`` is RFC 3339; ``deployment`` is null where there is none, or none is told."""
    return [{"name": one.platform, "deployment": _plain(one.newest), "error": one.trouble or None} for one in told]


def _plain(found: PlatformDeployment | None) -> dict[str, Any] | None:
    if found is None:
        return None
    made = found.made.astimezone(UTC).isoformat(timespec="seconds") if found.made else None
    return {
        "id": found.number,
        "state": found.state,
        "phase": found.phase,
        "made": made,
        "release": found.release or None,
    }


def table(told: Sequence[Told]) -> Table:
    """A row for each platform."""
    result = Table(title="Newest deployments", title_justify="left", header_style="bold")
    for name in ("platform", "id", "state", "since", "release"):
        result.add_column(name)
    for one in told:
        found = one.newest
        if found is None:
            result.add_row(one.platform, "not known" if one.trouble else "none", "-", "-", "-")
            continue
        result.add_row(one.platform, found.number, found.state, _moment(found.made), found.release or "-")
    return result


def _moment(made: datetime | None) -> str:
    return made.astimezone(UTC).isoformat(timespec="seconds") if made else "-"
