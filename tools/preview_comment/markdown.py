"""Text of strangers in Markdown: names of pages and messages come from the content, and must stay text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from website.errors import printable

_RUN = re.compile(r"`+")
_LONGEST = 200


def code(text: str) -> str:
    """A code span in which nothing is a link, a mention or markup; one line, at most 200 characters."""
    line = printable(text).replace("|", "\u2502")
    line = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    fence = "`" * (max((len(run) for run in _RUN.findall(line)), default=0) + 1)
    pad = " " if not line or line[0] in "` " or line[-1] in "` " else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as a table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def folded(title: str, body: str) -> str:
    """A part that is opened by a click."""
    return f"<details><summary>{title}</summary>\n\n{body.strip()}\n\n</details>\n"


def size(count: int | None) -> str:
    """Bytes for people; empty where they are not known."""
    if count is None:
        return ""
    value, units = float(count), ("bytes", "kB", "MB", "GB")
    for unit in units:
        if value < 1000 or unit == units[-1]:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    raise AssertionError
