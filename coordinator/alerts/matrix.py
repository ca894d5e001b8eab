"""Matrix: a notice in a room.

The transaction id is the message's key, so a repetition with the same token is the same event.
https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote

import httpx

from coordinator.alerts.answers import require_taken
from coordinator.alerts.channels import Message, NotTaken

_MILLISECONDS = 1000


@dataclass(frozen=True)
class Matrix:
    """A room that the token's account has joined, not encrypted. Keep the token: another login is another sender."""

    homeserver: str
    room: str
    """Its id (``!…``), not an alias."""
    token: str = field(repr=False)
    http: httpx.AsyncClient = field(repr=False)
    name: str = "matrix"

    async def send(self, message: Message) -> None:
        """Send it; raises NotTaken."""
        path = f"/_matrix/client/v3/rooms/{quote(self.room, safe='')}/send/m.room.message/{quote(message.key, safe='')}"
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = await self.http.put(self.homeserver.rstrip("/") + path, json=content(message), headers=headers)
        except httpx.HTTPError as error:
            raise NotTaken(f"the Matrix homeserver was not reached ({type(error).__name__})") from error
        if wait := _asked_to_wait(answer):
            raise NotTaken("the Matrix homeserver asks to wait", after=wait)
        require_taken(answer.status_code, answer.headers, "the Matrix homeserver")


def content(message: Message) -> dict[str, Any]:
    """A notice, which bots leave alone, in plain text and in HTML.

    Empty ``m.mentions`` says that nobody is meant by name, whatever the text looks like.
    https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes, #user-and-room-mentions
    """
    lines = escape(message.text).replace("\n", "<br>")
    return {
        "msgtype": "m.notice",
        "body": f"{message.subject}\n\n{message.text}".strip(),
        "format": "org.matrix.custom.html",
        "formatted_body": f"<strong>{escape(message.subject)}</strong>" + (f"<br>{lines}" if lines else ""),
        "m.mentions": {},
    }


def _asked_to_wait(answer: httpx.Response) -> float:
    """Seconds, from the error M_LIMIT_EXCEEDED; 0 for every other answer."""
    if answer.is_success or "json" not in answer.headers.get("Content-Type", ""):
        return 0.0
    try:
        said = answer.json()
    except ValueError:
        return 0.0
    wait = said.get("retry_after_ms") if isinstance(said, dict) and said.get("errcode") == "M_LIMIT_EXCEEDED" else None
    return wait / _MILLISECONDS if isinstance(wait, int | float) and wait > 0 else 0.0
