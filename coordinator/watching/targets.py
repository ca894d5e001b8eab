"""What is asked: each platform by its own name, the public name, and the name servers of its zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: Serves the release id and a constant word; the load balancer's monitor asks for it too.
HEALTH_PATH = "/.well-known/release.json"


@dataclass(frozen=True)
class Page:
    """A site that must answer with the release record."""

    name: str
    url: str
    """``https://…``, without a path."""
    host: str
    """Host header and TLS name."""
    token: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """The floor of headers: the answer must have each of them, at least as strict."""


@dataclass(frozen=True)
class Address:
    """An address of somebody's own that must answer with a status, and with a text where one is given."""

    name: str
    url: str
    status: int = 200
    contains: str = ""


@dataclass(frozen=True)
class Zone:
    """A name that every authoritative name server of its zone must know."""

    name: str
    hostname: str
    servers: Sequence[str] = ()
    """Addresses ``ip`` or ``ip:port``; empty asks the DNS for the zone's own."""


Target = Page | Address | Zone


@dataclass(frozen=True)
class Finding:
    """What one look found. ``at`` is Unix seconds."""

    target: str
    at: float
    good: bool
    why: str = ""
    """One clause without addresses or secrets; empty where all is well."""
    seconds: float = 0.0
    """From the request to the last byte."""
    release: str = ""
    certificate_days: float | None = None
    """Until the certificate ends; None without TLS or before the handshake."""
