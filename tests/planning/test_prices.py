from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import prices
from planning.mistakes import DataError
from planning.prices import Row, load, outdated, rows

TODAY = datetime.datetime.now(datetime.UTC).date()
GIVEN = {"text": "traffic", "unit": "GB", "source": "a page", "date": "2026-11-24", "mark": "V"}


def row(**values):
    return Row.model_validate({**GIVEN, "free": "10", "end": "charge", "then": "charged", **values})


def test_no_price_is_older_than_a_year():
    assert outdated(load(), TODAY) == [], "read these prices again at their source, and write the new date"


def test_a_price_is_outdated_one_day_after_a_year():
    found = load()
    oldest = min(one.date for _, _, _, one in rows(found))
    assert outdated(found, oldest + datetime.timedelta(days=365)) == []
    assert outdated(found, oldest + datetime.timedelta(days=366)) != []


def test_every_price_has_a_source_and_a_date_that_is_not_in_the_future():
    for provider, plan, item, one in rows(load()):
        assert len(one.source) > 8, (provider, plan, item)
        assert one.date <= TODAY, (provider, plan, item)


def test_every_plan_that_can_be_declared_has_prices():
    from components.hosts import host_class
    from platforms import PLATFORMS

    known = load()
    for name in PLATFORMS:
        kind = host_class(name).arguments.__annotations__.get("plan")
        plans = [word.strip("' \"").lower() for word in kind[8:-1].split(",")] if kind else []
        assert set(plans) <= set(known[name]), name
        assert plans or len(known[name]) == 1, name
    assert set(known["cloudflare"]) == {"load-balancer", "worker"}


def test_what_is_free_costs_nothing_and_what_is_beyond_is_charged_by_the_unit():
    one = row(price="0.5", per="4")
    assert one.cost(Decimal(10)) == 0
    assert one.cost(Decimal(12)) == Decimal("0.25")


def test_whole_lots_are_rounded_up():
    one = row(price="0.5", per="4", whole=True)
    assert one.cost(Decimal(11)) == Decimal("0.5")
    assert one.cost(Decimal(14)) == Decimal("0.5")
    assert one.cost(Decimal("14.1")) == Decimal(1)


def test_tiers_are_filled_one_after_the_other():
    one = row(tiers=[["10", "3"], ["20", "2"], ["rest", "1"]])
    assert one.cost(Decimal(15)) == 15
    assert one.cost(Decimal(25)) == 30 + 10
    assert one.cost(Decimal(50)) == 30 + 40 + 10


CHARGED = [found for _, _, _, found in rows(load()) if found.end == "charge"]


@settings(deadline=None)
@given(st.decimals(0, 10**7, places=2), st.decimals(0, 10**7, places=2))
def test_more_never_costs_less(one, other):
    less, more = sorted((one, other))
    for found in CHARGED:
        low, high = found.cost(less), found.cost(more)
        assert low is None or high is None or low <= high


def test_an_unknown_price_makes_an_unknown_cost_only_where_it_is_needed():
    assert row(price="unknown").cost(Decimal(10)) == 0
    assert row(price="unknown").cost(Decimal(11)) is None
    assert row(price="1", free="unknown").cost(Decimal(0)) is None


def test_what_cannot_be_bought_is_never_charged():
    assert row(end="pause").cost(Decimal(10**9)) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"price": None, "end": "charge"}, "end is charge where there is a price or tiers"),
        ({"price": "1", "end": "pause"}, "end is charge where there is a price or tiers"),
        ({"pool": "credits", "price": "1"}, "pool and each belong together"),
        ({"pool": "credits", "each": "1", "price": None, "end": None}, "takes from a pool"),
        ({"price": "1", "then": ""}, "say what is free and what happens after it"),
        ({"price": "1", "tiers": [["rest", "1"]]}, "tiers stand instead of price"),
        ({"price": "1", "date": "yesterday"}, "date"),
        ({"price": "1", "source": ""}, "source"),
        ({"price": "-1"}, "price"),
    ],
)
def test_a_row_that_does_not_fit_together_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        row(**change)


def test_all_mistakes_of_the_file_are_named_at_once_with_their_tables(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(
        "[acme.free.traffic]\ntext = 'traffic'\n[acme.free.deploys]\ntext = 'deploys'\nunit = 'deploy'\n"
        "pool = 'credits'\neach = '15'\nsource = 'a page'\ndate = 2026-11-24\nmark = 'V'\n"
    )
    with pytest.raises(DataError) as error:
        load(path)
    said = str(error.value)
    assert "[acme.free.traffic]: unit" in said
    assert "[acme.free.deploys]: pool: there is no item credits" in said
    assert str(path) in said


def test_a_month_of_a_daily_limit_is_thirty_days():
    assert load()["firebase"]["spark"]["traffic"].free_in_a_month == Decimal("10.8")
    assert prices.DAYS == 30
