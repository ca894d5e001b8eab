"""Traffic as Cloudflare has measured it: the answer of its GraphQL API, saved as a file.

The query is on docs/cost.md; the fields are those of ``httpRequests1dGroups``:
https://developers.cloudflare.com/analytics/graphql-api/features/data-sets/
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from planning.mistakes import DataError, refuse, sentences
from planning.prices import DAYS
from planning.traffic import GB, Load


class Sum(BaseModel):
    """What one day adds up to."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)
    bytes: int = Field(ge=0)
    cached_bytes: int = Field(ge=0)
    requests: int = Field(ge=0)
    page_views: int = Field(ge=0)


class _Day(BaseModel):
    sum: Sum


class _Zone(BaseModel):
    days: list[_Day] = Field(alias="httpRequests1dGroups", min_length=1)


class _Viewer(BaseModel):
    zones: list[_Zone] = Field(min_length=1, max_length=1)


class _Data(BaseModel):
    viewer: _Viewer


class _Answer(BaseModel):
    data: _Data


def load(path: Path) -> tuple[Sum, ...]:
    """The days of the file. Raises DataError with every mistake."""
    try:
        answer = _Answer.model_validate_json(path.read_bytes())
    except ValidationError as error:
        refuse(path, sentences("answer of the GraphQL API", error))
        raise
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not valid JSON ({error}); save the API's answer as it is") from error
    return tuple(day.sum for day in answer.data.viewer.zones[0].days)


def as_load(days: tuple[Sum, ...], expected: Load) -> Load:
    """A month of 30 such days; what Cloudflare does not measure is taken from what is expected.

    A visit is a page view. Raises DataError where there were none.
    """
    views = Decimal(sum(day.page_views for day in days))
    sent = Decimal(sum(day.bytes for day in days))
    if not views or not sent:
        raise DataError(
            "the measured days have no page views or no bytes, so nothing can be said of a visit; take more"
        )
    return Load(
        visits=views * DAYS / len(days),
        gigabytes=sent / GB / views,
        requests=Decimal(sum(day.requests for day in days)) / views,
        cached=Decimal(sum(day.cached_bytes for day in days)) / sent,
        deploys=expected.deploys,
        site_gigabytes=expected.site_gigabytes,
        files=expected.files,
    )
