"""What a channel is: it takes one message, or says why not and whether to try again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: Channels that everybody reads. They hear of the site and not of how it is looked after.
PUBLIC = frozenset({"mastodon"})
Kind = Literal["incident", "alerting", "heartbeat", "test"]


@dataclass(frozen=True)
class Message:
    """One alert. It is the same each time it is sent, so that a channel can tell a repetition."""

    key: str
    """Unique; up to 64 letters, digits and dashes."""
    thread: str
    """Key of the incident; messages of one thread belong together."""
    subject: str
    """One line."""
    text: str
    at: float
    """Unix seconds of what happened."""
    closes: bool = False
    """Whether it is good news."""
    kind: Kind = "incident"
    """``alerting`` is about another channel."""


class NotTaken(Exception):
    """A channel did not take a message. The text names no secret and no header's value."""

    def __init__(self, reason: str, *, again: bool = True, after: float = 0.0) -> None:
        """``again``: whether another attempt can help, in ``after`` seconds at the earliest."""
        super().__init__(reason)
        self.again = again
        self.after = after


class Channel(Protocol):
    """Sends messages to people."""

    @property
    def name(self) -> str:
        """Its key in the setting ``coordinator.alerts``."""

    async def send(self, message: Message) -> None:
        """Send it; raises NotTaken. A second time with the same key should reach nobody twice."""
