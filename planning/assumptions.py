"""The numbers that no record gives: ``assumptions.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from planning.mistakes import refuse, sentences
from planning.providers import Mark

FILE = Path(__file__).with_name("assumptions.toml")


class Assumption(BaseModel):
    """One number with the range it may have."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    value: float = Field(ge=0)
    low: float = Field(ge=0)
    high: float = Field(ge=0)
    unit: str
    text: str = Field(min_length=1)
    source: str = Field(min_length=1)
    mark: Mark

    @model_validator(mode="after")
    def _in_order(self) -> Assumption:
        if not self.low <= self.value <= self.high:
            raise ValueError("value does not lie between low and high; correct one of the three")
        if self.unit.startswith("of ") and self.high > 1:
            raise ValueError(f"high is above 1, and the unit is a share ({self.unit}); correct one of the two")
        return self


class Values(BaseModel):
    """The number of each assumption, under its name in the file. Shares are 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    beta: float
    beta_front: float
    soft_where_unknown: float
    whole_outage: float
    partly: float
    perhaps: float
    propagation_seconds: float
    front_switch_seconds: float
    deploys_per_year: float
    bad_deploy: float
    repair_minutes: float
    certificate_per_year: float
    certificate_minutes: float
    domain_per_year: float
    domain_minutes: float


Assumptions = Mapping[str, Assumption]


def load(path: Path = FILE) -> Assumptions:
    """All assumptions by name. Raises DataError with every mistake."""
    raw = tomllib.loads(path.read_text("utf-8"))
    found: dict[str, Assumption] = {}
    mistakes = [f"[{name}]: is missing; the model needs it" for name in Values.model_fields if name not in raw]
    mistakes += [f"[{name}]: is nothing the model uses; remove it" for name in raw if name not in Values.model_fields]
    for name, value in raw.items():
        try:
            found[name] = Assumption.model_validate(value)
        except ValidationError as error:
            mistakes += sentences(f"[{name}]", error)
    refuse(path, mistakes)
    return found


def values(assumptions: Assumptions) -> Values:
    """The numbers alone."""
    return Values.model_validate({name: one.value for name, one in assumptions.items()})
