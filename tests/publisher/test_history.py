from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from publisher.history import recalled, remembered
from website import Manifest

KINDS = {"aaaa": ("text/html", "no-cache"), "bbbb": ("text/css", "public"), "cccc": ("image/png", "public")}
RULES = [{"floor": [], "notFound": None}, {"floor": [["X", "1"]], "notFound": "404.html"}]

paths = st.sampled_from([f"{letter}.html" for letter in "abcdefgh"])
values = st.builds(lambda digest, kind: f"{digest:016x}:{kind}", st.integers(0, 3), st.sampled_from(sorted(KINDS)))


@st.composite
def manifests(draw, number):
    files = draw(st.dictionaries(paths, values, min_size=1))
    kinds = {key: KINDS[key] for key in sorted({value.split(":")[1] for value in files.values()})}
    release = f"r{number:016x}"
    return Manifest(release, release * 4, draw(st.integers(0, 10**12)), files, kinds, draw(st.sampled_from(RULES)))


histories = st.integers(1, 5).flatmap(lambda count: st.tuples(*(manifests(number) for number in range(count))))


def stored(values):
    """What the engine gives back: numbers are floats."""
    return json.loads(json.dumps(values), parse_int=float)


@given(histories, st.integers(1, 6))
def test_what_is_remembered_is_recalled_newest_first_up_to_the_number_to_keep(history, keep):
    found = recalled(stored(remembered(history[0], history[1:], keep)))
    assert found == list(history[:keep])


@given(histories, st.data())
def test_going_back_loses_no_release_and_puts_the_chosen_one_first(history, data):
    known = recalled(stored(remembered(history[0], history[1:], 5)))
    chosen = data.draw(st.sampled_from(known))
    again = recalled(stored(remembered(chosen, known, 5)))
    assert again[0] == chosen
    assert {found.release: found for found in again} == {found.release: found for found in known}


def test_a_release_that_changes_one_file_adds_one_entry():
    files = {f"page-{number}.html": f"{number:016x}:aaaa" for number in range(10_000)}
    old = Manifest("r1", "d1", 1, files, {"aaaa": KINDS["aaaa"]}, RULES[0])
    new = Manifest("r2", "d2", 1, {**files, "page-7.html": f"{1:016x}:aaaa"}, old.kinds, RULES[0])
    grown = len(json.dumps(remembered(new, [old], 5))) - len(json.dumps(remembered(new, [], 5)))
    assert grown < 200


def test_a_state_without_a_history_recalls_nothing():
    assert recalled({}) == []
    assert recalled({"files": {"index.html": "0011"}, "release": "r1"}) == []
