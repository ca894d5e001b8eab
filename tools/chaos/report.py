"""The findings as a table, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from tools.chaos.findings import Case, Row, rows
from website.statcache import replace_atomically

_HEADINGS = ("part", "what was done", "cases", "held", "broken", "outcomes", "minutes")


def table(cases: Sequence[Case]) -> Table:
    """One row for each thing that was tried in many ways."""
    result = Table(title="Chaos", title_justify="left", header_style="bold")
    for heading in _HEADINGS:
        result.add_column(heading, overflow="fold")
    for row in rows(cases):
        result.add_row(*_cells(row), style="red" if row.broken else None)
    return result


def markdown(cases: Sequence[Case], seed: int) -> str:
    """The same for a page, with what broke."""
    lines = [f"| {' | '.join(_HEADINGS)} |", "|" + "---|" * len(_HEADINGS)]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows(cases)]
    lines += ["", f"Seed {seed}.", ""]
    lines += [f"- {case.part}, {case.row}, {case.what}: {sentence}" for case in cases for sentence in case.broken]
    return "\n".join(lines).rstrip() + "\n"


def as_json(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """Every case, for programs; seconds."""
    return {"seed": seed, "broken": sum(bool(case.broken) for case in cases), "cases": [asdict(case) for case in cases]}


def write(cases: Sequence[Case], seed: int, folder: Path) -> None:
    """Leave ``chaos.md`` and ``chaos.json`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_atomically(folder / "chaos.md", markdown(cases, seed).encode())
    replace_atomically(folder / "chaos.json", json.dumps(as_json(cases, seed), indent=2).encode())


def _cells(row: Row) -> list[str]:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in row.outcomes.most_common())
    minutes = sum(case.seconds for case in row.cases) / 60
    total = len(row.cases)
    return [row.part, row.name, str(total), str(total - row.broken), str(row.broken), outcomes, f"{minutes:.1f}"]
