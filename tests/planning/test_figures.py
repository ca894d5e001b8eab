from __future__ import annotations

from decimal import Decimal

import pytest

from planning.figures import amount, dollars, plural


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("259200", "259,200"),
        ("51.6234", "51.62"),
        ("0.0080", "0.008"),
        ("1234.56", "1,235"),
        ("0", "0"),
        ("0.36", "0.36"),
    ],
)
def test_quantities_have_four_digits(value, said):
    assert amount(Decimal(value)) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [("0", "$0.00"), ("0.004", "< $0.01"), ("25", "$25.00"), ("1234.5", "$1,234.50"), (None, "unknown")],
)
def test_money_is_in_cents_and_never_less_than_it_is(value, said):
    assert dollars(None if value is None else Decimal(value)) == said


def test_units_have_their_plural():
    assert [plural(one, Decimal(2)) for one in ("query", "deploy", "GB", "credit")] == [
        "queries",
        "deploys",
        "GB",
        "credits",
    ]
    assert plural("query", Decimal(1)) == "query"
