from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.model import TERMS, Stack, estimate, load_facts
from planning.rates import YEAR_MINUTES
from tests.planning.conftest import SIX

FACTS = load_facts()
stacks = st.builds(
    Stack,
    hosts=st.permutations([*SIX, "acme"]).flatmap(lambda order: st.integers(1, 7).map(lambda n: tuple(order[:n]))),
    interval=st.sampled_from([15.0, 60.0, 300.0]),
    timeout=st.sampled_from([1.0, 4.0]),
    retries=st.integers(0, 2),
    down=st.integers(1, 3),
    up=st.integers(1, 3),
    regions=st.integers(1, 3),
    mode=st.sampled_from(["load-balancer", "worker"]),
    fronts=st.integers(1, 2),
)


def total(stack, facts=FACTS):
    return estimate(stack, facts, draws=0).total


@given(stacks)
def test_the_terms_sum_to_the_total_and_every_chance_is_one(stack):
    found = estimate(stack, FACTS, draws=0)
    assert list(found.minutes) == list(TERMS)
    assert all(0 <= minutes <= YEAR_MINUTES for minutes in found.minutes.values())
    assert sum(found.minutes.values()) == pytest.approx(found.total)
    assert sum(found.shares.values()) == pytest.approx(1)
    assert 0 < found.availability < 1


@given(stacks)
def test_checking_less_often_is_never_better(stack):
    assert total(replace(stack, interval=stack.interval * 2)) >= total(stack) - 1e-9


@given(stacks)
def test_a_second_front_is_never_worse(stack):
    assert total(replace(stack, fronts=2)) <= total(replace(stack, fronts=1)) + 1e-9


@given(stacks, st.integers(1, 4))
def test_one_more_independent_platform_is_never_worse(stack, count):
    more = tuple(f"other-{number}" for number in range(count))
    assert total(replace(stack, hosts=(*stack.hosts, *more))) <= total(stack) + 1e-6


@given(stacks)
def test_a_worker_loses_nothing_to_platforms_that_have_not_been_left(stack):
    worker = estimate(replace(stack, mode="worker"), FACTS, draws=0)
    balanced = estimate(replace(stack, mode="load-balancer"), FACTS, draws=0)
    assert worker.minutes["detection"] == 0
    assert balanced.minutes["detection"] >= 0
    assert worker.minutes["overlap"] == pytest.approx(balanced.minutes["overlap"], rel=0.01, abs=1e-9)


def test_hard_outages_are_masked_where_soft_ones_are_not():
    hard, soft = (
        estimate(Stack(("acme", "azure")), FACTS.assuming(soft_where_unknown=kind, whole_outage=0.0), draws=0)
        for kind in (0.0, 1.0)
    )
    assert hard.minutes["detection"] < soft.minutes["detection"]
    alone = Stack(("azure", "other"))  # the records of azure are of unknown kind throughout
    assert estimate(alone, FACTS.assuming(soft_where_unknown=0.0), draws=0).minutes["detection"] < 0.1
    dns = replace(alone, dns_ttl=30)
    masked = estimate(alone, FACTS.assuming(soft_where_unknown=0.0), draws=0).minutes["detection"]
    bare = estimate(dns, FACTS.assuming(soft_where_unknown=0.0), draws=0).minutes["detection"]
    assert bare > masked


def test_platforms_on_one_cloud_bring_less_than_platforms_on_two():
    same = estimate(Stack(("firebase", "gitlab")), FACTS, draws=0)
    apart = estimate(Stack(("firebase", "azure")), FACTS, draws=0)
    assert same.minutes["overlap"] > 100 * apart.minutes["overlap"]
    google = FACTS.evidence.cause("gcp")
    # Google Cloud takes both down, but for the share that the beta factor moves to the causes nobody knows.
    assert same.minutes["overlap"] == pytest.approx(0.95 * google.rate * google.marks.burden, rel=0.02)


def test_the_front_costs_what_its_outages_cost(facts):
    found = estimate(Stack(SIX), facts, draws=0)
    cloudflare = facts.evidence.cause("cloudflare")
    assert found.minutes["front"] == pytest.approx(cloudflare.rate * cloudflare.marks.burden, rel=1e-3)


