"""What the page shows, from what was measured. Pure: no disk, no clock, no markup.

Every number is counted from looks that were made. Time at which nobody looked is not counted as well or unwell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from coordinator.watching.archive import DAY, Now, Sum
from coordinator.watching.incidents import PROBER, SITE, Event

#: Share of a year that the site is to be up, and that year's minutes.
OBJECTIVE = 0.99999
YEAR_MINUTES = 365.25 * 24 * 60
DAYS_SHOWN = 90
#: Seconds after which the last look says nothing about now.
STALE = 600.0
_CERTIFICATE_SOON = 14.0


@dataclass(frozen=True)
class Row:
    """One target."""

    name: str
    state: str
    """``well``, ``unwell`` or ``unknown``."""
    why: str
    release: str
    release_age: float | None
    """Seconds that it has been seen there."""
    seconds: float
    """Of the last look."""
    certificate_days: float | None
    speeds: Sequence[float | None]
    """Mean seconds of the good looks of each five minutes, oldest first; None where there were none."""
    days: Sequence[float | None]
    """Share of good looks of each of the last 90 days, oldest first; None where nobody looked."""
    looks: int
    share: float | None
    """Of good looks in all those days."""


@dataclass(frozen=True)
class Shown:
    """One incident with its time line, newest first on the page."""

    number: int
    subject: str
    opened: float
    closed: float | None
    lines: Sequence[Event]

    def minutes(self, at: float) -> float:
        """How long it lasted, or has lasted at ``at``."""
        return max(0.0, (at if self.closed is None else self.closed) - self.opened) / 60


@dataclass(frozen=True)
class Budget:
    """The objective beside what was measured this year at the public name."""

    objective: float
    share: float | None
    minutes_down: float
    """Bad looks times the time between looks."""
    minutes_left: float
    minutes_watched: float


@dataclass(frozen=True)
class View:
    """All of it, at one moment (Unix seconds)."""

    site: str
    at: float
    sentence: str
    state: str
    rows: Sequence[Row]
    budget: Budget
    incidents: Sequence[Shown]
    releases: Mapping[str, Sequence[str]]
    """Release → platforms that serve it, most first; more than one means that platforms differ."""


def row(now: Now, recent: Sequence[Sum], days: Sequence[Sum], at: float) -> Row:
    """What is shown of one target. ``recent`` are five minutes' sums of a day, ``days`` those of 90."""
    fresh = at - now.at <= STALE
    state = "unknown" if not fresh else "well" if now.good else "unwell"
    good, looks = sum(one.good for one in days), sum(one.looks for one in days)
    return Row(
        name=now.target,
        state=state,
        why=now.why if state == "unwell" else "",
        release=now.release,
        release_age=at - now.since if now.release else None,
        seconds=now.seconds,
        certificate_days=now.certificate_days,
        speeds=_filled({one.begins: one.seconds if one.good else None for one in recent}, at, 300, 288),
        days=_filled({one.begins: one.good / one.looks if one.looks else None for one in days}, at, DAY, DAYS_SHOWN),
        looks=looks,
        share=good / looks if looks else None,
    )


def _filled(found: Mapping[int, float | None], at: float, span: int, count: int) -> list[float | None]:
    last = int(at // span * span)
    return [found.get(last - span * place) for place in reversed(range(count))]


def incidents(events: Sequence[Event]) -> list[Shown]:
    """Incidents of the events, newest first."""
    by_number: dict[int, list[Event]] = {}
    for event in events:
        if event.number:
            by_number.setdefault(event.number, []).append(event)
    found = [_shown(number, lines) for number, lines in by_number.items()]
    return sorted(found, key=lambda one: (one.opened, one.number), reverse=True)


def _shown(number: int, lines: Sequence[Event]) -> Shown:
    closed = next((line.at for line in lines if line.kind == "closed"), None)
    return Shown(number, lines[0].subject, lines[0].at, closed, sorted(lines, key=lambda line: line.at))


def budget(days: Sequence[Sum], interval: float, at: float) -> Budget:
    """This year's at the public name. ``interval`` is the seconds between two looks."""
    year = datetime(datetime.fromtimestamp(at, UTC).year, 1, 1, tzinfo=UTC).timestamp()
    this_year = [one for one in days if one.begins >= year]
    looks, bad = sum(one.looks for one in this_year), sum(one.bad for one in this_year)
    down = bad * interval / 60
    allowed = (1 - OBJECTIVE) * YEAR_MINUTES
    share = (looks - bad) / looks if looks else None
    return Budget(OBJECTIVE, share, down, max(0.0, allowed - down), looks * interval / 60)


def view(site: str, at: float, rows: Sequence[Row], public: str, events: Sequence[Event], yearly: Budget) -> View:
    """Put together; ``public`` is the name of the target that stands for the site."""
    found = incidents(events)
    state, sentence = _overall(rows, public, found)
    return View(site, at, sentence, state, rows, yearly, found, _releases(rows, public))


def _overall(rows: Sequence[Row], public: str, found: Sequence[Shown]) -> tuple[str, str]:
    by_name = {one.name: one for one in rows}
    open_now = {one.subject for one in found if one.closed is None}
    site = by_name.get(public)
    others = [one for one in rows if one.name != public]
    unwell = [one.name for one in others if one.state == "unwell"]
    if site is None or site.state == "unknown":
        return "unknown", "Nobody has looked for a while, so the state of the site is not known."
    if PROBER in open_now:
        return "unknown", "Everything seems to be down at once; most likely monitoring itself has a problem."
    if site.state == "unwell" or SITE in open_now:
        return "unwell", "The site is not well for its visitors."
    if unwell:
        count = f"{len(unwell)} of {len(others)} platforms are" if len(unwell) > 1 else f"{unwell[0]} is"
        return "degraded", f"The site is well; {count} not, and visitors are served by the others."
    if soon := [one.name for one in rows if (one.certificate_days or _CERTIFICATE_SOON) < _CERTIFICATE_SOON]:
        return "degraded", f"The site is well; the certificate of {soon[0]} ends soon."
    return "well", "The site and all its platforms are well."


def _releases(rows: Sequence[Row], public: str) -> dict[str, list[str]]:
    counts = Counter(one.release for one in rows if one.release and one.name != public)
    return {
        release: [one.name for one in rows if one.release == release and one.name != public]
        for release, _ in counts.most_common()
    }
