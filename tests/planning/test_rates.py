from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from planning.rates import YEAR_MINUTES, Evidence


def test_the_rate_is_the_mean_of_the_posterior_of_the_outages_in_the_window(facts):
    cause = facts.evidence.cause("cloudflare")
    assert (cause.shape, cause.years) == (4.5, 5.0)  # four outages that static sites saw, one that they did not
    assert cause.rate == pytest.approx(0.9)
    assert cause.marks.burden == pytest.approx((190 + 25 * 0.28 + 101 * 0.575 + 114 * 0.021) / 4)
    assert "4 outages on record in 5 years (2 V, 2 S" in cause.basis
    assert not cause.assumed


def test_the_window_is_dated_by_the_last_reading(facts):
    first, last = facts.evidence.window
    assert last == max(row.read for row in facts.records)
    assert (last - first).days == round(5 * 365.25)


def test_an_outage_before_the_window_does_not_count(facts):
    old = next(row for row in facts.records if row.provider == "netlify")
    rows = tuple(row.model_copy(update={"date": date(2015, 1, 1)}) if row is old else row for row in facts.records)
    assert replace(facts, records=rows).evidence.cause("netlify").assumed


def test_an_outage_of_unknown_length_counts_for_the_rate_alone(facts):
    cause = facts.evidence.cause("gitlab")
    assert cause.shape == 2.5
    assert cause.marks.minutes.tolist() == [40]


def test_a_provider_whose_outages_no_static_site_saw_is_rare_and_not_perfect(facts):
    cause = facts.evidence.cause("vercel")
    assert cause.rate == pytest.approx(0.1)
    assert cause.marks.burden == facts.evidence.pooled.burden > 0
    assert "no outage of static files on record" in cause.basis


def test_a_provider_without_records_is_as_bad_as_it_promises_and_marked_as_assumed(facts):
    cause = facts.evidence.cause("firebase")
    assert cause.assumed
    assert cause.rate * cause.marks.burden / YEAR_MINUTES == pytest.approx(1 - 0.9995)
    assert "assumed" in cause.basis
    assert "firebase.google.com" in cause.basis


def test_a_platform_that_nobody_knows_gets_the_weakest_promise(facts):
    cause = facts.evidence.cause("acme")
    assert cause.rate * cause.marks.burden / YEAR_MINUTES == pytest.approx(1 - 0.999)
    assert "unknown to the model" in cause.basis


def test_draws_have_the_posterior_s_mean_and_spread(facts):
    cause = facts.evidence.cause("cloudflare")
    drawn = cause.draw_rates(3, 200_000)
    assert drawn.mean() == pytest.approx(cause.rate, rel=0.01)
    assert drawn.var() == pytest.approx(cause.shape / cause.years**2, rel=0.03)
    assert np.array_equal(drawn, cause.draw_rates(3, 200_000))
    assert cause.draw_weights(3, 100).sum(axis=1) == pytest.approx(np.ones(100))


def test_a_shared_cloud_reaches_as_often_as_the_records_say(facts):
    evidence: Evidence = facts.evidence
    assert evidence.reach("vercel", "aws") == pytest.approx((1 + 0.5) / (2 + 1))  # one of two outages of AWS
    assert evidence.reach("netlify", "aws") == facts.values.partly
    assert evidence.reach("gitlab", "cloudflare") == facts.values.perhaps
    assert evidence.reach("firebase", "gcp") == 1
    assert evidence.reach("aws", "aws") == 1
    assert evidence.reach("azure", "aws") == evidence.reach("acme", "aws") == 0


def test_the_whole_outage_counts_where_that_is_assumed(facts):
    marks = facts.assuming(whole_outage=1.0).evidence.cause("azure").marks
    assert marks.minutes.tolist() == [504]
    assert facts.evidence.cause("azure").marks.minutes.tolist() == [169]
