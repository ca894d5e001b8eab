from __future__ import annotations

from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from sandbox.provider.resource_type import UNKNOWN
from sandbox.provider.wire import to_struct, to_values

SIGNATURE, SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def secret(value):
    return {SIGNATURE: SECRET, "value": value}


def struct_of(values) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(values)
    return struct


def test_secrets_are_opened_wherever_they_are():
    struct = struct_of({"token": secret("s"), "nested": {"list": [secret({"a": secret(1)})]}})
    assert to_values(struct) == {"token": "s", "nested": {"list": [{"a": 1}]}}


def test_each_sentinel_of_an_unknown_value_reads_as_unknown():
    sentinels = {"array": "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", "bool": "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"}
    assert to_values(struct_of({**sentinels, "deep": [{"string": UNKNOWN}]})) == {
        "array": UNKNOWN,
        "bool": UNKNOWN,
        "deep": [{"string": UNKNOWN}],
    }


def test_whole_numbers_are_ints_and_others_stay():
    assert to_values(struct_of({"port": 443, "ratio": 0.5, "on": True})) == {"port": 443, "ratio": 0.5, "on": True}
    assert isinstance(to_values(struct_of({"port": 443}))["port"], int)


def test_a_secret_input_makes_the_output_of_that_name_secret():
    inputs = struct_of({"token": secret("s"), "settings": {"key": secret("k"), "size": 1}, "rules": [secret("r")]})
    answered = to_struct({"token": "s", "settings": {"key": "k", "size": 1}, "rules": ["r"], "id": "x"}, inputs)
    assert answered == struct_of(
        {"token": secret("s"), "settings": {"key": secret("k"), "size": 1}, "rules": secret(["r"]), "id": "x"}
    )


def test_named_secrets_are_marked_once():
    inputs = struct_of({"token": secret("s")})
    assert to_struct({"token": "s", "key": "k"}, inputs, secrets=frozenset({"token", "key", "absent"})) == struct_of(
        {"token": secret("s"), "key": secret("k")}
    )


def test_none_is_left_out():
    assert to_struct({"a": None, "b": 1}) == struct_of({"b": 1})


json_values = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=5))
def test_plain_values_survive_the_way_there_and_back(values):
    assert to_values(to_struct(values)) == values
