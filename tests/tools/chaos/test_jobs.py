from __future__ import annotations

import sys

import pytest

from tools.chaos import jobs
from tools.chaos.jobs import JobFailed, share
from tools.chaos.sampling import Sample

#: Finds one case after the other and ends, as `python -m tools.chaos` does; or with the code that it is given.
PROGRAM = """
import sys, time
from pathlib import Path
from tools.chaos import report
from tools.chaos.findings import Case
first, every = map(int, sys.argv[1:3])
found = []
for number in range(first, 6, every):
    found.append(Case("crash", "a row", str(number), "killed", ("a sentence",) if number == 4 else (), 1.0))
    report.write(found, 1, Path(sys.argv[-1]))
    time.sleep(0.05)
own = any(case.broken for case in found)
sys.exit(own if sys.argv[3] == "None" else int(sys.argv[3]))
"""


def working(monkeypatch, code=None):
    def command(sample):
        return [sys.executable, "-c", PROGRAM, str(sample.first), str(sample.every), str(code)]

    monkeypatch.setattr(jobs, "_command", command)
    monkeypatch.setattr(jobs, "_LOOK", 0.02)


def test_the_cases_of_all_processes_are_given_once_with_what_broke(monkeypatch, tmp_path):
    working(monkeypatch)
    cases = list(share([], [Sample(2, 1), Sample(2, 2)], tmp_path))
    assert sorted(case.what for case in cases) == ["1", "2", "3", "4", "5"]
    assert [case.what for case in cases if case.broken == ("a sentence",)] == ["4"]


def test_what_an_earlier_run_left_is_not_counted(monkeypatch, tmp_path):
    working(monkeypatch)
    list(share([], [Sample(1, 1)], tmp_path))
    assert len(list(share([], [Sample(1, 4)], tmp_path))) == 2


def test_a_process_that_was_refused_is_an_error_though_another_found_something(monkeypatch, tmp_path):
    working(monkeypatch, 1)  # what ends with 1 and has found nothing broken was refused
    with pytest.raises(JobFailed, match=r"\[1, 1\]"):
        list(share([], [Sample(1, 4), Sample(1, 5)], tmp_path))


@pytest.mark.parametrize("code", [2, 130])
def test_a_process_that_ends_in_another_way_is_an_error_and_not_a_pass(monkeypatch, tmp_path, code):
    working(monkeypatch, code)
    with pytest.raises(JobFailed, match=str(code)):
        list(share([], [Sample(1, 1)], tmp_path))


def test_a_share_may_be_empty_and_all_of_them_may_not(monkeypatch, tmp_path):
    working(monkeypatch)
    assert len(list(share([], [Sample(1, 4), Sample(1, 9)], tmp_path))) == 2
    with pytest.raises(JobFailed, match="0"):
        list(share([], [Sample(1, 9)], tmp_path))
