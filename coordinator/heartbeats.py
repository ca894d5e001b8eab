"""Which task is stuck? Each says what it is doing and until when it should have said more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Beat:
    """What a task does; times are of the clock."""

    doing: str
    since: float
    due: float | None
    """It is stuck after this; None where it waits for what may never come."""


@dataclass
class Heartbeats:
    """The last beat of each task."""

    clock: Callable[[], float] = time.monotonic
    beats: dict[str, Beat] = field(default_factory=dict)

    def beat(self, task: str, doing: str, within: float | None = None) -> None:
        """``task`` is doing this, and says more ``within`` seconds."""
        now = self.clock()
        self.beats[task] = Beat(doing, now, None if within is None else now + within)

    def stuck(self) -> dict[str, str]:
        """Tasks that should have said more, and what they were doing."""
        now = self.clock()
        return {
            task: f"{beat.doing}, for {now - beat.since:.0f} s"
            for task, beat in self.beats.items()
            if beat.due is not None and now > beat.due
        }

    def shown(self) -> dict[str, str]:
        """What each task does."""
        return {task: beat.doing for task, beat in self.beats.items()}
