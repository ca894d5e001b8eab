"""Webhooks of the GitHub twin.

Headers: https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers. A failed delivery is not sent
again by itself; who asks for it gets the same id: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from typing import Any

from sandbox.git.repositories import NO_COMMIT
from sandbox.git.sending import Sending
from sandbox.github.account import DELIVERIES, OWNER
from sandbox.github.repositories import Change, GitHub, now
from sandbox.store import Document

HOOK = "github:index/repositoryWebhook:RepositoryWebhook"
#: Branches or tags that one push may change for its webhooks to be sent.
#: https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
_MOST_REFS = 3
_LISTED_COMMITS = 2048


class Webhooks:
    """Sends what repositories' hooks ask for."""

    def __init__(self, forge: GitHub) -> None:
        self._forge = forge
        # https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks#respond-within-10-seconds
        self.sending = Sending(patience=10.0)
        forge.told.append(self.pushed)

    def _hooks(self, repository: Document, event: str) -> list[str]:
        return [
            identifier
            for identifier, hook in self._forge.store.all(HOOK).items()
            if hook["repository_number"] == repository["id"]
            and hook.get("active", True)
            and (event in hook["events"] or "*" in hook["events"])
        ]

    def pushed(self, repository: Document, changes: Sequence[Change]) -> None:
        """Tell every hook of a push, ref by ref."""
        if len(changes) > _MOST_REFS:
            return
        for identifier in self._hooks(repository, "push"):
            for change in changes:
                self.sending.begin(self._push(identifier, repository, change))

    async def _push(self, identifier: str, repository: Document, change: Change) -> None:
        await self.deliver(identifier, "push", await self._event(repository, change))

    async def deliver(self, identifier: str, event: str, payload: dict[str, Any], guid: str = "") -> None:
        """Send once, and note what came back."""
        store = self._forge.store
        hook = store.get(HOOK, identifier)
        if hook is None:
            return
        number, guid = self._forge.next_number(), guid or str(uuid.uuid4())
        body = json.dumps(payload).encode()
        answered = await self.sending.send(str(hook["configuration"]["url"]), _headers(hook, event, guid, body), body)
        record = {
            "id": number,
            "guid": guid,
            "event": event,
            "delivered_at": now(),
            "hook": identifier,
            "status_code": answered.status,
            "status": "OK" if answered.taken else "Invalid HTTP Response",
            "duration": round(answered.seconds, 3),
            "payload": payload,
            "answer": answered.body,
        }
        store.put(DELIVERIES, f"{number:09}", record)

    def ping(self, identifier: str, hook: Document) -> None:
        """The first event that a new hook gets."""
        payload = {"zen": "Keep it logically awesome.", "hook_id": int(identifier), "hook": {"events": hook["events"]}}
        self.sending.begin(self.deliver(identifier, "ping", payload))

    def deliveries(self, identifier: str) -> list[Document]:
        """Newest first."""
        found = [one for one in self._forge.store.all(DELIVERIES).values() if one["hook"] == identifier]
        return found[::-1]

    def again(self, delivery: Document) -> None:
        """Send a delivery once more, under its own id."""
        payload, guid = delivery["payload"], str(delivery["guid"])
        self.sending.begin(self.deliver(str(delivery["hook"]), str(delivery["event"]), payload, guid))

    async def _event(self, repository: Document, change: Change) -> dict[str, Any]:
        """https://docs.github.com/en/webhooks/webhook-events-and-payloads#push."""
        old, new, ref = change
        gone = new == NO_COMMIT
        commits = [] if gone else await self._forge.git.log(repository["id"], new, _LISTED_COMMITS)
        before = next((place for place, commit in enumerate(commits) if commit["id"] == old), len(commits))
        listed = [{"id": one["id"], "message": one["message"], "distinct": True} for one in commits[:before][::-1]]
        return {
            "ref": ref,
            "before": old,
            "after": new,
            "base_ref": None,
            "forced": False,
            "created": old == NO_COMMIT,
            "deleted": gone,
            "commits": listed,
            "head_commit": listed[-1] if listed else None,
            "repository": repository,
            "pusher": {"name": OWNER["login"]},
            "sender": OWNER,
        }


def _headers(hook: Document, event: str, guid: str, body: bytes) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/5a4db0c",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-GitHub-Hook-ID": str(hook["hook_number"]),
        "X-GitHub-Hook-Installation-Target-ID": str(hook["repository_number"]),
        "X-GitHub-Hook-Installation-Target-Type": "repository",
    }
    secret = hook["configuration"].get("secret")
    if secret:
        for name, kind in (("X-Hub-Signature", hashlib.sha1), ("X-Hub-Signature-256", hashlib.sha256)):
            found = hmac.new(str(secret).encode(), body, kind).hexdigest()
            headers[name] = f"{kind().name}={found}"
    return headers
