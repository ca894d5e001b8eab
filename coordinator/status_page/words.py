"""How numbers and moments are said on the page. A share is never rounded up: what is not reached is not shown."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_UNITS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))


def moment(at: float) -> str:
    """``30 November 2026, 09:16 UTC``."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")


def day(at: float) -> str:
    """``30 Nov``."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %b")


def iso(at: float) -> str:
    """RFC 3339, in seconds."""
    return datetime.fromtimestamp(int(at), UTC).isoformat()


def clock(at: float) -> str:
    """``09:16:05``, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def duration(seconds: float) -> str:
    """The two largest units: ``2 min 5 s``, ``3 h``, ``4 d 2 h``; rounded down to the smaller one."""
    left = int(seconds)
    if left < 1:
        return "0 s"
    place = next(number for number, (unit, _) in enumerate(_UNITS) if left >= unit)
    said = []
    for unit, name in _UNITS[place : place + 2]:
        if count := left // unit:
            said.append(f"{count} {name}")
        left %= unit
    return " ".join(said)


def short(seconds: float | None) -> str:
    """``2.3 s``; a dash where there is none."""
    return "–" if seconds is None else f"{seconds:.1f} s"


def milliseconds(seconds: float | None) -> str:
    """``128 ms``; a dash where there is none."""
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms"


def percent(share: float, digits: int) -> str:
    """``99.998 %``, cut off and not rounded; 100 only for all of it."""
    factor = 10 ** (digits + 2)
    whole = math.floor(share * factor + 1e-9) / factor
    return f"{whole * 100:.{digits}f} %"


def number(count: int) -> str:
    """With commas between thousands."""
    return f"{count:,}"
