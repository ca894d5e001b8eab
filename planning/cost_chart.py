"""Cost against traffic, and where each free tier ends, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from planning.consumption import Declared, Mode
from planning.cost import Bill, Facts, Line, alone, bill
from planning.figures import amount, dollars
from planning.traffic import Load

# Okabe and Ito's palette, which the colour-blind can tell apart: https://jfly.uni-koeln.de/color/
_BLUE, _ORANGE, _RED, _GREY, _INK = "#0072B2", "#E69F00", "#D55E00", "#767676", "#222222"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is there
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GREY,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "svg.hashsalt": "cost",
    "svg.fonttype": "path",
}
_FROM, _TO, _POINTS = -1, 4, 121
"""Decades of gigabytes a month, and points of a curve."""
_NAMES: dict[Mode, str] = {"load-balancer": "Load Balancing", "worker": "Worker"}
_STOPPED = "stops"
_SITE_ITEMS = ("traffic", "requests", "credits", "worker-requests", "function-calls", "key-reads")
"""Items whose free part visitors use up, as they are drawn."""


def draw(found: Bill, facts: Facts, name: str, folder: Path) -> tuple[Path, Path]:
    """Write ``cost.png`` and ``cost.svg``; the same bytes for the same bill. Returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        figure = _figure(found, facts, name)
        png, svg = folder / "cost.png", folder / "cost.svg"
        figure.savefig(png, dpi=150, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None, "Title": f"Monthly cost of stack {name}"})
    return png, svg


def ends(stack: Declared, load: Load, facts: Facts) -> list[tuple[Line, Decimal]]:
    """Each item whose free part visitors use up, and the gigabytes a month at which one platform alone does."""
    found = [line for platform in stack.hosts for line in alone(stack, platform, load, facts)]
    found += [line for line in bill(stack, load, facts).lines if line.item == "worker-requests"]
    return [
        (line, until * load.gigabytes)
        for line in found
        if line.item in _SITE_ITEMS and (until := line.visits_until_end) is not None
    ]


def _figure(found: Bill, facts: Facts, name: str) -> Figure:
    rows = ends(found.declared, found.load, facts)
    figure = Figure(figsize=(10, 5.4 + 0.3 * len(rows)), layout=ConstrainedLayoutEngine(h_pad=0.12), facecolor="white")
    upper, lower = figure.subplots(2, 1, height_ratios=(4.2, 0.5 + 0.3 * len(rows)), sharex=True)
    _curves(upper, found, facts)
    _ends(lower, rows, found)
    unknown = " and what is unknown" if found.unknown else ""
    title = f"Stack {name}: {dollars(found.total)} a month{unknown} at {amount(found.load.all_gigabytes)} GB"
    figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    return figure


def _curves(axes: Axes, found: Bill, facts: Facts) -> None:
    """The total in both modes; where part of the visits is served by nobody the line is broken."""
    sizes = [Decimal(10) ** (_FROM + Decimal(_TO - _FROM) * step / (_POINTS - 1)) for step in range(_POINTS)]
    highest = 0.0
    modes: tuple[Mode, ...] = ("load-balancer", "worker")
    for mode in modes:
        bills = [_at(found, facts, mode, size) for size in sizes]
        known = [float(one.total) for one in bills]
        color = _BLUE if mode == "load-balancer" else _ORANGE
        width = 2.6 if mode == found.declared.mode else 1.4
        whole = [cost if not one.unserved else float("nan") for cost, one in zip(known, bills, strict=True)]
        axes.plot([float(one) for one in sizes], known, color=color, linewidth=width, linestyle=":")
        axes.plot([float(one) for one in sizes], whole, color=color, linewidth=width, label=_NAMES[mode])
        highest = max(highest, *known)
    here = float(found.load.all_gigabytes)
    if here > 0:
        axes.plot(
            [here], [float(found.total)], marker="o", markersize=8, color=_INK, linestyle="none", label="this month"
        )
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(-0.15, max(30.0, highest) * 1.6)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylabel("US dollars a month")
    axes.set_title("Cost against traffic (dotted: some visits are served by nobody)", loc="left", fontsize=10.5)
    axes.legend(frameon=False, loc="upper left")
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    _bare(axes, "top", "right")


def _at(found: Bill, facts: Facts, mode: Mode, gigabytes: Decimal) -> Bill:
    load = replace(found.load, visits=gigabytes / found.load.gigabytes)
    return bill(replace(found.declared, mode=mode), load, facts)


def _ends(axes: Axes, rows: Sequence[tuple[Line, Decimal]], found: Bill) -> None:
    """One bar for each item: free up to its end, and what happens there."""
    least = 10.0**_FROM
    for row, (line, size) in enumerate(reversed(rows)):
        until = max(least, float(size))
        color = _RED if line.row.stops else _GREY
        axes.barh(row, until - least, left=least, height=0.6, color=color)
        what = "at once" if float(size) <= least else f"{amount(size)} GB"
        axes.annotate(
            f"{what}: {_STOPPED if line.row.stops else line.row.end}",
            (until, row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
        )
    axes.set_yticks(range(len(rows)), [f"{line.provider}, {line.row.text}" for line, _ in reversed(rows)], fontsize=9)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xscale("log")
    axes.set_xlim(least, 10.0**_TO * 6)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    each = f"{amount(found.load.gigabytes * 1000)} MB and {amount(found.load.requests)} requests"
    axes.set_xlabel(f"visitors' gigabytes a month, logarithmic (a visit: {each})")
    axes.set_title(
        "Where each free part ends, if that platform serves everybody (red: it stops then)", loc="left", fontsize=10.5
    )
    axes.tick_params(axis="y", length=0)
    _bare(axes, "top", "right", "left")


def _bare(axes: Axes, *sides: str) -> None:
    for side in sides:
        axes.spines[side].set_visible(False)
