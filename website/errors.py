"""What can go wrong with the content.

SiteError
├── SourceError            the folder or the Git repository cannot be read
├── OptionsError           the stack's own settings for the site contradict themselves
├── ContentError           the content holds mistakes; all of them are listed
└── ChangedWhileReading    a file is not what it was when the manifest was made
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 50


class SiteError(Exception):
    """Base of all errors of this package; its text is for the user: what, why, what to do."""


class SourceError(SiteError):
    """The source names nothing that can be read."""


class OptionsError(SiteError):
    """A security header or a cache rule of the stack cannot be used."""


class ChangedWhileReading(SiteError):
    """The bytes on disk are no longer those of the manifest."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(
            f"{printable(path)} changed while it was read. "
            "Is a build still writing? Wait until it is done, then run again."
        )


def unreadable(path: str, error: OSError) -> SourceError:
    """The error for a file or folder that the operating system refuses to read."""
    return SourceError(
        f"{printable(path)} cannot be read: {error.strerror or type(error).__name__}. "
        "Check its permissions and the disk, then run again."
    )


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in the content: where it stands and what to do about it."""

    path: str
    line: int
    """Counted from 1; 0 where the mistake is the whole file."""
    text: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{printable(place)}: {self.text}"


class ContentError(SiteError):
    """The content cannot be published as it is; ``problems`` has every mistake, the text the first fifty."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"{count} {'mistake' if count == 1 else 'mistakes'} in the content; nothing was published."]
        lines += [f"  - {problem}" for problem in self.problems[:_SHOWN]]
        if count > _SHOWN:
            lines.append(f"  … and {count - _SHOWN} more; mend these first, then run again.")
        super().__init__("\n".join(lines))


def printable(text: str) -> str:
    """``text`` with everything that could upset a terminal written as an escape."""
    if text.isprintable() and text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in raw)
