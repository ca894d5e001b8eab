"""What the page shows, from what was measured. Pure: no disk, no clock, no markup.

Every number is counted from looks that were made. Time at which nobody looked is not counted as well or unwell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from coordinator.watching.archive import DAY, QUARTER, Day, Now, Sight, Sum
from coordinator.watching.incidents import PROBER, SITE, Event

DAYS_SHOWN = 90
#: Quarters of an hour that the line of answer times shows: a day.
POINTS = 96
#: Seconds after which the last look says nothing about now, at the least.
STALE = 120.0
_STALE_LOOKS = 4
_CERTIFICATE_SOON = 14.0
_BAD = frozenset({"unwell", "recovering"})
#: Release changes that are shown, newest first.
_RELEASES_SHOWN = 5


@dataclass(frozen=True)
class Row:
    """One target."""

    name: str
    kind: str
    """``site``, ``dns``, ``platform`` or ``other``."""
    state: str
    """``well``, ``doubtful`` (a failed look that is not confirmed), ``unwell``, ``recovering`` or ``unknown``."""
    why: str
    looked: float
    """Unix seconds of the last look."""
    release: str
    release_age: float | None
    """Seconds that it has been seen there."""
    seconds: float
    """Of the last look."""
    certificate_days: float | None
    speeds: Sequence[float | None]
    """Mean seconds of the good looks of each quarter of an hour, oldest first; None where there were none."""
    days: Sequence[float | None]
    """Share of good looks of each of the last 90 days, oldest first; None where nobody looked."""
    looks: int
    share: float | None
    """Of good looks in all those days."""

    @property
    def typical(self) -> float | None:
        """Median of the day's quarters of an hour, in seconds."""
        known = sorted(value for value in self.speeds if value is not None)
        return known[len(known) // 2] if known else None


@dataclass(frozen=True)
class Shown:
    """One incident with its time line, oldest first."""

    number: int
    subject: str
    opened: float
    closed: float | None
    lines: Sequence[Event]

    def seconds(self, at: float) -> float:
        """How long it lasted, or has lasted at ``at``."""
        return max(0.0, (at if self.closed is None else self.closed) - self.opened)


@dataclass(frozen=True)
class Budget:
    """The objective beside what was measured this year at the public name. Shares are 0 to 1."""

    objective: float
    share: float | None
    down: float
    """Seconds that bad looks stand for."""
    allowed: float
    """Seconds that the objective allows in this whole year."""
    watched: float
    """Seconds that all looks stand for."""

    @property
    def left(self) -> float:
        """Seconds of outage that the objective leaves for this year."""
        return max(0.0, self.allowed - self.down)


@dataclass(frozen=True)
class Step:
    """What a deployment did on one platform."""

    host: str
    release: str = ""
    trouble: str = ""
    steps: Mapping[str, float] = field(default_factory=dict)
    """``upload``, ``publish``, ``verify`` → seconds."""

    @property
    def state(self) -> str:
        """``deployed``, ``failed`` or ``unknown``."""
        return "failed" if self.trouble else "deployed" if self.release else "unknown"

    @property
    def seconds(self) -> float | None:
        """All steps together."""
        return sum(self.steps.values()) if self.steps else None


@dataclass(frozen=True)
class Deployed:
    """One deployment as it is shown. Times are Unix seconds."""

    number: int
    began: float
    ended: float | None
    tip: str
    by: str
    """Who publishes, with the number of the run: ``GitLab pipeline 4711``."""
    attempt: int
    outcome: str
    """``running``, ``deployed``, ``failed``, ``interrupted`` or ``died``; of a run that others started also
    ``succeeded`` and ``canceled``."""
    said: str
    hosts: Sequence[Step] = ()
    trigger: str = ""
    """What started a run that is not the coordinator's own: ``push``, ``schedule``, ``hand`` or ``program``."""
    link: str = ""
    """Its page at the forge; empty where it is not known, or not to be shown."""

    def seconds(self, at: float) -> float:
        """How long it took, or has taken at ``at``."""
        return max(0.0, (at if self.ended is None else self.ended) - self.began)


@dataclass(frozen=True)
class PlatformState:
    """A platform's newest deployment, as its own API tells of it. Times are Unix seconds."""

    name: str
    number: str = ""
    """The platform's own id; empty where it tells of none."""
    state: str = ""
    """In the platform's own words."""
    phase: str = "unknown"
    """``ready``, ``running``, ``failed`` or ``unknown``."""
    made: float | None = None
    release: str = ""
    asked: float | None = None
    """When its API last answered; None for never."""
    unknown_since: float | None = None
    """Since when its API does not answer; None where it does."""


@dataclass(frozen=True)
class ForgeState:
    """Whether a forge tells of its runs. Times are Unix seconds."""

    name: str
    asked: float | None = None
    unknown_since: float | None = None


@dataclass(frozen=True)
class Arrival:
    """A release as it reached the platforms."""

    release: str
    first: float
    last: float
    seen: Mapping[str, float]
    """Platform → Unix seconds at which it was first seen there."""

    @property
    def skew(self) -> float:
        """Seconds between the first and the last platform."""
        return self.last - self.first


@dataclass(frozen=True)
class View:
    """All of it, at one moment (Unix seconds)."""

    site: str
    title: str
    at: float
    interval: float
    """Seconds between two looks."""
    state: str
    """``well``, ``degraded``, ``unwell`` or ``unknown``."""
    sentence: str
    rows: Sequence[Row]
    budget: Budget
    incidents: Sequence[Shown]
    """Newest first."""
    releases: Mapping[str, Sequence[str]]
    """Release → platforms that serve it, most first; more than one means that platforms differ."""
    arrivals: Sequence[Arrival] = ()
    """Newest first."""
    deployments: Sequence[Deployed] = ()
    """Newest first: the coordinator's own, and runs at the forges that others started."""
    platform_states: Sequence[PlatformState] = ()
    forges: Sequence[ForgeState] = ()
    maintenance: float | None = None
    """Until when there is announced work; None where there is none now."""


def row(
    now: Now, kind: str, recent: Sequence[Sum], days: Sequence[Day], at: float, interval: float, *, bad: bool = False
) -> Row:
    """What is shown of one target. ``recent`` are sums of a day's quarters of an hour, ``days`` those of 90.

    ``bad``: it is confirmed that something is wrong, and not yet that it is over.
    """
    state = _state(now, at - now.at <= max(STALE, _STALE_LOOKS * interval), bad)
    good, looks = sum(one.good for one in days), sum(one.looks for one in days)
    shares = {one.begins: one.good / one.looks for one in days if one.looks}
    return Row(
        name=now.target,
        kind=kind,
        state=state,
        why=now.why if state in {"doubtful", "unwell"} else "",
        looked=now.at,
        release=now.release,
        release_age=at - now.since if now.release else None,
        seconds=now.seconds,
        certificate_days=now.certificate_days,
        speeds=_filled({one.begins: one.seconds for one in recent if one.good}, at, QUARTER, POINTS),
        days=_filled(shares, at, DAY, DAYS_SHOWN),
        looks=looks,
        share=good / looks if looks else None,
    )


def _state(now: Now, fresh: bool, bad: bool) -> str:
    if not fresh:
        return "unknown"
    if now.good:
        return "recovering" if bad else "well"
    return "unwell" if bad else "doubtful"


def never_seen(name: str, kind: str) -> Row:
    """A target that nobody has looked at yet."""
    return Row(name, kind, "unknown", "", 0.0, "", None, 0.0, None, [None] * POINTS, [None] * DAYS_SHOWN, 0, None)


def _filled(found: Mapping[int, float], at: float, span: int, count: int) -> list[float | None]:
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


def year_of(at: float) -> tuple[float, float]:
    """Begin and end of the calendar year (UTC)."""
    year = datetime.fromtimestamp(at, UTC).year
    return datetime(year, 1, 1, tzinfo=UTC).timestamp(), datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()


def budget(days: Sequence[Day], objective: float, at: float) -> Budget:
    """This year's at the public name; ``objective`` is a share."""
    begin, end = year_of(at)
    this_year = [one for one in days if one.begins >= begin]
    watched, down = sum(one.watched for one in this_year), sum(one.down for one in this_year)
    share = (watched - down) / watched if watched else None
    return Budget(objective, share, down, (1 - objective) * (end - begin), watched)


def arrivals(sights: Sequence[Sight], platforms: Sequence[str]) -> list[Arrival]:
    """How releases reached the platforms, newest first; what goes back to one is another arrival of it."""
    found: list[tuple[str, dict[str, float]]] = []
    for sight in sorted((one for one in sights if one.target in platforms), key=lambda one: one.at):
        current = next((seen for release, seen in reversed(found) if release == sight.release), None)
        if current is None or sight.target in current:
            current = {}
            found.append((sight.release, current))
        current[sight.target] = sight.at
    shown = [Arrival(release, min(seen.values()), max(seen.values()), seen) for release, seen in found]
    return sorted(shown, key=lambda one: one.first, reverse=True)[:_RELEASES_SHOWN]


def overall(rows: Sequence[Row], open_now: Collection[str]) -> tuple[str, str]:
    """State and sentence. ``open_now`` are subjects of open incidents."""
    site = next((one for one in rows if one.kind == "site"), None)
    if site is None or site.state == "unknown":
        return "unknown", "Nobody has looked for a while, so the state of the site is not known."
    if PROBER in open_now:
        return "unknown", "Everything seems to be down at once; most likely monitoring itself has a problem."
    if SITE in open_now or site.state in _BAD:
        return "unwell", "The site is not well for its visitors."
    platforms = [one for one in rows if one.kind == "platform"]
    unwell = [one.name for one in platforms if one.state in _BAD]
    others = [one.name for one in rows if one.kind == "other" and one.state in _BAD]
    if unwell:
        who = f"{len(unwell)} of {len(platforms)} platforms are" if len(unwell) > 1 else f"{unwell[0]} is"
        return "degraded", f"The site is well; {who} not, and visitors are served by the others."
    if others:
        return "degraded", f"The site is well; {', '.join(others)} {'are' if others[1:] else 'is'} not."
    if soon := [one.name for one in rows if _ends_soon(one)]:
        return "degraded", f"The site is well; the certificate of {soon[0]} ends soon."
    return "well", "The site and all its platforms are well."


def _ends_soon(one: Row) -> bool:
    return one.certificate_days is not None and one.certificate_days < _CERTIFICATE_SOON


def releases(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Release → platforms that serve it, most first."""
    served = [(one.name, one.release) for one in rows if one.kind == "platform" and one.release]
    counts = Counter(release for _, release in served)
    return {release: [name for name, found in served if found == release] for release, _ in counts.most_common()}
