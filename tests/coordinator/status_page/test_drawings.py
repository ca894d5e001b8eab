from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from coordinator.status_page.drawings import bars, meter, said_of, sparkline

SHARES = st.lists(st.one_of(st.none(), st.floats(min_value=0, max_value=1)), min_size=1, max_size=120)


@given(SHARES)
def test_every_day_is_one_bar_in_its_place(days):
    drawn: dict[int, str] = {}
    for kind, path in re.findall(r'class="(\w+)" d="([^"]+)"', bars(days)):
        at = 0
        for sign, x in re.findall(r"([Mm])(\d+)", path):
            at = int(x) if sign == "M" else at + int(x)
            assert drawn.setdefault(at // 4, kind) == kind
    assert sorted(drawn) == list(range(len(days)))
    assert all((drawn[place] == "none") == (share is None) for place, share in enumerate(days))


def test_days_are_said_in_words():
    assert said_of(["well", "well", "unwell", "none"]) == "Last 4 days: 2 well, 1 with trouble, 1 not watched"
    assert 'aria-label="Last 3 days: 1 well, 1 with short trouble, 1 with trouble"' in bars([1.0, 0.995, 0.5])


@given(st.lists(st.one_of(st.none(), st.floats(min_value=0, max_value=60)), max_size=100))
def test_a_line_has_one_piece_for_each_run_of_values_and_stays_within_its_picture(speeds):
    (line,) = re.findall(r'/><path d="([^"]*)"', sparkline(speeds))
    runs = sum(value is not None and (not place or speeds[place - 1] is None) for place, value in enumerate(speeds))
    assert line.count("M") == runs
    for piece in line.split("M")[1:]:
        y = int(piece.split(" ")[1].split("l")[0].split("h")[0])
        heights = [y]
        for step in re.findall(r"l\d+ (-?\d+)", piece):
            heights.append(heights[-1] + int(step))
        assert all(0 <= height <= 24 for height in heights)


def test_a_meter_is_full_and_red_when_all_is_used():
    assert 'class="unwell" width="100.0"' in meter(3.0)
    assert 'class="well" width="25.0"' in meter(0.25)
