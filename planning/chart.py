"""The estimate as a picture: where the minutes go, and what one change would bring."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator, NullLocator

from planning.changes import Change
from planning.model import TERMS, Estimate
from planning.verdict import TARGET, budget

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
    "svg.hashsalt": "availability",
    "svg.fonttype": "path",
}
_EQUAL = 0.05
"""Minutes a year below which two totals are shown as the same."""
_TITLE_WIDTH = 50
_LABEL = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9}


def draw(found: Estimate, changes: Sequence[Change], name: str, folder: Path) -> tuple[Path, Path]:
    """Write ``availability.png`` and ``availability.svg``; the same bytes for the same estimate. Returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        figure = _figure(found, changes, name)
        png, svg = folder / "availability.png", folder / "availability.svg"
        figure.savefig(png, dpi=150, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None, "Title": f"Expected downtime of stack {name}"})
    return png, svg


def _figure(found: Estimate, changes: Sequence[Change], name: str) -> Figure:
    terms = sorted((key for key in TERMS if found.minutes[key] > 0), key=lambda key: found.minutes[key])
    rows = (len(terms), len(changes) + 1)
    size = (10, 2.6 + 0.34 * sum(rows))
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(h_pad=0.12), facecolor="white")
    upper, lower = figure.subplots(2, 1, height_ratios=rows)
    _terms(upper, found, terms)
    _changes(lower, found, changes)
    figure.suptitle(
        f"Stack {name}: about {found.total:.0f} minutes of downtime a year are to be expected "
        f"({found.availability * 100:.3f} % available)",
        fontsize=12,
        fontweight="bold",
        x=0.01,
        ha="left",
    )
    return figure


def _terms(axes: Axes, found: Estimate, terms: Sequence[str]) -> None:
    for row, key in enumerate(terms):
        minutes = found.minutes[key]
        axes.barh(row, minutes, height=0.62, color=_RED if minutes > budget() else _BLUE)
        size = f"{minutes:.3g}" if minutes >= 0.01 else "less than 0.01"
        _label(axes, row, max(minutes, budget()), f"{size} min, {found.shares[key]:.0%}")
    axes.set_xlim(0, 1.22 * max(budget(), *found.minutes.values()))
    _dress(axes, [TERMS[key] for key in terms], "Where the minutes go (red: more than the target allows, by itself)")
    axes.set_xlabel("minutes of downtime a year")


def _changes(axes: Axes, found: Estimate, changes: Sequence[Change]) -> None:
    rows = [("as declared", found), *((one.title, one.estimate) for one in changes)][::-1]
    for row, (_, one) in enumerate(rows):
        color = _INK if one is found else _compared(one.total - found.total)
        low, high = one.total_range
        axes.plot([low, high], [row, row], color=color, linewidth=2.2, solid_capstyle="round")
        axes.plot([one.total], [row], marker="o", markersize=7, color=color)
        _label(axes, row, high, f"{one.total:.1f}")
    axes.set_xscale("log")
    least = min(budget(), *(one.total_range[0] for _, one in rows))
    axes.set_xlim(least / 1.6, 1.5 * max(one.total_range[1] for _, one in rows))
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5), numticks=30))
    axes.xaxis.set_minor_locator(NullLocator())
    _dress(axes, [title for title, _ in rows], "What one change would bring (blue: less, orange: more, grey: the same)")
    axes.set_xlabel("minutes of downtime a year, logarithmic (dot: expected, line: 90 % interval)")


def _compared(difference: float) -> str:
    if abs(difference) < _EQUAL:
        return _GREY
    return _BLUE if difference < 0 else _ORANGE


def _label(axes: Axes, row: int, minutes: float, text: str) -> None:
    axes.annotate(
        text,
        (minutes, row),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        bbox=_LABEL,
    )


def _dress(axes: Axes, names: Sequence[str], title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10.5, pad=18)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(names)), [textwrap.fill(name, _TITLE_WIDTH) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.axvline(budget(), color=_GREY, linestyle="--", linewidth=1.2, zorder=0)
    axes.annotate(
        f"{TARGET * 100:.5g} % allows {budget():.2f}",
        (budget(), 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 3),
        textcoords="offset points",
        fontsize=8.5,
        color=_INK,
    )
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
