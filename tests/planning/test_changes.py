from __future__ import annotations

from dataclasses import replace

import pytest

from planning.changes import changes, sensitivities
from planning.model import Stack, estimate
from planning.verdict import budget, judge
from tests.planning.conftest import SIX


def by_title(stack, facts):
    return {change.title: change.estimate for change in changes(stack, facts, draws=200)}


def test_every_asked_for_change_is_tried(facts):
    found = by_title(Stack(("netlify", "aws")), facts)
    assert found["monitorInterval 60 → 30"].stack.interval == 30
    assert found["monitorDown 2 → 1"].stack.down == 1
    assert found["hosts: only netlify"].stack.hosts == ("netlify",)
    assert set(found["hosts: and azure, firebase, gitlab, vercel"].stack.hosts) == set(SIX)
    assert found["edge: Worker instead of load balancer"].stack.mode == "worker"
    assert found["a second, independent front"].stack.fronts == 2
    total = estimate(Stack(("netlify", "aws")), facts, draws=0).total
    assert found["a second, independent front"].total < total < found["hosts: only netlify"].total


def test_a_change_that_the_settings_would_refuse_is_not_offered(facts):
    found = by_title(Stack(SIX, interval=20, timeout=5, retries=2), facts)
    assert not [title for title in found if title.startswith("monitorInterval 20 → 10")]
    best = list(found.values())[-1]
    assert best.stack.mode == "worker" or best.stack.interval > best.stack.timeout * (best.stack.retries + 1)


def test_a_worker_has_no_checks_to_change(facts):
    found = by_title(Stack(SIX, mode="worker"), facts)
    assert not [title for title in found if title.startswith("monitor")]
    assert found["edge: load balancer instead of Worker"].stack.mode == "load-balancer"


def test_the_last_change_is_the_best(facts):
    found = list(by_title(Stack(("netlify", "aws")), facts).values())
    assert found[-1].total == min(one.total for one in found)
    assert found[-1].total > budget()


def test_the_sensitivities_are_the_totals_at_both_ends(facts):
    stack = Stack(SIX)
    found = {one.name: one for one in sensitivities(stack, facts)}
    deploys = found["bad_deploy"]
    assert deploys.at_low < estimate(stack, facts, draws=0).total < deploys.at_high
    assert deploys.swing == pytest.approx(52 * 30 * (0.02 - 0.0002), rel=0.01)
    assert "beta_front" not in found  # there is one front
    assert "beta_front" in {one.name for one in sensitivities(replace(stack, fronts=2), facts)}
    swings = [one.swing for one in found.values()]
    assert swings == sorted(swings, reverse=True)


def test_the_term_that_breaks_the_target_is_named(facts):
    verdict = judge(estimate(Stack(SIX), facts))
    assert not verdict.reached
    assert verdict.breaking[0] == "front"
    assert verdict.sentence.startswith("99.999 % is not reached: the model expects ")
    assert "The term that breaks it is “the front (Cloudflare) is down”" in verdict.sentence


def perfect(facts):
    never = dict.fromkeys(("deploys_per_year", "certificate_per_year", "domain_per_year", "beta", "beta_front"), 0.0)
    return facts.assuming(**never, front_switch_seconds=0.0)


def test_where_only_the_sum_breaks_it_the_largest_terms_are_named(facts):
    good = estimate(Stack(SIX, mode="worker", fronts=2), facts.assuming(bad_deploy=0.0, certificate_per_year=0.0))
    verdict = judge(good)
    assert not verdict.reached
    assert not verdict.breaking
    assert "No term breaks it alone, their sum does" in verdict.sentence


def test_it_is_reached_only_if_the_upper_end_is_within_the_budget(facts):
    good = estimate(Stack(SIX, mode="worker", fronts=2), perfect(facts))
    assert judge(good).reached
    assert "is reached in this model" in judge(good).sentence
    wide = replace(good, total_range=(0.0, budget() * 1.01))
    assert not judge(wide).reached
    assert "is not shown" in judge(wide).sentence
    unknown = replace(good, total_range=(float("nan"), float("nan")))
    assert not judge(unknown).reached
