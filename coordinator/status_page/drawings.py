"""The small pictures of the page, as SVG in the colours of the page. What they show stands beside them in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from markupsafe import Markup, escape

_BAR_STEP, _BAR_HEIGHT = 4, 32
_LINE_HEIGHT = 24
#: Shares of good looks from which on a day is drawn as well, and as partly well.
_WELL, _PARTLY = 0.9999, 0.99
#: Height of a bar, so that nobody needs to tell colours apart.
_HEIGHTS: Mapping[str, int] = {"well": 32, "partly": 24, "unwell": 15, "none": 4}
_LEAST_TOP = 0.05
"""Seconds at the top of a line, at the least: a fast answer's jitter is no mountain."""


def bars(days: Sequence[float | None]) -> Markup:
    """One bar for each day, oldest first; the lower the worse, and lowest where nobody looked."""
    kinds = [kind_of(share) for share in days]
    paths = [f'<path class="{kind}" d="{_bars_of(kind, kinds)}"/>' for kind in _HEIGHTS if kind in kinds]
    width = _BAR_STEP * len(days)
    return Markup(  # noqa: S704 - numbers and fixed words only
        f'<svg class="bars" viewBox="0 0 {width} {_BAR_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(said_of(kinds))}">{"".join(paths)}</svg>'
    )


def kind_of(share: float | None) -> str:
    """How a day was: ``well``, ``partly``, ``unwell``, or ``none`` where nobody looked."""
    if share is None:
        return "none"
    return "well" if share >= _WELL else "partly" if share >= _PARTLY else "unwell"


def said_of(kinds: Sequence[str]) -> str:
    """The same in words."""
    words = {"well": "well", "partly": "with short trouble", "unwell": "with trouble", "none": "not watched"}
    counted = [f"{kinds.count(kind)} {said}" for kind, said in words.items() if kind in kinds]
    return f"Last {len(kinds)} days: {', '.join(counted)}"


def _bars_of(kind: str, kinds: Sequence[str]) -> str:
    height = _HEIGHTS[kind]
    pieces: list[str] = []
    at = 0
    for place, found in enumerate(kinds):
        if found == kind:
            x = place * _BAR_STEP + _BAR_STEP // 2
            pieces.append(f"M{x} {_BAR_HEIGHT}v-{height}" if not pieces else f"m{x - at} {height}v-{height}")
            at = x
    return "".join(pieces)


def sparkline(speeds: Sequence[float | None]) -> Markup:
    """A line of seconds over time with the area below it; gaps where there is no value."""
    top = max((value for value in speeds if value is not None), default=0.0)
    runs = list(_runs(speeds, max(top, _LEAST_TOP)))
    areas = "".join(f"{_line(run)}V{_LINE_HEIGHT}H{run[0][0]}z" for run in runs)
    lines = "".join(_line(run) for run in runs)
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="spark" viewBox="0 0 {max(1, len(speeds) - 1)} {_LINE_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path class="area" d="{areas}"/><path d="{lines}"/></svg>'
    )


def _runs(speeds: Sequence[float | None], top: float) -> Iterator[list[tuple[int, int]]]:
    """Points of each run of values; a single one is drawn as a short line."""
    for known, group in groupby(enumerate(speeds), key=lambda one: one[1] is not None):
        if known:
            points = [(place, _height(value or 0.0, top)) for place, value in group]
            yield points if len(points) > 1 else [points[0], (points[0][0] + 1, points[0][1])]


def _height(value: float, top: float) -> int:
    return round(_LINE_HEIGHT - 1 - value / top * (_LINE_HEIGHT - 3))


def _line(points: Sequence[tuple[int, int]]) -> str:
    """Relative, which is short: each step is one to the right."""
    (x, y), *others = points
    drawn = [f"M{x} {y}"]
    for next_x, next_y in others:
        drawn.append(f"l{next_x - x} {next_y - y}" if next_y != y else f"h{next_x - x}")
        x, y = next_x, next_y
    return "".join(drawn)


def meter(used: float) -> Markup:
    """A bar that fills from the left; ``used`` is 0 to 1."""
    kind = "unwell" if used >= 1 else "partly" if used >= 0.5 else "well"
    return Markup(  # noqa: S704 - numbers and fixed words only
        '<svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rest" width="100" height="4"/><rect class="{kind}" width="{min(1.0, used) * 100:.1f}" '
        'height="4"/></svg>'
    )
