from __future__ import annotations

import json

from rich.console import Console

from tools.chaos import report
from tools.chaos.call_faults import outcome
from tools.chaos.findings import Case, rows

CASES = [
    Case("crash", "first", "1: a call", "killed", (), 30.0),
    Case("crash", "first", "2: a call", "killed", ("netlify serves a mixture",), 30.0),
    Case("faults", "500", "aws, call 3", "recovered"),
]


def test_cases_are_counted_by_line():
    first, second = rows(CASES)
    assert (first.name, len(first.cases), first.broken, first.outcomes) == ("first", 2, 1, {"killed": 2})
    assert (second.name, second.broken) == ("500", 0)


def test_what_broke_stands_in_the_report(tmp_path):
    report.write(CASES, 5, tmp_path)
    page = (tmp_path / "chaos.md").read_text()
    assert "| crash | first | 2 | 1 | 1 | 2 killed | 1.0 |" in page
    assert "- crash, first, 2: a call: netlify serves a mixture" in page
    document = json.loads((tmp_path / "chaos.json").read_text())
    assert (document["seed"], document["broken"], len(document["cases"])) == (5, 1, 3)


def test_the_table_has_a_row_for_each_line():
    console = Console(width=160, record=True)
    console.print(report.table(CASES))
    text = console.export_text()
    assert "first" in text
    assert "recovered" in text


def test_an_outcome_is_a_recovery_a_clear_error_or_neither():
    assert outcome("aws", True, 0, "") == "recovered"
    assert outcome("aws", False, 1, "error: aws: listing was refused with HTTP 401") == "clear error"
    assert outcome("aws", False, 1, "error: netlify: refused") == "no clear error"
    assert outcome("aws", True, 1, "error: netlify: refused") == "recovered"
    assert outcome("aws", True, 0, "Traceback (most recent call last)\n  aws error") == "no clear error"
