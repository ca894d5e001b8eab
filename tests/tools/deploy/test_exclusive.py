from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tools.deploy import exclusive
from tools.deploy.engine_process import RUN
from tools.deploy.errors import Refused
from tools.deploy.places import Places


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path, tmp_path / "state")


def sleeper(**environment):
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, **environment})


def test_a_second_run_is_refused_with_the_process_of_the_first(places):
    with exclusive.run(places), pytest.raises(Refused, match=f"process {os.getpid()}"), exclusive.run(places):
        pass


def test_a_run_may_follow_another(places):
    with exclusive.run(places) as (first, ended):
        assert ended == 0
    with exclusive.run(places) as (second, ended):
        assert ended == 0
    assert first != second


def test_what_a_killed_run_left_is_ended_and_nothing_else(places):
    places.state.mkdir()
    (places.state / "run.json").write_text(json.dumps({"pid": 1, "id": "killed", "since": "12:00:00"}))
    left, other = sleeper(**{RUN: "killed"}), sleeper(**{RUN: "another"})
    try:
        with exclusive.run(places) as (_, ended):
            assert ended == 1
        assert left.poll() is not None
        assert other.poll() is None
    finally:
        for process in (left, other):
            process.kill()
            process.wait()


def test_the_record_of_a_run_that_failed_with_an_error_is_cleared_by_the_next(places):
    with pytest.raises(ZeroDivisionError), exclusive.run(places):
        raise ZeroDivisionError
    with exclusive.run(places) as (_, ended):
        assert ended == 0
