"""How a data file says everything that is wrong with it, at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError


class DataError(Exception):
    """A data file of the model cannot be used: every mistake, with its place."""


def sentences(place: str, error: ValidationError) -> list[str]:
    """One line for each mistake that pydantic found; ``place`` is put before it."""
    found = []
    for one in error.errors():
        field = ".".join(str(part) for part in one["loc"])
        reason = str(one["msg"]).removeprefix("Value error, ")
        given = "" if one["type"] == "missing" or not field else f" (is {one['input']!r})"
        found.append(f"{place}: {field + ': ' if field else ''}{reason}{given}")
    return found


def refuse(path: Path, found: Sequence[str]) -> None:
    """Raise DataError when there are mistakes."""
    if found:
        count = f"{len(found)} mistake{'s' if len(found) > 1 else ''}"
        raise DataError(f"{count} in {path}; correct the file:\n" + "\n".join(f"  - {line}" for line in found))
