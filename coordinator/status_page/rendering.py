"""The page, the feed and the JSON, as texts and as files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from coordinator.status_page import words
from coordinator.status_page.drawings import bars, meter, sparkline
from coordinator.status_page.view import DAYS_SHOWN, View

_TEMPLATES = Path(__file__).with_name("templates")
_STATES = {
    "well": "Well",
    "doubtful": "One failed look",
    "unwell": "Not well",
    "recovering": "Coming back",
    "unknown": "Not known",
}
#: Every card has such a line, so that they line up.
_IN_WORDS = {
    "well": "It answers as it should.",
    "recovering": "It is well again, and not for long yet.",
    "unknown": "Nobody has looked lately.",
}
_SUBJECTS = {"site": "The site", "prober": "Monitoring", "dns": "DNS"}
_KINDS = {"opened": "Opened", "closed": "Closed", "noted": "Noted"}
_OUTCOMES = {
    "deployed": "Live",
    "failed": "Failed",
    "running": "Running",
    "interrupted": "Interrupted",
    "died": "Cut off",
    "succeeded": "Succeeded",
    "canceled": "Canceled",
}
_PHASES = {"ready": "Ready", "running": "Under way", "failed": "Failed", "unknown": "Not known"}
_TRIGGERS = {"push": "after a push", "schedule": "by a schedule", "hand": "by hand", "program": "by a program"}
#: Names of the icons in the template, by state and outcome.
_ICONS = {
    "well": "yes",
    "deployed": "yes",
    "succeeded": "yes",
    "ready": "yes",
    "degraded": "mind",
    "doubtful": "mind",
    "recovering": "mind",
    "canceled": "mind",
    "unwell": "no",
    "failed": "no",
    "died": "no",
}
_INCIDENTS_SHOWN = 10
STYLE = re.sub(r"\s*\n\s*", "", (_TEMPLATES / "style.css").read_text("utf-8"))
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""What a content security policy allows the page's style by."""


def page(view: View) -> str:
    """HTML that needs no script and no other file."""
    kinds = ("site", "dns"), ("platform",), ("other",)
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            view=view,
            groups=[[row for row in view.rows if row.kind in group] for group in kinds],
            incidents=view.incidents[:_INCIDENTS_SHOWN],
            days_shown=DAYS_SHOWN,
            style=Markup(STYLE),  # noqa: S704 - a file of this folder
            style_source=STYLE_SOURCE,
        )
    )


def feed(view: View) -> str:
    """Atom (RFC 4287)."""
    updated = max((line.at for one in view.incidents for line in one.lines), default=0.0)
    return _templates().get_template("feed.atom.j2").render(view=view, updated=updated)


def as_json(view: View) -> str:
    """The same numbers as the page's. Times are Unix seconds, shares 0 to 1."""
    found = asdict(view)
    found["budget"]["left"] = view.budget.left
    return json.dumps(found)


def export(folder: Path, view: View) -> list[Path]:
    """Write ``index.html``, ``feed.atom`` and ``status.json``, each whole or not at all; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"index.html": page(view), "feed.atom": feed(view), "status.json": as_json(view)}
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
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html.j2", "atom.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(_FILTERS)
    found.globals.update(bars=bars, sparkline=sparkline, meter=meter)
    return found


_FILTERS: dict[str, Any] = {
    **{name: getattr(words, name) for name in ("moment", "day", "iso", "clock", "duration", "short", "milliseconds")},
    "percent": words.percent,
    "number": words.number,
    "state": lambda name: _STATES.get(name, name),
    "subject": lambda name: _SUBJECTS.get(name, name),
    "kind": lambda name: _KINDS.get(name, name),
    "outcome": lambda name: _OUTCOMES.get(name, name),
    "inwords": lambda name: _IN_WORDS.get(name, "It is not as it should be."),
    "phase": lambda name: _PHASES.get(name, name),
    "trigger": lambda name: _TRIGGERS.get(name, name),
    "icon": lambda name: _ICONS.get(name, "unsure"),
}
