from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.status_page import words


@pytest.mark.parametrize(
    ("share", "digits", "said"),
    [
        (0.999989999, 3, "99.998 %"),
        (0.9999999, 3, "99.999 %"),
        (1.0, 3, "100.000 %"),
        (0.99999, 3, "99.999 %"),
        (0.5, 0, "50 %"),
    ],
)
def test_a_share_is_never_rounded_up(share, digits, said):
    assert words.percent(share, digits) == said


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=0, max_value=5))
def test_what_is_shown_is_at_most_what_was_measured(share, digits):
    assert float(words.percent(share, digits).removesuffix(" %")) <= share * 100 + 1e-6


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (0.9, "0 s"), (59.9, "59 s"), (125, "2 min 5 s"), (3600, "1 h"), (93_784, "1 d 2 h"), (86_401, "1 d")],
)
def test_a_duration_has_its_two_largest_units(seconds, said):
    assert words.duration(seconds) == said


def test_a_moment_is_utc():
    assert words.moment(1_790_000_000) == "21 September 2026, 14:13 UTC"
    assert words.iso(1_790_000_000.9) == "2026-09-21T14:13:20+00:00"
