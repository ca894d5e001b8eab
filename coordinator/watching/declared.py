"""What a stack says of itself: its outputs, and the targets that follow from them. No name is composed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.project_program import Ask, NoAnswer, by_program
from coordinator.watching.targets import Address, Page, Target, Zone
from coordinator.watching_settings import Watching
from website import HEALTH_TOKEN

_SECONDS = 120.0
DNS = "dns"


class OutputsUnknown(Exception):
    """The stack cannot be asked, or has not been published yet; the text says why."""


class _Platform(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    host_header: str
    url: str = Field(pattern=r"^https?://")


class Outputs(BaseModel):
    """The outputs that are needed here."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    site_url: str = Field(pattern=r"^https?://")
    release: str = ""
    platforms: tuple[_Platform, ...] = Field(min_length=1)
    headers: dict[str, str] = Field(default_factory=dict)
    """The floor of headers that every answer at the public name has."""

    @property
    def site(self) -> str:
        """The public name."""
        return urlsplit(self.site_url).hostname or self.site_url


def by_engine(stack: str, root: Path) -> Ask:
    """Ask the project's own program, which asks the engine."""
    asking = by_program(("outputs",), stack, root, _SECONDS)

    async def ask() -> str:
        try:
            return await asking()
        except NoAnswer as error:
            raise OutputsUnknown(f"the outputs cannot be read: {error}") from error

    return ask


def by_file(path: Path) -> Ask:
    """Read a file that a pipeline has written: ``pulumi stack output --json``."""

    async def ask() -> str:
        try:
            return await asyncio.to_thread(path.read_text, "utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise OutputsUnknown(f"coordinator.watching.outputs: {path} cannot be read ({error})") from error

    return ask


def read(text: str) -> Outputs:
    """The outputs, checked; raises OutputsUnknown."""
    try:
        said: Any = json.loads(text)
        if not said:
            raise OutputsUnknown("the stack has not been published yet; `make up` does that")
        return Outputs.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise OutputsUnknown(f"the outputs lack what is watched: {where}: {first['msg']}; run `make up`") from error
    except ValueError as error:
        raise OutputsUnknown(f"the outputs are no JSON ({error})") from error


def targets(outputs: Outputs, wanted: Watching, servers: Sequence[str] = ()) -> list[Target]:
    """The public name first, then its name servers, the platforms in their order, and further ones."""
    site = outputs.site
    found: list[Target] = [Page(site, outputs.site_url, site, HEALTH_TOKEN, _known(outputs.headers))]
    if wanted.dns:
        found.append(Zone(DNS, site, wanted.name_servers or servers))
    found += [Page(one.name, one.url, one.host_header, HEALTH_TOKEN) for one in outputs.platforms]
    return [*found, *(Address(one.name, one.url, one.status, one.contains) for one in wanted.targets)]


def public(outputs: Outputs) -> frozenset[str]:
    """Targets that stand for the site as its visitors have it."""
    return frozenset({outputs.site, DNS})


def _known(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
