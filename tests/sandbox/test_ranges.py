from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.ranges import window


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=3-", (3, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=5-99", (5, 10)),
        ("bytes=10-", None),
        ("bytes=5-3", None),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("items=0-1", None),
        (None, None),
    ],
)
def test_one_range_is_a_part_and_all_else_the_whole_file(header, part):
    assert window(header, 10) == part


@given(st.text(max_size=20) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}", fullmatch=True), st.integers(0, 2000))
def test_a_part_lies_within_the_file(header, size):
    part = window(header, size)
    assert part is None or 0 <= part[0] < part[1] <= size
