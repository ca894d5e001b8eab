"""When something is wrong, and when it is over. Pure: samples in, what happened out; no network, no clock.

A target is bad after ``failures`` bad samples in a row, and good again after ``successes`` good ones. Bad targets are
grouped by cause, so that one outage is one incident: while the public name is bad, platforms only add to its time
line; while everything is bad at once, the prober itself is suspected. A target that goes to and fro is said to be
flapping, once, and then left alone until it has calmed down.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

#: Subjects of incidents that are no target's own.
SITE, PROBER = "site", "prober"
Kind = Literal["opened", "closed", "noted", "flapping", "calmed"]
_HISTORY = 21
"""Samples over which changes are counted, and the weights of the oldest and the newest.
https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/flapping.html"""
_OLDEST, _NEWEST = 0.75, 1.25


@dataclass(frozen=True)
class Rules:
    """How doubt becomes certainty. The setting ``coordinator.watching`` of a stack."""

    failures: int = 2
    """Bad samples in a row that open an incident."""
    successes: int = 3
    """Good samples in a row that close it."""
    flaps_above: float = 0.5
    """Share of changes among the last 21 samples, newer ones weighing more, above which a target is flapping."""
    calm_below: float = 0.25
    """Below which it has calmed down."""
    doubt: int = 2
    """Further bad samples of everything, until the prober is no longer suspected alone."""


@dataclass(frozen=True)
class Sample:
    """One look at one target. ``at`` is Unix seconds."""

    target: str
    at: float
    good: bool
    why: str = ""
    """What was wrong, fit to be shown to anybody."""


@dataclass(frozen=True)
class Window:
    """A time of announced work: nothing is opened or alerted for these targets. Unix seconds; empty means all."""

    begins: float
    ends: float
    targets: frozenset[str] = frozenset()
    every: float = 0.0
    """Seconds from one to the next; 0 where there is one only."""

    def holds(self, target: str, at: float) -> bool:
        """Whether the target is being worked on."""
        return (not self.targets or target in self.targets) and self.ends_after(at) is not None

    def ends_after(self, at: float) -> float | None:
        """When the one ends that it is time for at ``at``; None where there is none then."""
        if at < self.begins:
            return None
        shift = (at - self.begins) // self.every * self.every if self.every else 0.0
        return self.ends + shift if at < self.ends + shift else None


@dataclass(frozen=True)
class Event:
    """Something that happened. ``number`` is the incident's, 0 where it belongs to none."""

    kind: Kind
    subject: str
    at: float
    text: str
    number: int = 0


@dataclass(frozen=True)
class Target:
    """What is known of one target."""

    bad: bool = False
    streak: int = 0
    """Samples in a row that contradict ``bad``."""
    since: float = 0.0
    """When the first of them came."""
    why: str = ""
    recent: tuple[bool, ...] = ()
    """The last samples, oldest first."""
    flapping: bool = False

    def taken(self, sample: Sample, rules: Rules) -> Target:
        """After one more sample."""
        recent = (*self.recent, sample.good)[-_HISTORY:]
        seen = replace(self, recent=recent, flapping=self._flaps(recent, rules))
        if sample.good is not self.bad:
            return replace(seen, streak=0)
        began = self.since if self.streak else sample.at
        needed = rules.successes if self.bad else rules.failures
        if self.streak + 1 < needed:
            return replace(seen, streak=self.streak + 1, since=began, why=sample.why or self.why)
        return replace(seen, bad=not self.bad, streak=0, since=began, why=sample.why or self.why)

    def _flaps(self, recent: Sequence[bool], rules: Rules) -> bool:
        rate = changes(recent)
        return rate >= rules.calm_below if self.flapping else rate > rules.flaps_above


def changes(recent: Sequence[bool]) -> float:
    """Share of changes, 0 to 1, newer ones weighing more; 0 until there are 21 samples."""
    if len(recent) < _HISTORY:
        return 0.0
    pairs = list(pairwise(recent))
    step = (_NEWEST - _OLDEST) / (len(pairs) - 1)
    return sum(_OLDEST + step * place for place, (old, new) in enumerate(pairs) if old != new) / len(pairs)


@dataclass(frozen=True)
class Incident:
    """One outage by its one cause."""

    number: int
    subject: str
    opened: float
    touched: frozenset[str] = frozenset()
    """Targets that were bad while it lasted."""


