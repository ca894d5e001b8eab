from __future__ import annotations

import pytest
from click.testing import CliRunner

from tools.chaos import __main__ as module


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PARTS", {"crash": lambda site, random, sample, only: iter(())})
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)
    return lambda *given: CliRunner().invoke(module.main, ["--report", str(tmp_path), "--part", "crash", *given])


def test_a_sample_that_has_no_case_is_an_error_and_no_pass(run):
    done = run("--from", "5000")
    assert done.exit_code == 1
    assert "nothing was tried: no case fits ONLY and FROM" in done.stderr


def test_one_of_several_processes_may_have_no_case(run):
    assert run("--share").exit_code == 0
