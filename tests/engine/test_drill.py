"""``make drill`` as a user runs it, cut down to two drills."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.engine.stack import ROOT


def test_a_drill_says_what_visitors_saw_and_draws_it(tmp_path):
    options = ["--edge", "load-balancer", "--platform", "first", "--kind", "down", "--kind", "error"]
    more = ["--rate", "20", "--seconds", "15", "--format", "json", "--charts", str(tmp_path)]
    command = [sys.executable, "-m", "tools.drill", *options, *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    refused, answered = json.loads(done.stdout)["drills"]
    assert (refused["requests"], refused["failed"], refused["wrong"]) == (300, 0, 0)
    assert (answered["failed"] > 0, answered["wrong"], answered["brokenPromises"]) == (True, 0, 0)
    assert set(answered["reasons"]) == {"503"}
    assert 0 < answered["lastAffected"] <= answered["promised"] == 120
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg"}


def test_a_platform_that_the_stack_does_not_have_is_refused():
    command = [sys.executable, "-m", "tools.drill", "--platform", "geocities"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "no platform 'geocities'; use one of vercel, netlify" in done.stderr
