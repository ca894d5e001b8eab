"""The setting ``workerLimits`` of a stack: how patient the edge's Worker is. Light to import."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

#: A Worker lives as long as the visitor waits; browsers give up after minutes.
Milliseconds = Annotated[int, Field(ge=1, le=3_600_000)]


class WorkerLimits(BaseModel):
    """How patient the Worker is. Milliseconds, unless said otherwise."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)

    attempt: Milliseconds = 3_000
    """Until one platform must have begun to answer."""
    hedge: Milliseconds = 400
    """After which the next platform is asked beside a slow one."""
    deadline: Milliseconds = 9_000
    """After which the copy answers."""
    failures: Annotated[int, Field(ge=1, le=100)] = 3
    """In a row, until a platform is left alone."""
    wait: Milliseconds = 1_000
    """Until a platform that was left alone is checked; doubles each time."""
    longest_wait: Milliseconds = 300_000
    """What that wait grows to."""
    check: Milliseconds = 30_000
    """Between two checks of each platform, made behind a visitor's request."""
    steps: tuple[Annotated[int, Field(ge=1, le=99)], ...] = (5, 10, 25, 50)
    """Percent of the visitors that a recovered platform gets, one after the other; then all."""
    step_time: Milliseconds = 60_000
    """How long each step lasts."""
    whole: Annotated[int, Field(ge=1_024, le=4 * 1024 * 1024)] = 524_288
    """Bytes: shorter bodies are read whole and compared with the releases before they are sent."""

    @field_validator("steps")
    @classmethod
    def _rise(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if list(steps) != sorted(set(steps)):
            raise ValueError("must rise, such as [5, 10, 25, 50]; all visitors follow after the last")
        return steps

    @model_validator(mode="after")
    def _fits_together(self) -> WorkerLimits:
        if not self.hedge < self.attempt < self.deadline:
            raise ValueError("workerLimits must be hedge < attempt < deadline; change one of them")
        if self.longest_wait < self.wait:
            raise ValueError("workerLimits.longestWait is shorter than workerLimits.wait; raise it or lower wait")
        return self

    def changed(self, **values: object) -> WorkerLimits:
        """These limits with other values, checked like the first."""
        return WorkerLimits.model_validate({**self.model_dump(), **values})

    def for_script(self) -> dict[str, object]:
        """As the script reads it: shares from 0 to 1."""
        return {**self.model_dump(by_alias=True), "steps": [step / 100 for step in self.steps]}
