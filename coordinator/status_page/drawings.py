"""The small pictures of the page, as SVG in the colours of the page. They hold no text: the page says it in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

_WIDTH, _HEIGHT = 288.0, 32.0
#: Shares of good looks from which on a day is drawn as well, and as partly well.
_WELL, _PARTLY = 0.999, 0.95


def sparkline(speeds: Sequence[float | None]) -> Markup:
    """A line for seconds over time; gaps where there is no value."""
    known = [value for value in speeds if value is not None]
    top = max(known, default=0.0) or 1.0
    step = _WIDTH / max(1, len(speeds) - 1)
    lines = "".join(f'<polyline points="{piece}"/>' for piece in _pieces(speeds, step, top))
    return _svg("spark", lines)


def _pieces(speeds: Sequence[float | None], step: float, top: float) -> Iterator[str]:
    """Points of each run of values, for a line that breaks where there is none."""
    for known, group in groupby(enumerate(speeds), key=lambda one: one[1] is not None):
        if known:
            yield " ".join(f"{place * step:.0f},{_height(value or 0.0, top):.1f}" for place, value in group)


def _height(value: float, top: float) -> float:
    return _HEIGHT - 1 - value / top * (_HEIGHT - 2)


def bars(days: Sequence[float | None]) -> Markup:
    """One bar for each day; days in a row that look the same are one rectangle with gaps drawn over it."""
    width = _WIDTH / max(1, len(days))
    drawn, place = [], 0
    for kind, group in groupby(days, key=_kind):
        count = len(list(group))
        drawn.append(f'<rect class="{kind}" x="{place * width:.1f}" width="{count * width - 0.8:.1f}" height="32"/>')
        place += count
    return _svg("bars", "".join(drawn))


def _kind(share: float | None) -> str:
    if share is None:
        return "none"
    return "well" if share >= _WELL else "partly" if share >= _PARTLY else "unwell"


def _svg(name: str, content: str) -> Markup:
    return Markup(  # noqa: S704 - numbers and fixed words only
        f'<svg class="{name}" viewBox="0 0 288 32" preserveAspectRatio="none" aria-hidden="true">{content}</svg>'
    )