def test_own_mistakes_cost_what_is_assumed(facts):
    found = estimate(Stack(SIX), facts.assuming(deploys_per_year=100, bad_deploy=0.01, repair_minutes=20), draws=0)
    assert found.minutes["deploys"] == pytest.approx(20, rel=1e-3)


def test_the_interval_holds_the_expected_value_and_is_the_same_for_a_seed(facts):
    found = estimate(Stack(SIX), facts, seed=4)
    low, high = found.total_range
    assert low < found.total < high
    assert estimate(Stack(SIX), facts, seed=4).total_range == found.total_range
    assert estimate(Stack(SIX), facts, seed=5).total_range != found.total_range


def test_the_mean_over_what_is_open_is_the_expected_value(facts):
    from planning.model import Burdens, _minutes, chances, layout

    stack, size = Stack(SIX), 40_000
    plan = layout(stack, facts)
    rates = np.stack([cause.draw_rates(2, size) for cause in plan.causes], axis=-1)
    weights = [cause.draw_weights(2, size) for cause in plan.causes]
    found = _minutes(chances(stack, plan, facts.values, rates, Burdens.of(plan, 2.5, weights)))
    assert sum(found.values()).mean() == pytest.approx(estimate(stack, facts, draws=0).total, rel=0.02)


def test_a_platform_that_nobody_knows_is_named_and_does_not_fail(facts):
    found = estimate(Stack((*SIX, "acme")), facts, draws=0)
    assert [note.split(" is unknown")[0] for note in found.notes] == ["acme"]
    assert "planning/providers.toml" in found.notes[0]
    assert estimate(Stack(SIX), facts, draws=0).notes == ()


@pytest.mark.parametrize(
    ("given_to_it", "said"),
    [
        ({"hosts": ()}, "0 platforms; the model counts 1 to 12"),
        ({"hosts": tuple(f"p{n}" for n in range(13))}, "13 platforms"),
        ({"hosts": ("aws", "aws")}, "names a platform twice"),
        ({"hosts": ("aws",), "fronts": 3}, "the model counts 1 or 2"),
        ({"hosts": ("aws",), "mode": "worker", "dns_ttl": 30}, "a Worker runs in the proxy"),
    ],
)
def test_a_stack_that_cannot_be_counted_is_refused(given_to_it, said):
    with pytest.raises(ValueError, match=said):
        Stack(**given_to_it)


def inflated(stack, times, **assumed):
    """Chances in a world with ``times`` as many outages, and what they are made of: rates, cost of one, loads."""
    from planning.model import Burdens, chances, layout

    facts = FACTS.assuming(**assumed)
    plan = layout(stack, facts)
    rates = np.array([cause.rate * times for cause in plan.causes])
    cost = Burdens.of(plan, facts.values.front_switch_seconds / 60)
    return plan, chances(stack, plan, facts.values, rates, cost), rates, cost, rates * cost.outage / YEAR_MINUTES


def test_two_fronts_are_down_together_by_chance_and_by_shared_causes():
    plan, found, *_, load = inflated(Stack(("aws",), fronts=2), 1000, beta_front=0.3)
    running = float(load @ plan.front)
    by_chance = (1 - np.exp(-0.7 * running)) ** 2
    assert by_chance > 1e-3
    assert found["front"] == pytest.approx(1 - (1 - by_chance) * np.exp(-0.3 * running))


def test_a_platform_loses_visitors_only_while_it_serves():
    plan, found, rates, cost, load = inflated(Stack(("acme", "other")), 200, beta=0.2)
    down = 1 - np.exp(-0.8 * load[:2])
    each = rates[:2] * cost.soft[:2] / YEAR_MINUTES  # the next platform is up, so what is hard is masked
    assert down.min() > 0.1
    assert plan.hosts[:2].tolist() == [[1, 0], [0, 1]]
    expected = 0.8 * ((1 - down[0]) * each[0] + down[0] * (1 - down[1]) * each[1])
    assert found["detection"] == pytest.approx(expected)
