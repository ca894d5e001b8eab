"""What providers charge, and what is free: ``prices.toml``."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from planning.mistakes import refuse, sentences
from planning.providers import Mark

FILE = Path(__file__).with_name("prices.toml")
OLDEST = datetime.timedelta(days=365)
"""Age from which a price is not to be relied on."""
DAYS = Decimal(30)
"""Days of a month, in the whole cost model."""

End = Literal["charge", "credit", "pause", "errors", "refuse", "throttle"]
Amount = Annotated[Decimal, Field(ge=0)]
STOPS: frozenset[End] = frozenset({"pause", "errors"})
"""Ends after which nobody is served."""


class Row(BaseModel):
    """One item of one plan. Money is US dollars without tax, GB are 10⁹ bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    period: Literal["month", "day"] = "month"
    free: Amount | Literal["unlimited", "unknown"] | None = None
    """Units in each period; None for an item that takes from a pool."""
    price: Amount | Literal["unknown"] | None = None
    """Dollars for ``per`` units beyond the free ones; None where no more can be had, or ``tiers`` say."""
    per: Annotated[Decimal, Field(gt=0)] = Decimal(1)
    whole: bool = False
    """Only whole lots of ``per`` are sold."""
    tiers: tuple[tuple[Amount | Literal["rest"], Amount], ...] = ()
    """Units beyond the free ones at each price in turn; the last has no end."""
    pool: str = ""
    each: Amount = Decimal(0)
    """Units of the pool for ``per`` of this item."""
    end: End | None = None
    then: str = ""
    catch: str = ""
    """What nobody must be surprised by, at any traffic."""
    source: str = Field(min_length=1)
    date: datetime.date
    mark: Mark

    @model_validator(mode="after")
    def _fits_together(self) -> Row:
        if bool(self.pool) != (self.each > 0):
            raise ValueError("pool and each belong together; give both or none")
        if self.pool:
            if self.free is not None or self.price is not None or self.end:
                raise ValueError("takes from a pool, so free, price and end belong to that")
            return self
        if self.free is None or self.end is None or not self.then:
            raise ValueError("free, end and then are needed; say what is free and what happens after it")
        if (self.end == "charge") != (self.price is not None or bool(self.tiers)):
            raise ValueError("end is charge where there is a price or tiers, and only there")
        if self.tiers and (
            self.price is not None or [one for one, _ in self.tiers].index("rest") != len(self.tiers) - 1
        ):
            raise ValueError("tiers stand instead of price, and end with “rest”")
        return self

    @property
    def stops(self) -> bool:
        """Whether nobody is served once the free part has ended."""
        return self.end in STOPS

    @property
    def free_in_a_month(self) -> Decimal | None:
        """Free units of a whole month; None if without end or not known."""
        if not isinstance(self.free, Decimal):
            return None
        return self.free * DAYS if self.period == "day" else self.free

    def cost(self, quantity: Decimal) -> Decimal | None:
        """Dollars for a quantity in each period of a month; None if not known."""
        if self.end != "charge" or self.free == "unlimited":
            return Decimal(0)
        if self.free == "unknown":
            return None
        assert isinstance(self.free, Decimal)  # noqa: S101 - for mypy; the validator has seen to it
        beyond = max(Decimal(0), quantity - self.free)
        if not beyond:
            return Decimal(0)
        if self.tiers:
            return _in_tiers(beyond, self.tiers)
        if not isinstance(self.price, Decimal):
            return None
        lots = beyond / self.per
        return self.price * (lots.to_integral_value(rounding="ROUND_CEILING") if self.whole else lots)


def _in_tiers(beyond: Decimal, tiers: tuple[tuple[Decimal | Literal["rest"], Decimal], ...]) -> Decimal:
    total = Decimal(0)
    for size, price in tiers:
        part = beyond if size == "rest" else min(beyond, size)
        total += part * price
        beyond -= part
    return total


Plan = Mapping[str, Row]
Prices = Mapping[str, Mapping[str, Plan]]
"""Provider → plan → item → row."""


def load(path: Path = FILE) -> Prices:
    """All prices. Raises DataError with every mistake and its place."""
    raw = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    found: dict[str, dict[str, dict[str, Row]]] = {}
    mistakes: list[str] = []
    for provider, plan, item, value in _tables(raw):
        try:
            found.setdefault(provider, {}).setdefault(plan, {})[item] = Row.model_validate(value)
        except ValidationError as error:
            mistakes += sentences(f"[{provider}.{plan}.{item}]", error)
    mistakes += _without_pool(found)
    refuse(path, mistakes)
    return found


def rows(prices: Prices) -> Iterator[tuple[str, str, str, Row]]:
    """Provider, plan, item and row of every price."""
    for provider, plans in prices.items():
        for plan, items in plans.items():
            for item, row in items.items():
                yield provider, plan, item, row


def outdated(prices: Prices, today: datetime.date) -> list[str]:
    """Names of the rows that were read more than a year ago."""
    return [f"{one}.{plan}.{item}" for one, plan, item, row in rows(prices) if today - row.date > OLDEST]


def _tables(raw: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    for provider, plans in raw.items():
        for plan, items in plans.items():
            for item, value in items.items():
                yield provider, plan, item, value


def _without_pool(found: Prices) -> list[str]:
    return [
        f"[{provider}.{plan}.{item}]: pool: there is no item {row.pool} in this plan; add it"
        for provider, plan, item, row in rows(found)
        if row.pool and row.pool not in found[provider][plan]
    ]
