"""Outages on record: ``outages.csv``, one row for each outage of each provider.

Columns: ``provider`` (who failed), ``cause`` (where the fault lay: the provider itself or what it stands on), ``date``
and ``start`` (UTC), ``minutes`` (the severe part; empty where no source says), ``minutes_most`` (until the all-clear),
``share`` (of the requests of a static site that failed, 0 to 1; 0 means that such a site saw nothing), ``kind``
(``hard``: no answer, which the edge tries again on the next platform; ``soft``: an error page or a wrong one;
``unknown``), ``assumed`` (columns that the source does not give, joined by ``;``), ``source``, ``mark``, ``read`` (date
of reading), ``note``.
"""

from __future__ import annotations

import csv
import datetime
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from planning.mistakes import refuse, sentences
from planning.providers import Mark

FILE = Path(__file__).with_name("outages.csv")
_ASSUMABLE = {"minutes", "share", "kind"}


class Outage(BaseModel):
    """One row."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    provider: str = Field(min_length=1)
    cause: str = Field(min_length=1)
    date: datetime.date
    start: datetime.time | None
    minutes: Annotated[float, Field(gt=0)] | None
    minutes_most: Annotated[float, Field(gt=0)] | None
    share: float = Field(ge=0, le=1)
    kind: Literal["hard", "soft", "unknown"]
    assumed: frozenset[str]
    source: str = Field(min_length=1)
    mark: Mark
    read: datetime.date
    note: str

    @field_validator("start", "minutes", "minutes_most", mode="before")
    @classmethod
    def _empty_is_unknown(cls, given: Any) -> Any:
        return None if given == "" else given

    @field_validator("assumed", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        names = frozenset(name for name in str(given).split(";") if name)
        if not names <= _ASSUMABLE:
            raise ValueError(f"names something else than {', '.join(sorted(_ASSUMABLE))}; join columns by ;")
        return names

    @model_validator(mode="after")
    def _fits_together(self) -> Outage:
        if self.date > self.read:
            raise ValueError(f"was read on {self.read}, before it happened on {self.date}; correct one of the two")
        if (self.minutes is None) != (self.minutes_most is None):
            raise ValueError("only one of minutes and minutes_most is given; give both or none")
        if self.minutes and self.minutes_most and self.minutes_most < self.minutes:
            raise ValueError("minutes_most is less than minutes; it counts until the all-clear")
        return self

    @property
    def seen(self) -> bool:
        """Whether a static site failed for anybody."""
        return self.share > 0


def load(path: Path = FILE, known: Collection[str] | None = None) -> tuple[Outage, ...]:
    """All rows. ``known``: the providers there are. Raises DataError with every mistake and its line."""
    rows: list[tuple[int, Outage]] = []
    mistakes: list[str] = []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restkey="more", restval=None)
        for row in reader:
            given = {key: value for key, value in row.items() if value is not None}
            try:
                rows.append((reader.line_num, Outage.model_validate(given)))
            except ValidationError as error:
                mistakes += sentences(f"line {reader.line_num}", error)
    mistakes += _across(rows, known)
    refuse(path, sorted(mistakes, key=_line))
    return tuple(outage for _, outage in rows)


def _across(rows: Sequence[tuple[int, Outage]], known: Collection[str] | None) -> list[str]:
    mistakes = []
    first: dict[tuple[str, datetime.date], int] = {}
    for line, row in rows:
        same = first.setdefault((row.provider, row.date), line)
        if same != line:
            mistakes.append(f"line {line}: the outage of {row.provider} on {row.date} stands in line {same} already")
        unknown = {row.provider, row.cause} - set(known) if known is not None else set()
        mistakes += [f"line {line}: there is no provider {name}; add it to providers.toml" for name in sorted(unknown)]
    return mistakes


def _line(mistake: str) -> int:
    return int(mistake.removeprefix("line ").split(":", 1)[0])
