"""The drills as a picture: who served, and who got a bad answer, second by second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.drill.findings import Findings

# Okabe and Ito's palette, which the colour-blind can tell apart: https://jfly.uni-koeln.de/color/
_PALETTE = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#CC79A7", "#F0E442")
_RED, _GREY, _INK = "#D55E00", "#BBBBBB", "#222222"
_STYLE: dict[Any, Any] = {"font.family": "DejaVu Sans", "font.size": 8, "text.color": _INK, "svg.hashsalt": "drill"}
_OTHER = {"copy": "#999999", "": _GREY}
_COLUMNS = 2


def draw(found: Sequence[Findings], folder: Path) -> tuple[Path, Path]:
    """Write ``drill.png`` and ``drill.svg``; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    png, svg = folder / "drill.png", folder / "drill.svg"
    with mpl.rc_context(_STYLE):
        figure = _figure(found)
        figure.savefig(png, dpi=130, metadata={"Software": None})
        figure.savefig(svg, metadata={"Date": None, "Creator": None, "Title": "What visitors saw in each drill"})
    return png, svg


def _figure(found: Sequence[Findings]) -> Figure:
    rows = -(-len(found) // _COLUMNS)
    figure = Figure(figsize=(11, 1.9 * rows + 0.8), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True)
    names = sorted({sample.by for one in found for sample in one.samples if sample.by not in _OTHER})
    colours = {**dict(zip(names, _PALETTE, strict=False)), **_OTHER}
    for axes in grid.flat[len(found) :]:
        axes.axis("off")
    for axes, one in zip(grid.flat, found, strict=False):
        _panel(axes, one, colours)
    handles = [
        mpl.patches.Patch(color=colours.get(name, _GREY), label=name or "not told") for name in [*names, *_OTHER]
    ]
    handles.append(mpl.patches.Patch(color=_RED, label="failed or wrong"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
    figure.supxlabel("seconds; the platform is broken between the dotted lines")
    figure.supylabel("visitors in each second")
    return figure


def _panel(axes: Axes, one: Findings, colours: Mapping[str, str]) -> None:
    """Requests of each second of the wall clock, stacked by who answered."""
    seconds = np.arange(int(np.ceil(one.timetable.ends)))
    shown = {name: _each_second(one, name, len(seconds)) for name in sorted({sample.by for sample in one.samples})}
    bad = np.bincount([int(sample.at) for sample in one.bad], minlength=len(seconds))[: len(seconds)]
    floor = np.zeros(len(seconds))
    for counts, colour in [*((counts, colours.get(name, _GREY)) for name, counts in shown.items()), (bad, _RED)]:
        axes.stairs(floor + counts, np.arange(len(seconds) + 1), baseline=floor, fill=True, color=colour)
        floor = floor + counts
    axes.axvspan(one.timetable.breaks, one.timetable.heals, facecolor="none", edgecolor=_INK, linestyle=":")
    total, wrong = len(one.samples), len(one.bad)
    axes.set_title(f"{one.drill.mode}: {one.drill.platform} {one.drill.kind} – {wrong:,} of {total:,} bad", loc="left")
    axes.set_xlim(0, one.timetable.ends)
    axes.spines[["top", "right"]].set_visible(False)


def _each_second(one: Findings, name: str, length: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    moments = [int(sample.at) for sample in one.samples if sample.by == name and sample.outcome == "right"]
    return np.bincount(moments, minlength=length)[:length] if moments else np.zeros(length, dtype=np.int64)
