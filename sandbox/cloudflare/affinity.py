"""Session affinity: the cookie by which a visitor stays with an endpoint.

https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import NamedTuple

from sandbox.store import Document

COOKIE = "__cflb"
#: Affinities that are kept in a cookie; the others are not played.
BY_COOKIE = frozenset({"cookie", "ip_cookie"})
#: Seconds; the API's default.
_LIFE = 82_800


class Session(NamedTuple):
    """Where an earlier answer came from."""

    pool: str
    endpoint: str


def session_of(balancer: Document, cookies: dict[str, str]) -> Session | None:
    """The session a request belongs to; None where there is none, or its cookie cannot be read."""
    if balancer.get("session_affinity") not in BY_COOKIE or COOKIE not in cookies:
        return None
    try:
        pool, endpoint = json.loads(base64.urlsafe_b64decode(cookies[COOKIE]))
    except (binascii.Error, ValueError, TypeError):
        return None
    return Session(str(pool), str(endpoint))


def cookie(balancer: Document, session: Session) -> str | None:
    """Set-Cookie that keeps a visitor in a session; None where the load balancer keeps none."""
    if balancer.get("session_affinity") not in BY_COOKIE:
        return None
    value = base64.urlsafe_b64encode(json.dumps(session).encode()).decode()
    life = balancer.get("session_affinity_ttl", _LIFE)
    return f"{COOKIE}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax"


def retried(balancer: Document) -> bool:
    """Tell whether a session may leave its endpoint when that refuses the connection; by default it may not."""
    attributes = balancer.get("session_affinity_attributes") or {}
    return str(attributes.get("zero_downtime_failover", "none")) != "none"
