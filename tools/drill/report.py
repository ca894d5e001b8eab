"""The drills as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from tools.drill.findings import Findings

#: Share of the time without a processor from which on it is the machine that fails.
_BUSY = 0.2
_HEADINGS = ("requests", "failed", "wrong", "p99 wait", "last affected", "promised", "edge noticed", "whole again")


def table(found: Sequence[Findings]) -> Table:
    """One row for each drill. Times but ``p99 wait`` are seconds of the edge's clock."""
    result = Table(title="What visitors saw", title_justify="left", header_style="bold")
    for heading in ("edge", "platform", "fault"):
        result.add_column(heading)
    for heading in _HEADINGS:
        result.add_column(heading, justify="right")
    for one in found:
        style = "red" if one.broken_promises else ""
        result.add_row(one.drill.mode, one.drill.platform, one.drill.kind, *_cells(one), style=style)
    return result


def _cells(one: Findings) -> list[str]:
    times = [one.last_affected, one.promised, one.noticed, one.whole_again]
    counts = [len(one.samples), one.count("failed"), one.count("wrong")]
    return [*(f"{count:,}" for count in counts), f"{one.slowest * 1000:.0f} ms", *map(_seconds, times)]


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def as_json(found: Sequence[Findings]) -> list[dict[str, Any]]:
    """The same for programs; seconds."""
    return [
        {
            "edge": one.drill.mode,
            "platform": one.drill.platform,
            "fault": one.drill.kind,
            "requests": len(one.samples),
            "failed": one.count("failed"),
            "wrong": one.count("wrong"),
            "reasons": dict(one.reasons),
            "brokenPromises": len(one.broken_promises),
            "p99Wait": one.slowest,
            "lastAffected": one.last_affected,
            "promised": one.promised,
            "edgeNoticed": one.noticed,
            "wholeAgain": one.whole_again,
            "starved": one.starved,
        }
        for one in found
    ]


def progress(one: Findings) -> str:
    """One line for a drill that has just ended."""
    named = f"{one.drill.mode}, {one.drill.platform} {one.drill.kind}"
    why = f" ({_counted(one.reasons)})" if one.bad else ""
    return f"{named}: {len(one.bad):,} of {len(one.samples):,} bad{why}."


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} × {why}" for why, count in reasons.items())


def complaints(found: Sequence[Findings]) -> list[str]:
    """One line for each drill in which visitors saw what the settings leave no room for."""
    return [
        f"{one.drill.mode}, {one.drill.platform} {one.drill.kind}: {len(one.broken_promises)} bad answers outside the "
        f"{one.promised:.0f} s that the settings imply ({_counted(one.reasons)}){_excuse(one)}"
        for one in found
        if one.broken_promises
    ]


def _excuse(one: Findings) -> str:
    if one.starved is None or one.starved < _BUSY:
        return ""
    return (
        f"; the edge waited {one.starved:.0%} of the time for a processor: this machine was too busy for that many "
        "requests, so run it again when it is quiet, or with a lower RATE"
    )
