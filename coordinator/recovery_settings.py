"""The setting ``recovery`` of a stack. Light to import: the program checks it too."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from coordinator.ramp import WHOLE, Rules

#: Real seconds between two looks, at the least: a fast clock does not make this machine faster.
_POLL_FLOOR = 0.2
#: Looks that may fail until what was counted before does not count any more.
_SILENT_LOOKS = 12
Seconds = Annotated[int, Field(ge=1, le=7 * 86400)]


class Recovery(BaseModel):
    """The stack's setting ``recovery``: how a platform that was down gets its visitors back. Times are seconds."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)

    steps: tuple[Annotated[int, Field(ge=1, le=WHOLE)], ...] = Field(default=(5, 25, 50, WHOLE), min_length=1)
    """Percent of its own traffic that it gets, step by step."""
    dwell: Seconds = 300
    """Least time on a step, and from recovery to the first."""
    clean_probes: Annotated[int, Field(ge=1, le=100)] = 3
    """Good checks in a row until the next step."""
    longest_wait: Seconds = 3600
    """Most time from recovery to the first step; each failure on the way back doubles it."""
    calm: Seconds = 86400
    """Time without failure after which earlier ones are forgotten."""
    whole_pools: Annotated[int, Field(ge=1, le=19)] = 1
    """Platforms that must serve without shedding for another one to be held back."""
    poll: Annotated[int, Field(ge=10, le=300)] = 15
    """Between two looks. A look takes three requests and one for each platform, of the 1200 that Cloudflare allows in
    five minutes: https://developers.cloudflare.com/fundamentals/api/reference/limits/"""

    @field_validator("steps")
    @classmethod
    def _rise_to_the_whole(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if list(steps) != sorted(set(steps)) or steps[-1] != WHOLE:
            raise ValueError(f"must rise and end with {WHOLE}, such as [5, 25, 50, 100]")
        return steps

    @model_validator(mode="after")
    def _fits_together(self) -> Recovery:
        if self.longest_wait < self.dwell:
            raise ValueError("recovery.longestWait is shorter than recovery.dwell; raise it or lower dwell")
        return self

    def seconds_between_looks(self, speed: float = 1.0) -> float:
        """Real seconds; ``speed`` is the sandbox's."""
        return max(self.poll / speed, _POLL_FLOOR)

    def rules(self, speed: float = 1.0) -> Rules:
        """The rules in real seconds; ``speed`` is the sandbox's."""
        return Rules(
            steps=self.steps,
            dwell=self.dwell / speed,
            clean_probes=self.clean_probes,
            longest_wait=self.longest_wait / speed,
            calm=self.calm / speed,
            whole_pools=self.whole_pools,
            silence=_SILENT_LOOKS * self.seconds_between_looks(speed),
        )
