from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.cost import alone, bill, limit, load_facts
from tests.planning.cost_stacks import PLANS, month, stack

FACTS = load_facts()


@pytest.fixture(scope="module")
def facts():
    return FACTS


def served(found):
    return {one.platform: one.visits for one in found.carriers}


def test_the_first_platform_serves_everybody_as_long_as_it_can(facts):
    found = bill(stack(), month(1000), facts)
    assert served(found) == {**dict.fromkeys(PLANS, 0), "vercel": 1000}
    assert not any(one.stopped for one in found.carriers)


def test_a_platform_that_is_out_hands_over_to_the_next_one_and_takes_no_more_than_is_free(facts):
    found = bill(stack(), month(100_000), facts)
    vercel, netlify, aws, *rest = found.carriers
    assert vercel.stopped
    assert vercel.weakest.key == "vercel.requests"
    assert found.line("vercel.requests").quantity == pytest.approx(Decimal(1_000_000))
    assert netlify.first_day == vercel.last_day
    assert found.line("netlify.credits").headroom == pytest.approx(Decimal(0))
    assert aws.first_day == netlify.last_day
    assert not aws.stopped
    assert aws.visits == Decimal(100_000) - vercel.visits - netlify.visits
    assert [one.visits for one in rest] == [0, 0, 0]


def test_visits_that_no_platform_has_room_for_are_served_by_nobody(facts):
    found = bill(stack("vercel", "netlify"), month(100_000), facts)
    assert found.unserved == (100_000 - sum(served(found).values())).quantize(Decimal("0.001"))
    assert found.unserved > 20_000
    assert all(one.stopped for one in found.carriers)


def test_credits_that_deploys_have_used_up_leave_nothing_for_visitors(facts):
    found = bill(stack("netlify", "aws"), month(1000, deploys=20), facts)
    assert served(found) == {"netlify": 0, "aws": 1000}
    assert found.line("netlify.credits").exceeded


def test_deploys_traffic_and_requests_all_take_from_the_credits(facts):
    found = bill(stack("netlify", mode="worker"), month(1000, deploys=1, files=1, site_gigabytes=0), facts)
    asked = 2 * (1 + 3)
    checks = 1000
    expected = 15 + (1 + Decimal("0.001")) * 20 + Decimal(11_000 + asked + checks) * 3 / 10_000
    assert found.line("netlify.credits").quantity == expected


def test_a_worker_over_its_daily_limit_serves_only_that_many(facts):
    found = bill(stack(mode="worker"), month(1_000_000), facts)
    assert sum(served(found).values()) == pytest.approx(Decimal(3_000_000) / 11)
    assert found.unserved > 0
    assert found.line("cloudflare.worker-requests").cost == 0


def test_a_worker_has_no_price_and_checks_every_platform_behind_visits_only(facts):
    found = bill(stack(mode="worker"), month(0, deploys=0), facts)
    assert found.line("vercel.requests").quantity == 0
    busy = bill(stack(mode="worker"), month(500, deploys=0), facts)
    assert [busy.line(f"{name}.requests").quantity for name in ("vercel", "netlify", "aws")] == [6000, 500, 500]
    assert found.by_provider["cloudflare"] == 0


def test_cloudflares_cache_spares_the_platforms_behind_a_load_balancer_but_not_behind_a_worker(facts):
    plain, cached = (bill(stack(), month(1000, cached=share), facts) for share in (0, 0.75))
    checks = bill(stack(), month(0), facts).line("vercel.requests").quantity
    assert plain.line("vercel.requests").quantity - checks == 11_000
    assert cached.line("vercel.requests").quantity - checks == 2750
    worker = bill(stack(mode="worker"), month(1000, cached=0.75), facts)
    assert worker.line("cloudflare.worker-requests").quantity * 30 == 11_000
    assert worker.line("vercel.traffic").quantity > 1


def test_more_regions_and_shorter_intervals_ask_more(facts):
    def asked(**changes):
        return bill(stack("aws", **changes), month(0, deploys=0), facts).line("aws.requests").quantity

    assert asked(regions=1) == 3 * 1440 * 30
    assert asked(regions=2) == 2 * asked(regions=1)
    assert asked(regions=1, interval=30) == 2 * asked(regions=1)


