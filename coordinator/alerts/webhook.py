"""A webhook of one's own, signed as https://www.standardwebhooks.com describes: the key is the delivery's id."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from standardwebhooks.webhooks import Webhook as Signer

from coordinator.alerts.answers import require_taken
from coordinator.alerts.channels import Message, NotTaken


@dataclass(frozen=True)
class Webhook:
    """``secret`` is base64, with or without ``whsec_`` before it; empty sends without a signature."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    http: httpx.AsyncClient = field(repr=False)
    name: str = "webhook"

    async def send(self, message: Message) -> None:
        """Post it as JSON; raises NotTaken."""
        body = json.dumps(
            {
                "type": _type(message),
                "timestamp": datetime.fromtimestamp(message.at, UTC).isoformat(),
                "data": {"thread": message.thread, "subject": message.subject, "text": message.text},
            }
        )
        try:
            answer = await self.http.post(self.url, content=body, headers=self._headers(message, body))
        except httpx.HTTPError as error:
            raise NotTaken(f"the webhook's address was not reached ({type(error).__name__})") from error
        require_taken(answer.status_code, answer.headers, "the webhook's address")

    def _headers(self, message: Message, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        headers = {"Content-Type": "application/json", "webhook-id": message.key}
        headers["webhook-timestamp"] = str(int(now.timestamp()))
        if self.secret:
            headers["webhook-signature"] = Signer(self.secret).sign(message.key, now, body)
        return headers


def _type(message: Message) -> str:
    """``incident.changed``, ``incident.closed``, likewise ``alerting.…``; ``heartbeat`` and ``test``."""
    if message.kind in {"heartbeat", "test"}:
        return message.kind
    return f"{message.kind}.{'closed' if message.closes else 'changed'}"
