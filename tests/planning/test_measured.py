from __future__ import annotations

import json
from decimal import Decimal

import pytest

from planning.measured import as_load, load
from planning.mistakes import DataError
from tests.planning.cost_stacks import month


def saved(tmp_path, *days):
    path = tmp_path / "measured.json"
    groups = [{"sum": one} for one in days]
    path.write_text(json.dumps({"data": {"viewer": {"zones": [{"httpRequests1dGroups": groups}]}}, "errors": None}))
    return path


def day(views, size, cached=0, requests=None):
    return {
        "bytes": size,
        "cachedBytes": cached,
        "requests": requests if requests is not None else views * 5,
        "cachedRequests": 0,
        "pageViews": views,
    }


def test_measured_days_become_a_month_of_thirty(tmp_path):
    found = as_load(load(saved(tmp_path, day(100, 50_000_000, 10_000_000), day(300, 150_000_000, 40_000_000))), month())
    assert found.visits == 400 * 15
    assert found.gigabytes == Decimal("0.0005")
    assert found.requests == 5
    assert found.cached == Decimal("0.25")
    assert found.deploys == month().deploys


def test_an_answer_that_is_another_one_is_refused_with_its_place(tmp_path):
    path = tmp_path / "measured.json"
    path.write_text('{"data": {"viewer": {"zones": []}}}')
    with pytest.raises(DataError, match=r"data\.viewer\.zones"):
        load(path)
    path.write_text("nothing")
    with pytest.raises(DataError, match="JSON"):
        load(path)


def test_days_without_visitors_say_nothing_of_a_visit(tmp_path):
    with pytest.raises(DataError, match="no page views"):
        as_load(load(saved(tmp_path, day(0, 0))), month())
