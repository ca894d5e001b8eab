from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.overlap import MOST_UNITS, all_fail

chance = st.floats(0, 1)


def by_hand(load, reach):
    """Chance that everything is hit, by going through every set that each cause may hit."""
    units = reach.shape[1]
    covered = {0: 1.0}
    for rate, row in zip(load, reach, strict=True):
        for hit in itertools.product([0, 1], repeat=units):
            each = rate * np.prod([p if bit else 1 - p for p, bit in zip(row, hit, strict=True)])
            mask, running = sum(bit << place for place, bit in enumerate(hit)), 1 - np.exp(-each)
            following: dict[int, float] = {}
            for before, weight in covered.items():
                following[before | mask] = following.get(before | mask, 0.0) + weight * running
                following[before] = following.get(before, 0.0) + weight * (1 - running)
            covered = following
    return covered.get(2**units - 1, 0.0)


@given(
    st.integers(1, 3).flatmap(
        lambda units: st.lists(
            st.tuples(st.floats(0, 2), st.lists(chance, min_size=units, max_size=units)), min_size=1, max_size=3
        )
    )
)
def test_it_is_the_sum_over_all_that_may_happen(causes):
    load = np.array([rate for rate, _ in causes])
    reach = np.array([row for _, row in causes])
    assert all_fail(load, reach) == pytest.approx(by_hand(load, reach), abs=1e-12)


def test_independent_units_multiply():
    running = np.array([0.1, 0.2, 0.3])
    assert all_fail(running, np.eye(3)) == pytest.approx(np.prod(1 - np.exp(-running)))


def test_a_cause_that_reaches_everything_takes_everything():
    assert all_fail(np.array([0.01]), np.ones((1, 6))) == pytest.approx(1 - np.exp(-0.01))


@pytest.mark.parametrize(("beta", "expected"), [(0.01, 5e-6), (0.05, 2.5e-5), (0.10, 5e-5)])
def test_the_beta_factor_alone_decides_for_six_good_platforms(beta, expected):
    q = 5e-4
    load = np.array([(1 - beta) * q] * 6 + [beta * q])
    assert all_fail(load, np.vstack([np.eye(6), np.ones(6)])) == pytest.approx(expected, rel=1e-3)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.lists(chance, min_size=8, max_size=8))
def test_one_more_unit_is_never_worse_and_chances_stay_in_range(load, reach):
    table = np.array(reach).reshape(4, 2)
    one, two = all_fail(np.array(load), table[:, :1]), all_fail(np.array(load), table)
    assert 0 <= two <= one + 1e-12 <= 1 + 1e-12


def test_rows_of_rates_are_taken_one_by_one():
    load = np.random.default_rng(1).random((5, 3))
    reach = np.random.default_rng(2).random((3, 4))
    assert all_fail(load, reach) == pytest.approx([float(all_fail(row, reach)) for row in load])


def test_too_many_units_are_refused():
    with pytest.raises(ValueError, match=r"13 units.*at most 12"):
        all_fail(np.ones(1), np.ones((1, MOST_UNITS + 1)))
