"""``make drill`` with a Worker at the edge, as a user runs it, cut down to two platforms and two faults."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from platforms import PLATFORMS
from sandbox.cloudflare.workers.installing import WorkerdMissing, workerd
from tests.engine.stack import ROOT


@pytest.fixture(autouse=True)
def _runtime():
    try:
        workerd()
    except WorkerdMissing as missing:
        pytest.skip(str(missing))


def test_platforms_are_broken_in_turn_and_behind_a_worker_no_visitor_sees_it(tmp_path):
    options = ["--edge", "worker", "--platform", "first", "--platform", PLATFORMS[-1], "--kind", "error"]
    more = ["--kind", "wrong-bytes", "--rate", "20", "--seconds", "10", "--format", "json", "--charts", str(tmp_path)]
    command = [sys.executable, "-m", "tools.drill", *options, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["drills"]
    broken = [(one["platform"], one["fault"]) for one in found]
    assert broken == [(name, fault) for name in (PLATFORMS[0], PLATFORMS[-1]) for fault in ("error", "wrong-bytes")]
    seen = {(one["edge"], one["requests"], one["failed"], one["wrong"], one["promised"]) for one in found}
    assert seen == {("worker", 200, 0, 0, 0.0)}
    assert all(one["edgeNoticed"] for one in found if one["fault"] == "error")  # so it was asked, and did fail