@dataclass(frozen=True)
class Situation:
    """Everything that is known; kept through restarts."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    open: Mapping[str, Incident] = field(default_factory=dict)
    """Subject → its incident."""
    next_number: int = 1
    all_bad: int = 0
    """Rounds in a row in which everything was bad."""
    series: int = 0
    """Unix seconds at which counting began; it tells incidents apart from those of a file that was lost."""
    looked: float = 0.0
    """When the last round was."""

    def rested(self) -> Situation:
        """After a time in which nobody looked: what was counted before does not go on."""
        targets = {name: replace(one, streak=0, recent=()) for name, one in self.targets.items()}
        return replace(self, targets=targets, all_bad=0)

    def without_others(self, names: Collection[str], at: float) -> tuple[Situation, Sequence[Event]]:
        """Forget targets that nobody watches any more; what was open for them alone is closed."""
        gone = self.targets.keys() - set(names)
        if not gone:
            return self, ()
        ended = [one for one in self.open.values() if one.subject not in {SITE, PROBER} and one.touched <= gone]
        left = {key: one for key, one in self.open.items() if one not in ended}
        kept = {name: one for name, one in self.targets.items() if name not in gone}
        events = [Event("closed", one.subject, at, "is not watched any more", one.number) for one in ended]
        return replace(self, targets=kept, open=left), events


@dataclass(frozen=True)
class Watch:
    """The rules with what they are about. ``public`` are the targets that stand for the site as visitors have it."""

    rules: Rules
    public: frozenset[str]
    windows: Sequence[Window] = ()
    silence: float = math.inf
    """Seconds without a look after which counting begins anew."""

    def taken(self, before: Situation, samples: Iterable[Sample]) -> tuple[Situation, Sequence[Event]]:
        """One round: every sample of about the same moment. Returns what is known then, and what happened."""
        all_given = list(samples)
        given = [one for one in all_given if not any(window.holds(one.target, one.at) for window in self.windows)]
        before = self._after_silence(before, all_given)
        if not given:
            return before, ()
        at = max(sample.at for sample in given)
        targets = dict(before.targets)
        events: list[Event] = []
        for sample in given:
            old = targets.get(sample.target, Target())
            targets[sample.target] = new = old.taken(sample, self.rules)
            events += _flap_events(sample, old, new)
        everything = all(not sample.good for sample in given) and len(given) > 1
        seen = replace(before, targets=targets, all_bad=before.all_bad + 1 if everything else 0)
        after, found = self._judged(before, seen, at)
        return after, (*events, *found)

    def _after_silence(self, before: Situation, samples: Sequence[Sample]) -> Situation:
        """What goes on counting: nothing after a pause, and no target while it is being worked on."""
        at = max((one.at for one in samples), default=before.looked)
        if before.looked and at - before.looked > self.silence:
            before = before.rested()
        worked_on = {one.target for one in samples if any(window.holds(one.target, one.at) for window in self.windows)}
        targets = {name: replace(one, streak=0) if name in worked_on else one for name, one in before.targets.items()}
        return replace(before, targets=targets, looked=at)

    def _judged(self, before: Situation, seen: Situation, at: float) -> tuple[Situation, Sequence[Event]]:
        wanted = self._causes(seen)
        events: list[Event] = []
        for subject in [name for name in seen.open if name not in wanted]:
            seen, event = _closed(seen, subject, at)
            events.append(event)
        for subject, touched in wanted.items():
            seen, found = _kept_open(before, seen, subject, touched, at)
            events += found
        return seen, events

    def _causes(self, seen: Situation) -> dict[str, frozenset[str]]:
        """Subject → its bad targets. A flapping target keeps an open incident and opens none."""
        bad = frozenset(
            name for name, one in seen.targets.items() if one.bad and (not one.flapping or _touched(seen, name))
        )
        if not bad:
            return {}
        if bad == frozenset(seen.targets) and len(bad) > 1 and SITE not in seen.open and self._doubted(seen):
            return {PROBER: bad}
        if bad & self.public:
            return {SITE: bad, **{name: frozenset({name}) for name in sorted(bad & frozenset(seen.open))}}
        return {name: frozenset({name}) for name in sorted(bad)}

    def _doubted(self, seen: Situation) -> bool:
        return seen.all_bad < self.rules.failures + self.rules.doubt


def _touched(seen: Situation, name: str) -> bool:
    return any(name in incident.touched for incident in seen.open.values())


def _flap_events(sample: Sample, old: Target, new: Target) -> list[Event]:
    if old.flapping == new.flapping:
        return []
    if new.flapping:
        return [
            Event("flapping", sample.target, sample.at, "goes to and fro; no more is said until it has calmed down")
        ]
    return [Event("calmed", sample.target, sample.at, "has calmed down")]


def _closed(seen: Situation, subject: str, at: float) -> tuple[Situation, Event]:
    incident = seen.open[subject]
    rest = {name: one for name, one in seen.open.items() if name != subject}
    if any(seen.targets[name].bad for name in incident.touched if name in seen.targets):
        return replace(seen, open=rest), Event("closed", subject, at, "turned out to be another cause", incident.number)
    since = max((seen.targets[name].since for name in incident.touched if name in seen.targets), default=at)
    ended = min(max(since, incident.opened), at)
    return replace(seen, open=rest), Event("closed", subject, ended, "is well again", incident.number)


def _kept_open(
    before: Situation, seen: Situation, subject: str, touched: frozenset[str], at: float
) -> tuple[Situation, Sequence[Event]]:
    incident = seen.open.get(subject)
    if incident is None:
        opened = min((seen.targets[name].since for name in touched), default=at)
        incident = Incident(seen.next_number, subject, opened, touched)
        whys = "; ".join(dict.fromkeys(seen.targets[name].why for name in sorted(touched) if seen.targets[name].why))
        event = Event("opened", subject, opened, whys or "does not answer as it should", incident.number)
        return replace(seen, open={**seen.open, subject: incident}, next_number=seen.next_number + 1), (event,)
    notes = []
    for name in sorted(touched - incident.touched):
        notes.append(
            Event("noted", subject, seen.targets[name].since, f"{name}: {seen.targets[name].why}", incident.number)
        )
    for name in sorted(incident.touched - touched):
        old = before.targets.get(name)
        if old is not None and old.bad and not seen.targets[name].bad:
            notes.append(Event("noted", subject, seen.targets[name].since, f"{name} is well again", incident.number))
    grown = replace(incident, touched=incident.touched | touched)
    return replace(seen, open={**seen.open, subject: grown}), notes
