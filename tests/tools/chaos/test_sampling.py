from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tools.chaos.sampling import Sample

COUNTS = st.integers(1, 60)


@given(COUNTS, COUNTS, st.integers())
def test_a_random_sample_takes_each_nth_and_never_none(total, every, seed):
    taken = list(Sample(every).numbers(total, Random(seed)))
    assert taken
    assert set(taken) <= set(range(1, total + 1))
    assert all(after - before == every for before, after in pairwise(taken))


@given(COUNTS, COUNTS, st.integers(1, 8), st.integers())
def test_those_who_share_a_sample_try_each_of_its_cases_once(total, every, jobs, seed):
    shares = Sample(every).shares(jobs, Random(seed))
    dealt = sorted(number for share in shares for number in share.numbers(total, Random(0)))
    first = shares[0].first
    assert dealt == list(range(first or 0, total + 1, every))
    assert 1 <= (first or 0) <= every


def test_from_its_first_case_on_a_sample_takes_what_it_is_told():
    assert list(Sample(10, 3).numbers(25, Random(1))) == [3, 13, 23]
