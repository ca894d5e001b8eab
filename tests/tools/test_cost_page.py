from __future__ import annotations

import re
from decimal import Decimal

import pytest

from planning.cost_chart import draw
from planning.prices import load, rows
from tools.cost.summary import Changes, summary
from tools.cost_page import CHART, PAGE, ROOT, STACK, expected, page

ROW = re.compile(r"^\| `([\w.-]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
CASES = (1, 100, 2000)


@pytest.fixture(scope="module")
def text():
    return PAGE.read_text("utf-8")


def by_hand(text, case):
    """What the page says of a case: its rows by key, and its total."""
    part = text.split(f"<!-- case {case} -->")[1].split("\n##")[0]
    total = re.search(r"\*\*Total: \$([\d.]+)\*\*", part)
    assert total
    return dict(ROW.findall(part)), Decimal(total[1])


def close(computed, written):
    """Whether a figure worked by hand is the computed one, to its last digit."""
    said = Decimal(written.replace(",", "").removeprefix("$"))
    unit = Decimal(1).scaleb(said.as_tuple().exponent)
    return abs(computed - said) < unit


def test_the_page_and_its_chart_are_what_the_model_says(text, tmp_path):
    assert text == page(), "run `make docs` and commit docs/cost.md"
    given = expected()
    _, svg = draw(given.bill, given.facts, STACK, tmp_path)
    assert svg.read_bytes() == CHART.read_bytes(), "run `make docs` and commit docs/cost.svg"


@pytest.mark.parametrize("case", CASES)
def test_a_case_worked_by_hand_is_what_the_command_says(text, case):
    written, total = by_hand(text, case)
    found = summary(ROOT, STACK, Changes(gigabytes=Decimal(case))).bill
    assert found.total == total
    served = {one.platform: one.visits for one in found.carriers}
    for key, figure in written.items():
        if key in served:
            assert close(served[key], figure), (key, served[key])
        elif figure == "unknown":
            assert key in found.unknown
        else:
            assert close(found.line(key).cost, figure), (key, found.line(key).cost)


@pytest.mark.parametrize("case", CASES)
def test_a_case_worked_by_hand_leaves_out_nothing_that_is_charged(text, case):
    written, _ = by_hand(text, case)
    found = summary(ROOT, STACK, Changes(gigabytes=Decimal(case))).bill
    charged = {line.key for line in found.lines if line.cost}
    assert charged <= set(written)
    assert {one.platform for one in found.carriers if one.visits} <= set(written)


def test_what_each_platform_gets_before_any_visitor_is_worked_out_right(text):
    found = summary(ROOT, STACK, Changes(visits=Decimal(0))).bill
    assert found.line("azure.traffic").quantity == Decimal("0.4216")
    assert found.line("aws.requests").quantity == 260_824
    assert "260,824 requests and 0.4216 GB" in text
    assert found.line("netlify.credits").quantity == Decimal("146.6792")


def test_every_price_is_on_the_page_with_source_and_date(text):
    for provider, plan, item, row in rows(load()):
        line = next(one for one in text.splitlines() if one.startswith(f"| {provider}.{plan}.{item} |"))
        assert row.source in line
        assert f"| {row.date} | {row.mark} |" in line


def test_nothing_is_left_of_the_template(text):
    assert "{{" not in text
