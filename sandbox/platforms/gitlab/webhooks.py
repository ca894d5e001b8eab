"""Webhooks of the GitLab twin.

Headers: https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers. Signing is that of Standard
Webhooks: https://docs.gitlab.com/user/project/integrations/webhooks/#signing-tokens. A webhook that fails four times
in a row is switched off for a while: https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks.
"""

from __future__ import annotations

import datetime
import fnmatch
import json
import uuid
from collections.abc import Sequence
from typing import Any

from standardwebhooks import Webhook

from sandbox.git.repositories import NO_COMMIT, Repositories
from sandbox.git.sending import Sending
from sandbox.platforms.gitlab.account import HOOK, HOOK_EVENTS, HOOK_HEALTH, NAMESPACE, USER
from sandbox.store import Document, Store
from sandbox.world import Clock

#: Failures in a row until a webhook is left alone, the first pause, and the longest: sandbox seconds.
_FAILURES, _PAUSE, _LONGEST = 4, 60.0, 86_400.0
_GONE = 40
#: A push of more refs than this starts no webhooks: https://docs.gitlab.com/administration/settings/push_event_activities_limit/
MOST_REFS = 3
_LISTED_COMMITS = 20


class Webhooks:
    """Sends the push events that projects' hooks ask for."""

    def __init__(self, store: Store, repositories: Repositories, clock: Clock) -> None:
        self._store = store
        self._repositories = repositories
        self._clock = clock
        self.sending = Sending(patience=10.0)

    def pushed(self, project: Document, path: str, changes: Sequence[tuple[str, str, str]]) -> None:
        """Tell every hook of a project of a push to its branches."""
        branches = [change for change in changes if change[2].startswith("refs/heads/")]
        if len(branches) > MOST_REFS:
            return
        for identifier, hook in self._store.all(HOOK).items():
            if str(hook["project_number"]) != str(project["id"]) or not hook.get("pushEvents", True):
                continue
            for old, new, ref in branches:
                if self._wants(identifier, hook, ref.removeprefix("refs/heads/")):
                    self.sending.begin(self._tell(identifier, project, path, (old, new, ref)))

    def _wants(self, identifier: str, hook: Document, branch: str) -> bool:
        if self.state(identifier)["alert_status"] != "executable":
            return False
        pattern, strategy = hook.get("pushEventsBranchFilter") or "", hook.get("branchFilterStrategy") or "wildcard"
        return strategy == "all_branches" or not pattern or fnmatch.fnmatchcase(branch, pattern)

    async def _tell(self, identifier: str, project: Document, path: str, change: tuple[str, str, str]) -> None:
        hook = self._store.get(HOOK, identifier)
        if hook is None:
            return
        body = json.dumps(await self._event(project, path, change)).encode()
        headers = _headers(hook, body)
        answered = await self.sending.send(str(hook["url"]), headers, body)
        record = {
            "id": headers["X-Gitlab-Event-UUID"],
            "hook": identifier,
            "url": hook["url"],
            "trigger": "push_hooks",
            "response_status": str(answered.status or "internal error"),
            "execution_duration": answered.seconds,
        }
        self._store.put(HOOK_EVENTS, str(record["id"]), record)
        self._noted(identifier, taken=answered.taken)

    def _noted(self, identifier: str, *, taken: bool) -> None:
        """Count failures in a row. GitLab doubles the pause from the fourth on."""
        failures = 0 if taken else self._health(identifier)["failures"] + 1
        pause = min(_PAUSE * 2 ** (failures - _FAILURES), _LONGEST) if failures >= _FAILURES else 0.0
        self._store.put(HOOK_HEALTH, identifier, {"failures": failures, "rests_until": self._clock.now() + pause})

    def _health(self, identifier: str) -> Document:
        return self._store.get(HOOK_HEALTH, identifier) or {"failures": 0, "rests_until": 0.0}

    def state(self, identifier: str) -> dict[str, Any]:
        """What the API says of a hook's failures."""
        health = self._health(identifier)
        if health["failures"] >= _GONE:
            return {"alert_status": "disabled", "disabled_until": None}
        if health["failures"] < _FAILURES or self._clock.now() >= health["rests_until"]:
            return {"alert_status": "executable", "disabled_until": None}
        until = datetime.datetime.fromtimestamp(health["rests_until"], datetime.UTC).isoformat(timespec="seconds")
        return {"alert_status": "temporarily_disabled", "disabled_until": until.replace("+00:00", "Z")}

    async def _event(self, project: Document, path: str, change: tuple[str, str, str]) -> dict[str, Any]:
        """https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events."""
        old, new, ref = change
        commits = [] if new == NO_COMMIT else await self._repositories.log(project["id"], new, _LISTED_COMMITS)
        before = next((place for place, commit in enumerate(commits) if commit["id"] == old), len(commits))
        return {
            "object_kind": "push",
            "event_name": "push",
            "before": old,
            "after": new,
            "ref": ref,
            "ref_protected": ref == f"refs/heads/{project['default_branch']}",
            "checkout_sha": None if new == NO_COMMIT else new,
            "user_id": USER["id"],
            "user_username": USER["username"],
            "project_id": project["id"],
            "project": {
                "id": project["id"],
                "name": project["name"],
                "namespace": NAMESPACE["name"],
                "path_with_namespace": path,
                "default_branch": project["default_branch"],
            },
            "commits": [{"id": commit["id"], "message": commit["message"]} for commit in commits[:before][::-1]],
            "total_commits_count": before,
        }


def _headers(hook: Document, body: bytes) -> dict[str, str]:
    delivery = str(uuid.uuid4())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitLab/19.0.0",
        "X-Gitlab-Event": "Push Hook",
        "X-Gitlab-Webhook-UUID": str(hook["uuid"]),
        "X-Gitlab-Event-UUID": delivery,
        "Idempotency-Key": delivery,
    }
    if hook.get("token"):
        headers["X-Gitlab-Token"] = str(hook["token"])
    if hook.get("signingToken"):
        moment = datetime.datetime.now(datetime.UTC)
        headers |= {
            "webhook-id": delivery,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(str(hook["signingToken"])).sign(delivery, moment, body.decode()),
        }
    return headers
