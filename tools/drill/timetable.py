"""When a drill breaks and heals a platform, and what the stack's settings promise for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from components.settings import Settings
from planning.detection import Checking

Mode = Literal["load-balancer", "worker"]
Kind = Literal["down", "crash", "tls-expired", "error", "wrong-bytes", "slow"]
MODES: tuple[Mode, ...] = get_args(Mode)
KINDS: tuple[Kind, ...] = get_args(Kind)
#: A connection fails: the edge repeats the request on the next platform by itself.
HARD = frozenset({"down", "crash", "tls-expired"})
#: Share of a drill's time before the platform breaks, and while it is broken; the rest is for its return.
_BEFORE, _BROKEN = 0.1, 0.4
_LEAST = 10.0


@dataclass(frozen=True)
class Drill:
    """One platform, which serves all visitors, failing in one way."""

    mode: Mode
    platform: str
    kind: Kind

    @property
    def hard(self) -> bool:
        """Whether connections fail."""
        return self.kind in HARD

    @property
    def excused(self) -> bool:
        """Whether a visitor may see a bad answer at all.

        A Worker asks the next platform for the same visitor. A load balancer does so where a connection fails, and not
        where an answer broke off, or never began on an open connection (520), or is an error page of the platform.
        https://developers.cloudflare.com/load-balancing/understand-basics/adaptive-routing/
        """
        return self.mode == "load-balancer" and (self.kind == "crash" or not self.hard)


@dataclass(frozen=True)
class Timetable:
    """Seconds of the wall clock since the load began."""

    breaks: float
    heals: float
    ends: float

    @classmethod
    def of(cls, seconds: float) -> Timetable:
        """For a drill of so many seconds, 10 at the least."""
        if seconds < _LEAST:
            raise ValueError(f"a drill takes {_LEAST:.0f} seconds or more, not {seconds:g}")
        return cls(_BEFORE * seconds, (_BEFORE + _BROKEN) * seconds, seconds)


def promised(settings: Settings, drill: Drill, least_timeout: float = 0.0) -> float:
    """Seconds of the edge's clock after which no visitor may be sent to the broken platform any more.

    ``least_timeout``: seconds of that clock which the edge gives a check at the least, whatever the settings say.

    With a load balancer: the last check before the failure may just have passed, then ``monitorDown`` checks must fail.
    A Worker, and any edge after a failed connection, asks the next platform for the same visitor: 0.
    """
    if drill.mode == "worker" or drill.hard:
        return 0.0
    timeout = max(settings.monitor_timeout, least_timeout)
    checking = Checking(settings.monitor_interval, timeout, settings.monitor_retries)
    return settings.monitor_down * settings.monitor_interval + checking.lag(hard=drill.kind == "slow")
