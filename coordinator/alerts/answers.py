"""What an HTTP answer to a message means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from coordinator.alerts.channels import NotTaken

#: Answers about the message itself: sent again it would be refused again.
_ABOUT_THE_MESSAGE = frozenset({400, 409, 413, 414, 415, 422})
#: Answers about the channel's set-up, and what to look at. Somebody may set it right while the message waits.
_ABOUT_THE_CHANNEL = {
    401: "its token is not valid (any more)",
    403: "its token may not do this",
    404: "what it is asked for is not there",
    410: "what it is asked for is gone",
}
SET_UP_PAUSE = 900.0
"""Seconds until a channel is asked again whose set-up is wrong."""
_LONGEST_WAIT = 3600.0


def require_taken(status: int, headers: Mapping[str, str], who: str) -> None:
    """Raise NotTaken unless the status is 2xx.

    Only a message that is wrong itself is not sent again. A token that has run out must not lose what waits.
    """
    if 200 <= status < 300:
        return
    after = retry_after(headers.get("Retry-After", ""))
    if advice := _ABOUT_THE_CHANNEL.get(status):
        raise NotTaken(f"{who} answered {status}: {advice}", after=max(after, SET_UP_PAUSE))
    raise NotTaken(f"{who} answered {status}", again=status not in _ABOUT_THE_MESSAGE, after=after)


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
