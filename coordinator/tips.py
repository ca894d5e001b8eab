"""What is the tip? Asked of the configured repository, whatever a webhook has said."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from website.errors import SourceError
from website.source import tip

#: Real seconds for one answer.
_PATIENCE = 60.0


class TipUnknown(Exception):
    """The repository does not say; the text is for people and holds no secret."""


class Tips(Protocol):
    """Where the tip is asked for."""

    async def tip(self) -> str:
        """The commit that the branch names now, full hex; raises TipUnknown."""


@dataclass(frozen=True)
class Remote:
    """A branch, tag or the default branch of a Git repository."""

    url: str
    ref: str | None

    async def tip(self) -> str:
        """Asked with ``git ls-remote``, of which the user's and the machine's Git settings know nothing."""
        try:
            return await asyncio.to_thread(tip, self.url, self.ref, _PATIENCE)
        except SourceError as error:
            raise TipUnknown(str(error)) from error

    def at(self, commit: str) -> str:
        """Content to publish: exactly this commit."""
        return f"{self.url}#{commit}"
