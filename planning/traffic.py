"""How much a site is visited, published and stored: the setting ``traffic`` of a stack. Light to import."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

KB, MB, GB = Decimal(10**3), Decimal(10**6), Decimal(10**9)


class Traffic(BaseModel):
    """The stack's setting ``traffic``: what is expected of a month of 30 days."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, populate_by_name=True)

    visits: Annotated[int, Field(ge=0, le=10**12)] = 10_000
    """A month, bots included."""
    page_weight: Annotated[float, Field(gt=0, le=10_000_000)] = 1000
    """Kilobytes that one visit transfers."""
    requests: Annotated[float, Field(ge=1, le=100_000)] = 11
    """Of one visit: pages and their files."""
    cached: Annotated[float, Field(ge=0, le=1)] = 0
    """Share of bytes and requests that Cloudflare's cache answers. A Worker runs before the cache, so 0 there."""
    deploys: Annotated[int, Field(ge=0, le=100_000)] = 4
    """Releases published a month."""
    site_size: Annotated[float, Field(ge=0, le=10_000_000)] = 0
    """Megabytes of one release; 0 measures the folder `content`."""
    files: Annotated[int, Field(ge=0)] = 0
    """Files of one release; 0 counts those of the folder `content`."""


@dataclass(frozen=True)
class Load:
    """What a month brings."""

    visits: Decimal
    gigabytes: Decimal
    """Of one visit."""
    requests: Decimal
    """Of one visit."""
    cached: Decimal
    """Share that the edge's cache answers, 0 to 1."""
    deploys: Decimal
    site_gigabytes: Decimal
    files: Decimal

    @property
    def all_gigabytes(self) -> Decimal:
        """Of all visits."""
        return self.visits * self.gigabytes


def load_of(traffic: Traffic, site_bytes: int, files: int) -> Load:
    """The setting as a load, with the measured site where the setting does not say."""
    return Load(
        visits=Decimal(traffic.visits),
        gigabytes=_exact(traffic.page_weight) * KB / GB,
        requests=_exact(traffic.requests),
        cached=_exact(traffic.cached),
        deploys=Decimal(traffic.deploys),
        site_gigabytes=_exact(traffic.site_size) * MB / GB or site_bytes / GB,
        files=Decimal(traffic.files or files),
    )


def _exact(value: float) -> Decimal:
    """The number as it is written."""
    return Decimal(str(value))
