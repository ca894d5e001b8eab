"""How quantities and money are written."""

from __future__ import annotations

from decimal import Decimal

_DIGITS = 4


def amount(value: Decimal) -> str:
    """A quantity with four significant digits at least: ``259,200``, ``51.62``, ``0.008``."""
    if value == value.to_integral_value() or abs(value) >= 10 ** (_DIGITS - 1):
        return f"{value:,.0f}"
    places = _DIGITS - 1 - value.adjusted()
    text = f"{value:,.{min(places, 9)}f}"
    return text.rstrip("0").rstrip(".")


def dollars(value: Decimal | None) -> str:
    """Money in cents; what is more than nothing and less than a cent is said to be so."""
    if value is None:
        return "unknown"
    if 0 < value < Decimal("0.01"):
        return "< $0.01"
    return f"${value:,.2f}"


def plural(unit: str, value: Decimal) -> str:
    """A unit as it stands behind a number: ``1 query``, ``2 queries``, ``2 GB``."""
    if value == 1 or unit.isupper():
        return unit
    return f"{unit[:-1]}ies" if unit.endswith("y") and unit[-2] not in "aeiou" else f"{unit}s"
