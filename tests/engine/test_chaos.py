"""A sample of `make chaos`: the tool itself runs, and what it tries holds."""

from __future__ import annotations

from random import Random

from tools.chaos.crashes import Crashes
from tools.chaos.sampling import Sample
from tools.deploy.places import ROOT

SITE = ROOT / "examples" / "site"


def test_a_run_that_is_killed_after_one_of_its_calls_leaves_whole_releases_and_the_next_ends_well():
    (case,) = Crashes("incremental", "call", SITE, Random(5), Sample(every=10_000)).cases()
    assert case.outcome == "killed"
    assert case.broken == ()
