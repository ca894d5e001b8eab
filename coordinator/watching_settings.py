"""The settings ``coordinator.watching`` and ``coordinator.statusPage``. Light to import: the program checks them."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, field_validator, model_validator

from coordinator.strict_settings import Strict

#: Real seconds between two looks, at the least: a fast clock does not make this machine faster.
_LOOK_FLOOR = 1.0
#: Names of subjects that are no further target's: the site, monitoring itself, and the zone.
RESERVED = frozenset({"site", "prober", "dns"})
_Percent = Annotated[int, Field(ge=1, le=100)]
_Listen = Annotated[str, Field(pattern=r"^([^\s:/]+|\[[0-9a-fA-F:]+\]):\d{1,5}$|^unix:/\S+$")]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]
_REPEATS = {"never": 0, "daily": 86_400, "weekly": 7 * 86_400}


class FurtherTarget(Strict):
    """An address that is watched beside the site, such as a form's backend."""

    name: _Name
    url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]
    status: Annotated[int, Field(ge=100, le=599)] = 200
    contains: str = ""
    """Text that the answer must have among its first 64 KB."""

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"is taken by the coordinator itself ({', '.join(sorted(RESERVED))}); use another name")
        return name


class Maintenance(Strict):
    """A time of announced work: nothing is opened or alerted for these targets."""

    begins: AwareDatetime
    ends: AwareDatetime
    targets: tuple[str, ...] = ()
    """Empty means all."""
    repeat: Literal["never", "daily", "weekly"] = "never"

    @model_validator(mode="after")
    def _ends_later(self) -> Maintenance:
        length = (self.ends - self.begins).total_seconds()
        if length <= 0:
            raise ValueError("ends is not after begins")
        if self.repeat != "never" and length >= self.every:
            raise ValueError(f"lasts longer than the time until it repeats ({self.repeat})")
        return self

    @property
    def every(self) -> int:
        """Seconds from one to the next; 0 where there is one only."""
        return _REPEATS[self.repeat]


def _server(text: str) -> str:
    """An address ``IP`` or ``IP:PORT``; IPv6 without a port, or in brackets with one."""
    host, _, port = text.rpartition(":") if re.search(r"^[^:]+:\d+$|\]:\d+$", text) else (text, "", "53")
    ipaddress.ip_address(host.strip("[]"))
    if not 0 < int(port) < 65_536:
        raise ValueError(f"there is no port {port}")
    return text


class Watching(Strict):
    """The setting ``coordinator.watching``. Times are seconds."""

    interval: Annotated[int, Field(ge=10, le=3600)] = 30
    """Between two looks at every target."""
    failures: Annotated[int, Field(ge=1, le=20)] = 2
    """Bad looks in a row that open an incident."""
    successes: Annotated[int, Field(ge=1, le=20)] = 3
    """Good looks in a row that close it."""
    doubt: Annotated[int, Field(ge=0, le=100)] = 2
    """Further bad looks at everything, until no longer the coordinator's own connection is suspected."""
    flaps_above: _Percent = 50
    """Percent of changes among the last 21 looks above which a target goes to and fro."""
    calm_below: _Percent = 25
    """Percent of changes below which it has calmed down."""
    dns: bool = True
    """Look at the name servers of the zone too."""
    name_servers: tuple[Annotated[str, AfterValidator(_server)], ...] = ()
    """Their addresses; empty asks the DNS for the zone's own."""
    targets: Annotated[tuple[FurtherTarget, ...], Field(max_length=100)] = ()
    maintenance: tuple[Maintenance, ...] = ()
    outputs: str = ""
    """File with the stack's outputs as JSON, for a coordinator that may not read the stack's state."""

    @model_validator(mode="after")
    def _fits_together(self) -> Watching:
        mistakes = []
        if self.calm_below >= self.flaps_above:
            mistakes.append("calmBelow is not below flapsAbove")
        names = [one.name for one in self.targets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            mistakes.append(f"targets have the same name: {', '.join(twice)}")
        if self.name_servers and not self.dns:
            mistakes.append("nameServers are for dns: true")
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def seconds_between_looks(self, speed: float = 1.0) -> float:
        """Real seconds; ``speed`` is the sandbox's."""
        return max(self.interval / speed, _LOOK_FLOOR)


class StatusPage(Strict):
    """The setting ``coordinator.statusPage``."""

    listen: _Listen = "127.0.0.1:8490"
    title: Annotated[str, Field(max_length=100)] = ""
    """Name of the site at the head of the page; the public name where it is left out."""
    objective: Annotated[float, Field(ge=90, lt=100)] = 99.999
    """Percent of a year that the site is to be up."""


def names_that_do_not_fit(watching: Watching | None, hosts: tuple[str, ...], site: str) -> list[str]:
    """Mistakes: targets with the name of a platform or of the site, and maintenance of what nobody watches."""
    if watching is None:
        return []
    own = {*hosts, site}
    clashing = sorted({one.name for one in watching.targets} & own)
    known = {*own, "dns", *(one.name for one in watching.targets)}
    unknown = sorted({name for window in watching.maintenance for name in window.targets} - known)
    return [
        *(f"coordinator.watching.targets: {name} is watched already; use another name" for name in clashing),
        *(
            f"coordinator.watching.maintenance: nobody watches {name}; use {', '.join(sorted(known))}"
            for name in unknown
        ),
    ]
