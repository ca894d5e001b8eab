"""The task that looks, judges, keeps and tells, round after round."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence

from pydantic import TypeAdapter, ValidationError

from coordinator.alerts.channels import PUBLIC, Message
from coordinator.alerts.outbox import Outbox
from coordinator.watching.archive import Archive
from coordinator.watching.incidents import PROBER, SITE, Event, Sample, Situation, Watch
from coordinator.watching.probe import Prober
from coordinator.watching.targets import Finding, Target

_log = logging.getLogger(__name__)
_SITUATION = TypeAdapter(Situation)
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
    ) -> None:
        self._targets = targets
        self._prober = prober
        self._watch = watch
        self._archive = archive
        self._outbox = outbox
        self._site = site
        self._interval = interval
        self._clock = clock

    async def run(self) -> None:
        """Look until cancelled. A round that takes long delays the next one and is not made up for."""
        while True:
            began = time.monotonic()
            await self.round()
            await asyncio.sleep(max(0.0, self._interval - (time.monotonic() - began)))

    async def round(self) -> Sequence[Event]:
        """One look at everything; what happened by it.

        Alerts are kept before the round is: killed in between, the next start judges anew from the round before.
        """
        known = await self._known()
        findings = await self._prober.round(self._targets)
        situation, events = self._watch.taken(known, [_sample(found) for found in findings])
        for event in events:
            _log.warning("%s %s: %s", _NAMES.get(event.subject, event.subject), event.kind, event.text)
        await self._tell(events)
        await self._archive.keep(findings, events, _SITUATION.dump_json(situation).decode())
        return events

    async def _known(self) -> Situation:
        """What was known at the last round, also before a restart; nothing where it cannot be read."""
        text = await self._archive.situation()
        try:
            return _SITUATION.validate_json(text) if text else Situation()
        except ValidationError:
            _log.exception("what was known before cannot be read; starting anew")
            return Situation()

    async def _tell(self, events: Sequence[Event]) -> None:
        public = [message for event in events if event.subject != PROBER for message in messages(event, self._site)]
        own = [message for event in events if event.subject == PROBER for message in messages(event, self._site)]
        await self._outbox.add(public)
        await self._outbox.add(own, only=[name for name in self._outbox.channels if name not in PUBLIC])


def messages(event: Event, site: str) -> Iterator[Message]:
    """What is said of an event; notes of a time line are not alerts."""
    if event.kind not in _SENTENCES:
        return
    name = _NAMES.get(event.subject, event.subject)
    sentence = f"{site}: {_SENTENCES[event.kind].format(subject=name)}"
    thread = f"incident-{event.number}-{int(event.at)}" if not event.number else f"incident-{event.number}"
    key = thread if event.kind == "opened" else f"{thread}-{event.kind}"
    yield Message(key, thread, sentence, event.text, event.at, closes=event.kind in {"closed", "calmed"})


def _sample(found: Finding) -> Sample:
    return Sample(found.target, found.at, found.good, found.why)
