"""A wider sample of `make chaos`, which takes minutes: every part of it, a few cases of each."""

from __future__ import annotations

from random import Random

import pytest

from tools.chaos.call_faults import CallFaults
from tools.chaos.crashes import DEPLOYMENTS, MOMENTS, Crashes
from tools.chaos.rivals import Rivals
from tools.chaos.soak import Soak
from tools.chaos.surroundings import Surroundings
from tools.deploy.places import ROOT

SITE = ROOT / "examples" / "site"
pytestmark = pytest.mark.timeout(1800)


def held(cases):
    """The outcomes, where everything held."""
    found = list(cases)
    assert [f"{case.row}, {case.what}: {sentence}" for case in found for sentence in case.broken] == []
    return [case.outcome for case in found]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_killed_run_leaves_whole_releases_and_is_finished_by_the_next(deployment, moment):
    assert len(held(Crashes(deployment, moment, SITE, Random(11), every=10_000).cases())) == 1


def test_calls_that_go_wrong_end_in_recovery_or_a_clear_error():
    kinds = ["429-absurd", "502-html", "token-expired", "reset-after", "clock-off"]
    outcomes = held(CallFaults(SITE, Random(12), 10_000, kinds).cases())
    assert len(outcomes) == 6 * len(kinds)
    assert {"recovered", "clear error"} <= set(outcomes)


def test_a_full_disk_a_state_that_cannot_be_written_and_no_names_end_in_recovery_or_a_clear_error():
    outcomes = held(Surroundings(SITE, Random(13), left=(0, 400_000)).cases())
    for outcome in outcomes:
        if outcome.startswith("left out"):
            pytest.skip(outcome)


def test_of_two_who_publish_at_once_one_wins_and_the_other_says_why():
    assert len(held(Rivals(SITE, Random(14), times=1).cases())) == 2


def test_deployments_in_a_row_serve_the_folder_each_time_and_nothing_grows():
    assert len(held(Soak(SITE, Random(15), 25, engine=False).cases())) == 26
