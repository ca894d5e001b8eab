from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from planning.catches import catches
from planning.cost import bill, load_facts
from tests.planning.cost_stacks import month, stack

TODAY = datetime.date(2026, 11, 24)


@pytest.fixture(scope="module")
def facts():
    return load_facts()


def said(declared, load, facts, today=TODAY):
    return {(one.kind, one.about): one.text for one in catches(bill(declared, load, facts), facts, today)}


def test_vercel_hobby_is_not_for_commerce_and_pro_is(facts):
    assert "without any commerce" in said(stack("vercel"), month(), facts)["terms", "vercel"]
    assert ("terms", "vercel") not in said(stack("vercel", plans={"vercel": "pro"}), month(), facts)
    assert ("terms", "vercel") not in said(stack("aws"), month(), facts)


def test_netlifys_credits_say_how_many_deploys_there_is_room_for(facts):
    text = said(stack("netlify", mode="worker"), month(0, deploys=4, files=1, site_gigabytes=0), facts)
    assert text["deploys", "netlify"] == (
        "each production deploy takes 15 credits: 4 a month take 60 of 300, 19 is the most before any visitor"
    )


def test_too_many_deploys_are_named_even_where_netlify_only_stands_by(facts):
    text = said(stack("vercel", "netlify"), month(10, deploys=30), facts)
    assert "credits" in text["ended", "netlify"]
    assert "all sites of the team are paused" in text["ended", "netlify"]


def test_firebases_day_is_told_in_visits(facts):
    text = said(stack("firebase", mode="worker"), month(9000, deploys=0), facts)["each-day", "firebase"]
    assert "0.36 GB a day are 359.7 visits" in text
    assert "may bring 600, too many" in text
    few = said(stack("firebase", mode="worker"), month(900, deploys=0), facts)["each-day", "firebase"]
    assert "may bring 60, which it has room for" in few


def test_load_balancing_is_never_free_and_a_worker_is(facts):
    assert "$25.00 for 6 platforms" in said(stack(), month(), facts)["never-free", "cloudflare"]
    assert ("never-free", "cloudflare") not in said(stack(mode="worker"), month(), facts)


def test_health_checks_say_what_they_take_of_what_is_free(facts):
    text = said(stack(), month(), facts)["checks", "cloudflare"]
    assert text.startswith("259,200 health checks a month of each platform (6 places, every 60 s)")
    assert "26% of vercel's requests" in text
    assert "28% of netlify's credits" in text
    assert "91% of aws's KeyValueStore, reads" in text
    assert ("checks", "cloudflare") not in said(stack(mode="worker"), month(), facts)


def test_a_platform_that_stops_says_when_after_how_much_and_what_then(facts):
    text = said(stack(), month(100_000), facts)
    assert text["stops", "vercel"].startswith(
        "stops on day 21 of 30, after 67,198 visits (67.2 GB): requests, 1,000,000"
    )
    assert "paused (402)" in text["stops", "vercel"]
    assert ("ended", "vercel") not in text


def test_visits_without_anybody_to_serve_them_come_first(facts):
    found = catches(bill(stack("vercel"), month(200_000), facts), facts, TODAY)
    assert found[0].kind == "unserved"
    assert "of 200,000 visits" in found[0].text


def test_unknown_prices_and_plans_are_named(facts):
    text = said(stack(), month(), facts)
    assert "regions that check (2) is unknown" in text["unknown", "cloudflare"]
    other = said(stack("vercel", plans={"vercel": "enterprise"}), month(), facts)
    assert "no price of enterprise is known" in other["unknown", "vercel"]


def test_prices_older_than_a_year_are_named(facts):
    later = TODAY + datetime.timedelta(days=400)
    assert any(kind == "outdated" for kind, _ in said(stack(), month(), facts, later))
    assert not any(kind == "outdated" for kind, _ in said(stack(), month(), facts))


def test_what_is_nearly_used_up_is_named_before_it_ends(facts):
    full = Decimal(1_000_000) * Decimal("0.9") / 11
    text = said(stack("vercel", mode="worker"), month(int(full), deploys=0), facts)
    assert "of 1,000,000 requests a month" in text["nearly", "vercel"]
