"""The page, the feed and the JSON, as texts and as files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from coordinator.status_page.drawings import bars, sparkline
from coordinator.status_page.view import DAYS_SHOWN, View

_WORDS = {"well": "well", "unwell": "not well", "unknown": "not known"}
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


@dataclass(frozen=True)
class Deployed:
    """One deployment as it is shown. Times are seconds."""

    began: float
    tip: str
    outcome: str
    seconds: float | None
    steps: Mapping[str, float] = field(default_factory=dict)
    """Platform or step → how long it took."""


def page(view: View, deployments: Sequence[Deployed] = ()) -> str:
    """HTML that needs no script and no other file."""
    steps = list(dict.fromkeys(name for one in deployments for name in one.steps))
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            view=view,
            deployments=deployments,
            steps=steps,
            words=_WORDS,
            days_shown=DAYS_SHOWN,
            bars=bars,
            sparkline=sparkline,
        )
    )


def feed(view: View) -> str:
    """Atom (RFC 4287)."""
    updated = max((line.at for one in view.incidents for line in one.lines), default=view.at)
    return _templates().get_template("feed.atom.j2").render(view=view, updated=updated)


def as_json(view: View, deployments: Sequence[Deployed] = ()) -> str:
    """The same numbers as the page's."""
    return json.dumps({**asdict(view), "deployments": [asdict(one) for one in deployments]}, indent=1)


def export(folder: Path, view: View, deployments: Sequence[Deployed] = ()) -> list[Path]:
    """Write ``index.html``, ``feed.atom`` and ``status.json``, each whole or not at all; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"index.html": page(view, deployments), "feed.atom": feed(view), "status.json": as_json(view, deployments)}
    return [_written(folder / name, text) for name, text in texts.items()]


def _written(path: Path, text: str) -> Path:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as unfinished:
        unfinished.write(text)
    Path(unfinished.name).chmod(0o644)
    Path(unfinished.name).replace(path)
    return path


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(("html.j2", "atom.j2")),
        undefined=StrictUndefined,
    )
    found.filters.update(_FILTERS)
    return found


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def _age(seconds: float) -> str:
    """``3 days``, ``5 hours``, ``2 minutes``; whole units, rounded down."""
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a minute"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"


_FILTERS: dict[str, Any] = {
    "moment": _moment,
    "iso": _iso,
    "clock": _clock,
    "age": _age,
    "seconds": _seconds,
    "milliseconds": lambda value: f"{value * 1000:.0f} ms",
    "hours": lambda minutes: f"{minutes / 60:,.0f} hours",
    "percent": lambda share, digits: f"{share * 100:.{digits}f} %",
}
