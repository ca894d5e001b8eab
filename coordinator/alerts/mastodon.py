"""Mastodon: a public post, so it says nothing that is not for everybody.

https://docs.joinmastodon.org/methods/statuses/#create
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx

from coordinator.alerts.answers import require_taken
from coordinator.alerts.channels import Message, NotTaken

#: Characters of a post where a server says nothing else. https://docs.joinmastodon.org/user/posting/#text
LONGEST = 500
#: What would call somebody, or put the post under a tag, is followed by a space of no width, so that it does not.
_CALLS = re.compile(r"([@\uFF20#\uFF03])(?=\w)")


@dataclass(frozen=True)
class Mastodon:
    """An account's token with the scope ``write:statuses``."""

    instance: str
    token: str = field(repr=False)
    http: httpx.AsyncClient = field(repr=False)
    visibility: str = "public"
    name: str = "mastodon"

    async def send(self, message: Message) -> None:
        """Post it; raises NotTaken. The instance knows the key for an hour, and posts no second time in that."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": message.key}
        form = {"status": shortened(neutral(message.subject)), "visibility": self._seen_by(message), "language": "en"}
        try:
            answer = await self.http.post(f"{self.instance.rstrip('/')}/api/v1/statuses", data=form, headers=headers)
        except httpx.HTTPError as error:
            raise NotTaken(f"the Mastodon instance was not reached ({type(error).__name__})") from error
        require_taken(answer.status_code, answer.headers, "the Mastodon instance")

    def _seen_by(self, message: Message) -> str:
        """A test is for the account alone; good news is on its page, and in nobody's public time line."""
        if message.kind == "test":
            return "direct"
        return "unlisted" if message.closes and self.visibility == "public" else self.visibility


def neutral(text: str) -> str:
    """Without mentions and tags: what a platform is called must not notify a stranger of that name."""
    return _CALLS.sub("\\1\u200b", text)


def shortened(text: str) -> str:
    """At most 500 characters; the subject only, for the text may name what is not for everybody."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
