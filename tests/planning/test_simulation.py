from __future__ import annotations

import time

import numpy as np
import pytest

from planning.model import TERMS, Stack, estimate
from planning.simulation import Events, all_down, simulate
from tests.planning.conftest import SIX

#: Where both ways exist, the mean of the simulation lies within this many standard errors of the closed form. With a
#: hundred comparisons of a fixed seed, four leave a chance of less than 1 % that a right model fails.
ERRORS = 4.0
YEARS = 30_000
#: Minutes: an overlap so rare that it is to be expected for less than this in all the years need not have been met.
UNMET = 10.0
CASES = {
    "one": Stack(("netlify",)),
    "two": Stack(("netlify", "aws"), regions=2),
    "six": Stack(SIX, regions=2),
    "worker": Stack(("netlify", "aws"), mode="worker"),
    "two fronts": Stack(SIX, fronts=2),
    "one cloud": Stack(("firebase", "gitlab", "acme"), interval=300, down=3),
    "not proxied": Stack(("azure", "acme"), dns_ttl=300),
    "fast": Stack(("acme", "aws"), interval=15, timeout=2, down=1, up=4),
}
#: The records as they are, and a world that is bad enough for rare overlaps to be frequent.
WORLDS = {"as assumed": {}, "bad": {"whole_outage": 1.0, "soft_where_unknown": 1.0, "beta": 0.1, "partly": 1.0}}


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("case", CASES)
def test_closed_form_and_simulation_agree_term_by_term(case, world, facts):
    believed = facts.assuming(**WORLDS[world])
    expected = estimate(CASES[case], believed, draws=0)
    lived = simulate(CASES[case], believed, years=YEARS, seed=11, open_rates=False)
    for key in TERMS:
        minutes = lived.terms[key]
        error = minutes.std(ddof=1) / np.sqrt(len(minutes))
        # What overlaps is told apart in the closed form and not in the simulation: half a percent of a term at most.
        allowed = ERRORS * error + 0.005 * expected.minutes[key] + UNMET / YEARS
        assert abs(minutes.mean() - expected.minutes[key]) <= allowed, key
    assert abs(lived.mean - expected.total) <= ERRORS * lived.error + 0.005 * expected.total


def test_years_with_open_rates_have_the_same_mean_and_a_wider_spread(facts):
    alone = Stack(("acme",))  # nothing is on record, so its rate is wide open
    fixed = simulate(alone, facts, years=30_000, seed=3, open_rates=False)
    opened = simulate(alone, facts, years=30_000, seed=3)
    assert abs(fixed.mean - opened.mean) < 4 * np.hypot(fixed.error, opened.error)
    assert opened.total.std() > 2 * fixed.total.std()


def test_ten_thousand_years_take_less_than_three_seconds(facts):
    started = time.process_time()
    found = simulate(Stack(SIX), facts, years=10_000)
    assert time.process_time() - started < 3
    assert len(found.total) == 10_000


def test_the_same_seed_gives_the_same_years(facts):
    first, again, other = (simulate(Stack(SIX), facts, years=500, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(first.total, again.total)
    assert not np.array_equal(first.total, other.total)
    assert first.within(0) <= first.within(5.26) <= first.within(1e9) == 1


def test_overlaps_on_the_time_line_are_weighted_with_what_they_affect():
    def outage(start, minutes, share, *hits):
        return start, minutes, share, hits

    rows = [outage(0, 10, 1.0, 1, 0), outage(4, 10, 0.5, 0, 1), outage(100, 6, 0.3, 1, 1), outage(102, 2, 1.0, 1, 0)]
    start, minutes, share, hits = (np.array(column) for column in zip(*rows, strict=True))
    events = Events(start.astype(float), minutes.astype(float), share, np.ones(4, bool), hits.astype(bool))
    # 4 to 10: the second outage hits half of the requests; 100 to 106: the third hits 0.3 on both.
    assert all_down(events, 1)[0] == pytest.approx(6 * 0.5 + 6 * 0.3)


def test_an_outage_at_the_end_of_the_last_year_counts_in_it(facts):
    events = Events(
        np.array([525_959.0 * 1.0]), np.array([30.0]), np.array([1.0]), np.array([True]), np.array([[True]])
    )
    assert all_down(events, 1).tolist() == [30.0]
