"""Health of endpoints and pools, as Cloudflare's documentation tells it. Pure: no clock, no network.

https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.store import Document

State = Literal["unknown", "healthy", "unhealthy"]
EndpointKey = tuple[str, str, str]
"""Pool id, endpoint name, address: a new address starts unknown."""


@dataclass(frozen=True)
class ProbeResult:
    """What one check found."""

    passed: bool
    reason: str = "No failures"
    code: int | None = None
    seconds: float = 0.0


@dataclass
class EndpointHealth:
    """What the checks of one endpoint add up to."""

    state: State = "unknown"
    passes: int = 0
    """Passed checks in a row."""
    failures: int = 0
    """Failed checks in a row."""
    last: ProbeResult | None = None

    def record(self, result: ProbeResult, monitor: Document) -> bool:
        """Add a result; True when the state changed.

        The first result settles an unknown state. Afterwards ``consecutive_down`` failures or ``consecutive_up``
        passes in a row flip it; 0 means 1. One pass after a long outage counts like any other: there is no ramp.
        """
        before, self.last = self.state, result
        self.passes = self.passes + 1 if result.passed else 0
        self.failures = 0 if result.passed else self.failures + 1
        if self.state == "unknown":
            self.state = "healthy" if result.passed else "unhealthy"
        elif self.passes >= max(1, monitor["consecutive_up"]):
            self.state = "healthy"
        elif self.failures >= max(1, monitor["consecutive_down"]):
            self.state = "unhealthy"
        return self.state != before


def endpoint_key(pool: Document, endpoint: Document) -> EndpointKey:
    """Where the health of an endpoint is kept."""
    return pool["id"], str(endpoint["name"]), str(endpoint["address"])


@dataclass(frozen=True)
class HealthView:
    """Health of all endpoints at this moment."""

    endpoints: Mapping[EndpointKey, EndpointHealth]

    def state(self, pool: Document, endpoint: Document) -> State:
        """State of an endpoint; unknown before its first result."""
        found = self.endpoints.get(endpoint_key(pool, endpoint))
        return found.state if found else "unknown"

    def endpoint_up(self, pool: Document, endpoint: Document) -> bool:
        """Tell whether an endpoint may get visitors: with a monitor, only while it is known to be healthy."""
        return bool(endpoint["enabled"]) and (not pool.get("monitor") or self.state(pool, endpoint) == "healthy")

    def pool_up(self, pool: Document) -> bool:
        """Tell whether enough endpoints of an enabled pool are up."""
        up = sum(self.endpoint_up(pool, endpoint) for endpoint in pool["origins"])
        return bool(pool["enabled"]) and up >= max(1, pool["minimum_origins"])

    def pool_state(self, pool: Document) -> State:
        """State of a pool as a person would read it; without a monitor it is unknown, though it serves."""
        states = [self.state(pool, endpoint) for endpoint in pool["origins"] if endpoint["enabled"]]
        if not pool.get("monitor") or not states or "unknown" in states:
            return "healthy" if pool.get("monitor") and self.pool_up(pool) else "unknown"
        return "healthy" if self.pool_up(pool) else "unhealthy"


def code_expected(expected: str, code: int) -> bool:
    """Tell whether a status is among the expected ones: ``200``, ``2xx``, or a list with commas."""
    wanted = [part.strip().lower() for part in expected.split(",")]
    return str(code) in wanted or f"{code // 100}xx" in wanted
