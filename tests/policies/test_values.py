from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_policy import Secret, proxy

from policies.values import (
    SECRET,
    NotKnown,
    Unknown,
    at,
    entries,
    is_set,
    members,
    number,
    seen,
    separately,
    text,
    texts,
)
from tests.policies.judging import UNKNOWN

LEAVES = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))
LOOKS = [
    lambda value: value == 1,
    lambda value: 1 == value,  # noqa: SIM300 - the other way round
    lambda value: value != "x",
    lambda value: value in ("x", "y"),
    lambda value: "x" in value,
    lambda value: value in {"x"},
    lambda value: value in {"x": 1},
    lambda value: bool(value),
    lambda value: not value,
    lambda value: len(value),
    lambda value: list(value),
    lambda value: value[0],
    lambda value: value < 1,
    lambda value: value >= 1,
    lambda value: str(value),
    lambda value: f"{value}",
    lambda value: int(value),
    lambda value: float(value),
    text,
    members,
    number,
    entries,
]


@pytest.mark.parametrize("look", LOOKS)
def test_whoever_looks_at_an_unknown_value_is_told_which_it_is(look):
    with pytest.raises(NotKnown, match=r"^origins\[0\]\.address$"):
        look(Unknown("origins[0].address"))


def test_an_unknown_value_can_be_shown_to_a_programmer():
    assert repr(Unknown("a.b")) == "<a.b is not known>"


@settings(deadline=None)
@given(JSON)
def test_plain_values_are_seen_as_they_are(value):
    assert seen(value) == value


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON))
def test_the_sdks_proxies_are_seen_through(value):
    assert seen(proxy.unknown_checking_proxy(value)) == value


@pytest.mark.parametrize("placeholder", [value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_")])
def test_every_placeholder_of_the_engine_is_unknown_with_its_path(placeholder):
    found = seen(proxy.unknown_checking_proxy({"a": [{"b": placeholder}], "c": 1}))
    assert repr(found["a"][0]["b"]) == "<a[0].b is not known>"
    assert found["c"] == 1


def test_a_secret_of_the_sdk_is_seen_as_secret():
    assert seen({"a": Secret("hunter2")}) == {"a": SECRET}


def test_what_lies_below_something_unknown_is_unknown():
    values = seen({"a": UNKNOWN, "b": {"c": 1}})
    assert repr(at(values, "a", "x", "y")) == "<a is not known>"
    assert at(values, "b", "c") == 1
    assert at(values, "b", "d") is None
    assert at(values, "b", "c", "d") is None
    assert at(None, "a") is None


@pytest.mark.parametrize(("value", "expected"), [(None, []), ("a", ["a"]), (["a"], ["a"]), ({"a": 1}, [{"a": 1}])])
def test_a_single_value_counts_as_a_list_of_one(value, expected):
    assert entries(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, 0), ("7", 0), (7, 7), (7.5, 7.5), ([], 0)])
def test_what_is_no_number_is_none(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, {}), ("a", {}), (["a"], {}), ({"a": 1}, {"a": 1})])
def test_what_is_no_object_has_no_members(value, expected):
    assert members(value) == expected


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_nothing_is_not_set(value):
    assert not is_set(value)


@pytest.mark.parametrize("value", [0, False, "x", [None], {"a": None}, Unknown("x")])
def test_anything_else_is_set(value):
    assert is_set(value)


def test_parts_behind_an_unknown_one_are_judged_too_and_the_first_is_named():
    def judge(part):
        yield f"{part} is wrong"

    found = []
    with pytest.raises(NotKnown, match=r"^second$"):
        found.extend(separately([1, Unknown("second"), 3, Unknown("fourth")], judge))
    assert found == ["1 is wrong", "3 is wrong"]


def test_every_known_text_is_found_with_its_path():
    values = seen({"a": ["x", {"b": "y"}], "c": UNKNOWN, "d": 1})
    assert list(texts(values)) == [("a[0]", "x"), ("a[1].b", "y")]
