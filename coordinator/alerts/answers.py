"""What an HTTP answer to a message means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from coordinator.alerts.channels import NotTaken

_TOO_MANY, _SERVER_ERROR, _TIMEOUT = 429, 500, 408
_LONGEST_WAIT = 3600.0


def require_taken(status: int, headers: Mapping[str, str], who: str) -> None:
    """Raise NotTaken unless the status is 2xx. Refusals are not repeated; overload and errors of the server are."""
    if 200 <= status < 300:
        return
    again = status >= _SERVER_ERROR or status in {_TOO_MANY, _TIMEOUT}
    raise NotTaken(f"{who} answered {status}", again=again, after=retry_after(headers.get("Retry-After", "")))


def retry_after(value: str) -> float:
    """Seconds, from a number or a date; 0 for nonsense, an hour at the most.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    return min(max(seconds, 0.0), _LONGEST_WAIT) if math.isfinite(seconds) else 0.0


def _until(value: str) -> float:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0.0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
