"""Who can fail, and what each provider stands on: ``providers.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from planning.mistakes import refuse, sentences

FILE = Path(__file__).with_name("providers.toml")

Mark = Literal["V", "S", "I", "M"]
"""Trust in a fact: V primary source, S secondary source, I inference, M from memory and not confirmed."""
Extent = Literal["wholly", "partly", "perhaps"]


class Footing(BaseModel):
    """One provider that another stands on."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    on: str
    extent: Extent
    source: str = Field(min_length=1)
    mark: Mark


class Provider(BaseModel):
    """A platform, a cloud under platforms, or a part of the edge."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1)
    role: Literal["platform", "cloud", "front", "service", "edge"]
    sla: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Promised share of time, 0 to 1; None where nothing is promised."""
    sla_note: str = ""
    sla_source: str = ""
    sla_mark: Mark | None = None
    stands_on: tuple[Footing, ...] = ()

    @model_validator(mode="after")
    def _has_source(self) -> Provider:
        if self.sla is not None and not (self.sla_source and self.sla_mark):
            raise ValueError("sla stands without sla_source and sla_mark; say where it was read")
        return self


Providers = Mapping[str, Provider]


def load(path: Path = FILE) -> Providers:
    """All providers by key. Raises DataError with every mistake."""
    found: dict[str, Provider] = {}
    mistakes: list[str] = []
    raw = tomllib.loads(path.read_text("utf-8"))
    for key, value in raw.items():
        try:
            found[key] = Provider.model_validate(value)
        except ValidationError as error:
            mistakes += sentences(f"[{key}]", error)
    for key, provider in found.items():
        unknown = [one.on for one in provider.stands_on if one.on not in raw]
        mistakes += [f"[{key}]: stands_on: there is no provider {name}; add a table for it" for name in unknown]
    refuse(path, mistakes)
    return found


def platforms(providers: Providers) -> tuple[str, ...]:
    """Keys of the platforms that the model knows."""
    return tuple(key for key, provider in providers.items() if provider.role == "platform")
