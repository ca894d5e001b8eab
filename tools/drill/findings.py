"""What the samples of one drill say. Nothing here is measured again or assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.drill.load import Sample
from tools.drill.timetable import Drill, Timetable

#: Seconds after which a visitor was affected, though the answer was right.
NOTICED = 1.0
#: Seconds of visitors who must all but one in a hundred have been served by the platform that it counts as whole again.
_WINDOW, _WHOLE = 1.0, 0.99


@dataclass(frozen=True)
class Findings:
    """One drill. ``samples``' times are seconds of the wall clock, everything else of the edge's own."""

    drill: Drill
    timetable: Timetable
    samples: Sequence[Sample]
    speed: float
    """Seconds of the edge's clock in one of the wall clock."""
    promised: float
    """After which no visitor may be sent to the broken platform any more."""
    broke: tuple[float, float]
    """Wall-clock seconds at which the platform began to break and at which it had."""
    noticed: float | None
    """From the break until the edge held the platform for unhealthy; None where it never did or does not say."""
    starved: float | None = None
    """Share of the time in which the edge was ready to go on and had no processor; None where nothing says so."""

    def count(self, outcome: str) -> int:
        """Samples with that outcome."""
        return sum(sample.outcome == outcome for sample in self.samples)

    @property
    def bad(self) -> list[Sample]:
        """Failed and wrong ones."""
        return [sample for sample in self.samples if sample.outcome != "right"]

    @property
    def reasons(self) -> Counter[str]:
        """Of the bad ones."""
        return Counter(sample.seen if sample.outcome == "failed" else "wrong bytes" for sample in self.bad)

    @property
    def broken_promises(self) -> list[Sample]:
        """Bad ones that the settings leave no room for: all but those under way before the promised time ends."""
        if not self.drill.excused:
            return self.bad
        begins, ends = self.broke[0], self.broke[1] + self.promised / self.speed
        return [one for one in self.bad if one.at + one.took < begins or one.at > ends]

    @property
    def last_affected(self) -> float:
        """From the break until the last visitor who got a bad answer, or a good one late; 0 if nobody did."""
        moments = [
            sample.at - self.broke[0]
            for sample in self.samples
            if sample.at + sample.took >= self.broke[0] and (sample.outcome != "right" or sample.took > NOTICED)
        ]
        return max(0.0, max(moments, default=0.0)) * self.speed

    @property
    def slowest(self) -> float:
        """Seconds of the wall clock that 99 of 100 visitors waited less than."""
        took = sorted(sample.took for sample in self.samples)
        return took[int(0.99 * (len(took) - 1))] if took else 0.0

    @property
    def whole_again(self) -> float | None:
        """From the healing until the platform served its visitors again; None if the drill ended before."""
        return next(self._whole_moments(), None)

    def _whole_moments(self) -> Iterator[float]:
        healed = [sample for sample in self.samples if sample.at >= self.timetable.heals]
        for place, first in enumerate(healed):
            window = [sample for sample in healed[place:] if sample.at < first.at + _WINDOW]
            if first.at + _WINDOW > self.timetable.ends:
                return
            if sum(sample.by == self.drill.platform for sample in window) >= _WHOLE * len(window):
                yield (first.at - self.timetable.heals) * self.speed
