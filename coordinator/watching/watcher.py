"""The task that looks, judges, keeps and tells, round after round."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence

from pydantic import TypeAdapter, ValidationError

from coordinator.alerts.channels import PUBLIC, Message
from coordinator.alerts.outbox import Outbox
from coordinator.heartbeats import Heartbeats
from coordinator.watching.archive import Archive
from coordinator.watching.incidents import PROBER, SITE, Event, Sample, Situation, Watch
from coordinator.watching.metrics import WatchMetrics
from coordinator.watching.probe import SECONDS, Prober
from coordinator.watching.targets import Finding, Target

_log = logging.getLogger(__name__)
TASK = "watching"
_SITUATION = TypeAdapter(Situation)
#: Real seconds that one round may take, until the task counts as stuck.
_LONGEST_ROUND = 3 * SECONDS
#: What people call the subjects that are no target.
_NAMES = {SITE: "the site", PROBER: "monitoring"}
_SENTENCES = {
    "opened": "{subject} is not well",
    "closed": "{subject} is well again",
    "flapping": "{subject} goes to and fro",
    "calmed": "{subject} has calmed down",
}


class Watcher:
    """Looks at all targets every ``interval`` seconds of the wall clock."""

    def __init__(
        self,
        targets: Sequence[Target],
        prober: Prober,
        watch: Watch,
        archive: Archive,
        outbox: Outbox,
        *,
        site: str,
        interval: float,
        clock: Callable[[], float] = time.time,
        metrics: WatchMetrics | None = None,
        beats: Heartbeats | None = None,
    ) -> None:
        self._targets = targets
        self._prober = prober
        self._watch = watch
        self._archive = archive
        self._outbox = outbox
        self._site = site
        self._interval = interval
        self._clock = clock
        self._metrics = metrics or WatchMetrics()
        self._beats = beats or Heartbeats()

    async def step(self) -> None:
        """One round, and a rest until the next. A round that takes long delays that and is not made up for."""
        began = time.monotonic()
        self._beats.beat(TASK, f"looking at {len(self._targets)} targets", self._interval + _LONGEST_ROUND)
        await self.round()
        await asyncio.sleep(max(0.0, self._interval - (time.monotonic() - began)))

    async def round(self) -> Sequence[Event]:
        """One look at everything; what happened by it.

        Alerts are kept before the round is: killed in between, the next start judges anew from the round before.
        """
        known, forgotten = (await self._known()).without_others([one.name for one in self._targets], self._clock())
        findings = await self._prober.round(self._targets)
        situation, found = self._watch.taken(known, [_sample(found) for found in findings])
        events = [*forgotten, *found]
        for event in events:
            _log.warning("%s %s: %s", _NAMES.get(event.subject, event.subject), event.kind, event.text)
        await self._tell(events, situation.series)
        await self._archive.keep(findings, events, _SITUATION.dump_json(situation).decode(), each=self._interval)
        self._metrics.took(findings, len(situation.open))
        return events

    async def _known(self) -> Situation:
        """What was known at the last round, also before a restart; where it cannot be read it is begun anew."""
        text = await self._archive.situation()
        try:
            if text:
                return _SITUATION.validate_json(text)
        except ValidationError:
            _log.exception("what was known before cannot be read; starting anew")
        return Situation(next_number=await self._archive.last_incident() + 1, series=int(self._clock()))

    async def _tell(self, events: Sequence[Event], series: int) -> None:
        told = [(event.subject, message) for event in events for message in messages(event, self._site, series)]
        public = [message for subject, message in told if subject != PROBER]
        own = [message for subject, message in told if subject == PROBER]
        await self._outbox.add(public)
        await self._outbox.add(own, only=[name for name in self._outbox.channels if name not in PUBLIC])


def messages(event: Event, site: str, series: int) -> Iterator[Message]:
    """What is said of an event; notes of a time line are not alerts. ``series`` is the situation's."""
    if event.kind not in _SENTENCES:
        return
    name = _NAMES.get(event.subject, event.subject)
    sentence = f"{site}: {_SENTENCES[event.kind].format(subject=name)}"
    thread = f"incident-{series}-{event.number}" if event.number else f"flapping-{event.subject}-{int(event.at)}"[-64:]
    key = thread if event.kind in {"opened", "flapping"} else f"{thread}-{event.kind}"[-64:]
    yield Message(key, thread, sentence, event.text, event.at, closes=event.kind in {"closed", "calmed"})


def _sample(found: Finding) -> Sample:
    return Sample(found.target, found.at, found.good, found.why)
