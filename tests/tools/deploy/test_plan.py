from __future__ import annotations

from itertools import combinations

import pytest

from tools.deploy.plan import Step, steps, token

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
URN = f"urn:pulumi:s::p::t${RECORD}::one"
STATE = {"inputs": {"name": "a"}, "outputs": {"name": "told by the platform"}}


def read(**metadata):
    """The step that one event of the engine tells of."""
    given = {"op": "update", "urn": URN, "type": RECORD, "old": None, "new": None, **metadata}
    (found,) = steps([{"preludeEvent": {}}, {"resourcePreEvent": {"metadata": given}}, {"resOutputsEvent": {}}])
    return found


def test_a_step_is_read_from_the_engines_event():
    found = read(old=STATE, new={"inputs": {"name": "b"}})
    assert found == Step("update", URN, RECORD, {"name": "a"}, {"name": "b"}, ())
    assert found.name == "one"


def test_steps_stand_in_the_engines_order():
    events = [
        {"resourcePreEvent": {"metadata": {"op": "same", "urn": f"urn:pulumi:s::p::t::{name}", "type": "t"}}}
        for name in ("b", "a", "c")
    ]
    assert [step.name for step in steps(events)] == ["b", "a", "c"]


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("state", [None, {}, {"inputs": None}, {"outputs": {"a": 1}}])
def test_a_side_without_inputs_is_empty(side, state):
    assert getattr(read(**{"old": STATE, "new": STATE, side: state}), side) == {}


def test_a_side_that_the_engine_does_not_tell_is_empty():
    metadata = {"op": "same", "urn": URN, "type": RECORD}
    assert steps([{"resourcePreEvent": {"metadata": metadata}}]) == [Step("same", URN, RECORD)]


@pytest.mark.parametrize(
    ("told", "changed"),
    [
        ({}, ()),
        ({"diffs": None, "detailedDiff": None}, ()),
        ({"diffs": ["b", "a", "b"]}, ("a", "b")),
        ({"detailedDiff": {"b": {"kind": "update"}, "a": {"kind": "add"}}}, ("a", "b")),
        ({"diffs": ["a"], "detailedDiff": {"a.deep": {"kind": "update"}}}, ("a",)),
        ({"diffs": [], "detailedDiff": {"a.deep": {"kind": "update"}}}, ("a.deep",)),
    ],
)
def test_what_changes_is_named_once_and_in_order(told, changed):
    assert read(**told).changed == changed


@pytest.mark.parametrize(
    ("op", "ends", "changes"),
    [
        ("same", False, False),
        ("read", False, False),
        ("refresh", False, False),
        ("create", False, True),
        ("update", False, True),
        ("import", False, True),
        ("create-replacement", False, True),
        ("delete", True, True),
        ("replace", True, True),
        ("delete-replaced", True, True),
        ("discard-replaced", True, True),
    ],
)
def test_what_an_operation_does(op, ends, changes):
    assert (read(op=op).ends, read(op=op).changes) == (ends, changes)


def test_a_token_is_p_and_16_hex_digits_and_stays_the_same_from_run_to_run():
    assert token([Step("delete", URN, RECORD, {"name": "a", "ttl": 1})]) == "pc634029d07b12db0"
    assert token([Step("delete", URN, RECORD, {"ttl": 1, "name": "a"})]) == "pc634029d07b12db0"
    assert token([Step("create", URN, RECORD, {}, {"ttl": 1, "name": "a"})]) == "p59b43af34ed048fe"
    assert token([Step("create", URN, RECORD, {}, {"name": "a", "ttl": 1})]) == "p59b43af34ed048fe"


def test_each_part_of_a_step_counts_in_the_token():
    plan = Step("update", URN, RECORD, {"name": "a"}, {"name": "b"})
    others = [
        Step("delete", URN, RECORD, {"name": "a"}, {"name": "b"}),
        Step("update", f"{URN}-two", RECORD, {"name": "a"}, {"name": "b"}),
        Step("update", URN, RECORD, {"name": "c"}, {"name": "b"}),
        Step("update", URN, RECORD, {"name": "a"}, {"name": "c"}),
    ]
    assert all(token([one]) != token([other]) for one, other in combinations([plan, *others], 2))
