from __future__ import annotations

import pytest

from tools.bench.comparing import Claim, Series, as_json, grouped, judged, markdown
from tools.bench.measuring import Figures


def series(way, *walls, part="S3", scenario="cold", cpu=1.0, memory=50.0):
    return Series(part, scenario, way, tuple(Figures(wall, cpu, memory) for wall in walls))


FOUND = [
    series("ours", 1.0, 3.0, 1.2, memory=80.0),
    series("fast", 2.5, 2.0, 4.0, memory=40.0),
    series("slow", 9.0, 8.0, 10.0, memory=20.0),
]


def claim(kind="ratio", allowed=0.6, others=("fast", "slow")):
    return Claim("S3", "cold", "ours", others, allowed, kind)


def test_a_ratio_is_of_the_smallest_walls_and_beside_the_fastest_of_the_others():
    (result,) = judged([claim()], FOUND)
    assert (result.beside, result.found, result.kept) == ("fast", 0.5, True)
    assert result.typical == pytest.approx(1.2 / 2.5)


def test_a_ratio_that_is_just_reached_is_kept_and_one_above_is_not():
    assert judged([claim(allowed=0.5)], FOUND)[0].kept
    assert not judged([claim(allowed=0.49)], FOUND)[0].kept


def test_beside_the_slowest():
    (result,) = judged([claim("slowest", 1.3)], FOUND)
    assert (result.beside, result.found) == ("slow", 0.125)


def test_seconds_more_than_the_fastest():
    (result,) = judged([claim("more", 2.0)], FOUND)
    assert result.found == pytest.approx(-1.0)
    assert result.typical == pytest.approx(1.2 - 2.5)


def test_peak_memory_is_the_largest_of_all_rounds():
    rounds = Series("S3", "cold", "ours", (Figures(1, 1, 90), Figures(1, 1, 111)))
    (result,) = judged([claim("memory", 110, ())], [rounds])
    assert (result.found, result.kept) == (111, False)


def test_sizes_are_compared_by_megabytes():
    (result,) = judged([claim("size", 0.02, ("fast",))], FOUND)
    assert (result.found, result.kept) == (2.0, False)


def test_what_was_not_measured_is_not_judged():
    assert judged([claim(others=("absent",)), Claim("other", "cold", "ours", ("fast",), 1.0)], FOUND) == []


def test_a_peer_that_is_missing_leaves_the_others_to_compare_with():
    (result,) = judged([claim(others=("absent", "slow"))], FOUND)
    assert result.beside == "slow"


def test_runs_become_series_in_the_order_in_which_they_came():
    runs = {("b", "cold", "x"): [Figures(2, 1, 1)], ("a", "cold", "x"): [Figures(1, 1, 1), Figures(3, 1, 1)]}
    found = grouped(runs)
    assert [one.part for one in found] == ["b", "a"]
    assert (found[1].smallest, found[1].median) == (1, 2)


def test_the_tables_name_smallest_median_memory_and_whether_a_promise_is_kept():
    text = markdown(FOUND, judged([claim(allowed=0.4)], FOUND))
    assert "| S3 | cold | ours | 1.00 / 1.20 s | 1.00 s | 80 MB | 3 |" in text
    assert "| S3 | cold | fast | 0.40 × | 0.50 × (0.48 ×) | no |" in text


def test_a_size_has_no_seconds_in_the_table():
    assert "| state | ours | – | – | 0.50 MB | 1 |" in markdown([series("ours", 0.0, scenario="state", memory=0.5)], [])


def test_json_has_every_round_and_every_promise():
    document = as_json(FOUND, judged([claim()], FOUND))
    assert [run["wall"] for run in document["measured"][0]["runs"]] == [1.0, 3.0, 1.2]
    assert document["claims"][0]["kept"] is True
    assert document["claims"][0]["beside"] == "fast"


def test_a_way_that_was_stopped_is_said_to_take_at_least_that():
    slow = Series("files", "first", "theirs", (Figures(50, 40, 90, stopped=True),))
    assert "| at least 50.00 / 50.00 s |" in markdown([slow], [])
