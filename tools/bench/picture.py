"""What was measured as a picture: a panel for each part, a group of bars for each scenario."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.bench.comparing import Series

# Okabe and Ito's palette, which the colour-blind can tell apart: https://jfly.uni-koeln.de/color/
_PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_INK = "#222222"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is there
    "font.size": 8,
    "text.color": _INK,
    "svg.hashsalt": "bench",
}
_COLUMNS = 2


def draw(found: Sequence[Series], folder: Path) -> tuple[Path, Path]:
    """Write ``bench.png`` and ``bench.svg``; returns both paths."""
    png, svg = folder / "bench.png", folder / "bench.svg"
    with mpl.rc_context(_STYLE):
        figure = _figure(found)
        figure.savefig(png, dpi=130, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None, "Title": "Wall seconds, smallest of all rounds"})
    return png, svg


def _figure(found: Sequence[Series]) -> Figure:
    found = [one for one in found if one.smallest]
    parts = list(dict.fromkeys(one.part for one in found))
    columns = min(_COLUMNS, max(1, len(parts)))
    rows = max(1, -(-len(parts) // columns))
    figure = Figure(figsize=(5.5 * columns, 2.8 * rows + 0.5), layout="constrained")
    figure.suptitle("Wall seconds, smallest of all rounds; the line ends at the median (scale of powers of ten)")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(parts) :]:
        axes.axis("off")
    for axes, part in zip(grid.flat, parts, strict=False):
        _panel(axes, part, [one for one in found if one.part == part])
    return figure


def _panel(axes: Axes, part: str, series: Sequence[Series]) -> None:
    ways = list(dict.fromkeys(one.way for one in series))
    scenarios = list(dict.fromkeys(one.scenario for one in series))
    width = 0.8 / len(ways)
    for place, way in enumerate(ways):
        own = [one for one in series if one.way == way]
        at = [scenarios.index(one.scenario) + (place - (len(ways) - 1) / 2) * width for one in own]
        smallest = [one.smallest for one in own]
        above = [one.median - one.smallest for one in own]
        colour = _PALETTE[place % len(_PALETTE)]
        bars = axes.bar(at, smallest, width, yerr=[[0.0] * len(own), above], color=colour, ecolor=_INK, label=way)
        axes.bar_label(bars, [f"{value:.2f}" for value in smallest], label_type="center", color="white", fontsize=6)
    axes.set_yscale("log")
    axes.set_xticks(range(len(scenarios)), scenarios)
    axes.set_title(part, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=6)