def test_load_balancing_is_paid_for_by_the_endpoint_and_never_free(facts):
    assert bill(stack("aws"), month(0), facts).by_provider["cloudflare"] == 5
    assert bill(stack("aws", "vercel"), month(0), facts).by_provider["cloudflare"] == 5
    assert bill(stack("aws", "vercel", "azure"), month(0), facts).by_provider["cloudflare"] == 10


def test_an_unknown_price_is_named_and_in_no_sum(facts):
    found = bill(stack(regions=2), month(), facts)
    assert "cloudflare.regions" in found.unknown
    assert found.line("cloudflare.regions").cost is None
    assert found.by_provider["cloudflare"] == 25
    assert "cloudflare.regions" not in bill(stack(regions=1), month(), facts).unknown
    assert "cloudflare.fast-checks" in bill(stack(interval=15), month(), facts).unknown


def test_a_plan_without_prices_is_unknown_and_not_free(facts):
    found = bill(stack("vercel", plans={"vercel": "enterprise"}), month(), facts)
    assert found.without_prices == ("vercel",)
    assert "vercel" in found.unknown


def test_a_platform_without_plans_to_choose_from_has_its_only_one(facts):
    assert bill(stack("aws", plans={"aws": ""}), month(), facts).line("aws.traffic").plan == "pay-as-you-go"
    assert bill(stack("vercel", plans={"vercel": ""}), month(), facts).without_prices == ("vercel",)


def test_vercel_pros_credit_is_taken_off_usage_and_not_off_the_seat(facts):
    pro = stack("vercel", plans={"vercel": "pro"})
    assert bill(pro, month(1000), facts).by_provider["vercel"] == 20
    within = bill(pro, month(1_050_000, requests=1), facts)
    assert within.line("vercel.traffic").cost > 5
    assert within.by_provider["vercel"] == 20
    beyond = bill(pro, month(2_000_000, requests=1), facts)
    usage = beyond.line("vercel.traffic").cost + beyond.line("vercel.requests").cost
    assert beyond.by_provider["vercel"] == (20 + usage - 20).quantize(Decimal("0.01"))


def test_a_paid_plan_of_each_platform_costs_its_subscription(facts):
    paid = {"vercel": "pro", "netlify": "personal", "azure": "standard", "gitlab": "premium"}
    found = bill(stack(*paid, plans=paid), month(0, site_gigabytes=0), facts)
    assert {name: found.by_provider[name] for name in paid} == {"vercel": 20, "netlify": 9, "azure": 9, "gitlab": 29}


def test_firebases_day_is_a_thirtieth_of_the_month(facts):
    found = bill(stack("firebase", mode="worker"), month(30_000, deploys=0), facts)
    checks = Decimal("0.03")
    assert limit(alone(stack("firebase", mode="worker"), "firebase", month(0, deploys=0), facts))[0] == 10_800
    assert found.carriers[0].visits == (Decimal("10.8") - checks) * 1000
    assert found.line("firebase.traffic").quantity == Decimal("0.36")


def test_each_providers_invoice_is_in_whole_cents(facts):
    found = bill(stack(), month(), facts)
    for amount in found.by_provider.values():
        assert amount == amount.quantize(Decimal("0.01"))
    assert found.total == sum(found.by_provider.values())


orders = st.permutations(tuple(PLANS)).flatmap(lambda all_: st.integers(1, 6).map(lambda count: tuple(all_[:count])))


@settings(max_examples=60, deadline=None)
@given(orders, st.integers(0, 5_000_000), st.integers(0, 40), st.sampled_from(["load-balancer", "worker"]))
def test_every_visit_is_served_once_or_by_nobody(hosts, visits, deploys, mode):
    found = bill(stack(*hosts, mode=mode), month(visits, deploys=deploys), FACTS)
    assert sum(served(found).values()) + found.unserved == pytest.approx(Decimal(visits), abs=Decimal("0.01"))
    for one in found.carriers:
        assert one.visits >= 0
        assert 0 <= one.first_day <= one.last_day <= 30
        for line in found.lines:
            if line.provider == one.platform and line.row.stops and one.visits:
                assert line.quantity <= line.row.free + Decimal("1e-9")


@settings(max_examples=40, deadline=None)
@given(orders, st.integers(0, 5_000_000), st.integers(0, 5_000_000))
def test_more_visits_never_cost_less(hosts, one, other):
    less, more = sorted((one, other))
    assert bill(stack(*hosts), month(less), FACTS).total <= bill(stack(*hosts), month(more), FACTS).total
