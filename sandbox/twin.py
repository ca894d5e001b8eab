"""What a platform's local twin offers to the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.provider.resource_type import Invoke, ResourceType


@dataclass(frozen=True)
class ControlPlane:
    """An HTTP API of the platform, served on a loopback port of its own."""

    name: str
    app: web.Application
    environment: Callable[[str], Mapping[str, str]]
    """Variables that point the platform's clients here, given ``http://127.0.0.1:PORT``."""
    proxied_names: Sequence[str] = ()
    """Host name suffixes whose plain-HTTP requests the forward proxy hands to this plane, Host and target unchanged."""
    elsewhere: Sequence[web.Application] = ()
    """Applications of the same API that the twin serves itself, under names of their own."""


@dataclass(frozen=True)
class SiteView:
    """One public site, for status."""

    hostname: str
    live_release: str | None
    files: int


@dataclass
class Twin:
    """A platform as the sandbox runs it."""

    name: str
    resource_types: Sequence[ResourceType] = ()
    invokes: Mapping[str, Invoke] = field(default_factory=dict)
    """Provider functions by token."""
    control: Sequence[ControlPlane] = ()
    public: web.Application | None = None
    """Data plane: serves every site of the platform by Host header."""
    edge: web.Application | None = None
    """Set by the one twin that stands in front of the others; served at the site's address."""
    sites: Callable[[], Sequence[SiteView]] = list
    """The platform's sites, newest first."""
    deployments: Callable[[], Sequence[str]] | None = None
    """Release of every whole deployment that is there, shown or not, as often as it was made. None where the platform
    cannot hold one release twice."""
    health: Callable[[], Mapping[str, str]] = dict
    """Hostname → healthy, unhealthy or unknown; only of the twin that probes."""
