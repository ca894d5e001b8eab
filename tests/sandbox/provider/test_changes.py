from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.provider.changes import deep_changes, top_level


def test_paths_name_the_changed_leaf():
    old = {"origins": [{"address": "a", "enabled": True}], "tags": {"a.b": "1", "plain": "x"}, "gone": 1}
    new = {"origins": [{"address": "b", "enabled": True}, {"address": "c"}], "tags": {"a.b": "2", "plain": "x"}, "n": 0}
    assert deep_changes(old, new) == {
        "gone": "delete",
        "n": "add",
        "origins[0].address": "update",
        "origins[1]": "add",
        'tags["a.b"]': "update",
    }


def test_a_changed_type_is_one_update():
    assert deep_changes({"a": {"b": 1}}, {"a": [1]}) == {"a": "update"}
    assert deep_changes({"a": True}, {"a": 1}) == {"a": "update"}


def test_none_is_the_same_as_absent():
    assert deep_changes({"a": None}, {}) == {}


def test_quotes_in_a_key_are_escaped_and_read_back():
    (path,) = deep_changes({}, {'we"ird key\\': 1})
    assert path == '["we\\"ird key\\\\"]'
    assert top_level(path) == 'we"ird key\\'


keys = st.text('ab._-"\\[] 0', min_size=1, max_size=5)
objects = st.dictionaries(keys, st.integers(0, 2) | st.dictionaries(keys, st.integers(0, 2)), max_size=4)


@given(objects, objects)
def test_what_differs_is_found_under_its_top_level_key(old, new):
    changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    assert {top_level(path) for path in deep_changes(old, new)} == changed
