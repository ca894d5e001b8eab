from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from tools.deploy import pending
from tools.deploy.pending import Fate

STACK = {"urn": "urn:pulumi:s::p::pulumi:pulumi:Stack::p-s", "type": "pulumi:pulumi:Stack"}


def creating(label, kind="some:index:Thing", **inputs):
    urn = f"urn:pulumi:s::p::{kind}::{label}"
    return {"type": "creating", "resource": {"urn": urn, "type": kind, "custom": True, "inputs": inputs}}


def state(*operations, resources=(STACK,)):
    return {"version": 3, "deployment": {"resources": list(resources), "pending_operations": list(operations)}}


def test_what_was_made_is_put_into_the_state_with_its_id_and_marked_to_be_read():
    operation = creating("a", name="x")
    repair = pending.resolve(state(operation), lambda kind, inputs: f"id-of-{inputs['name']}")
    assert repair.state["deployment"]["resources"] == [
        STACK,
        {**operation["resource"], "id": "id-of-x", "outputs": {"name": "x"}},
    ]
    assert "pending_operations" not in repair.state["deployment"]
    assert repair.adopted == [operation["resource"]["urn"]]


@pytest.mark.parametrize("fate", [Fate.ABSENT, Fate.AGAIN, Fate.UNKNOWN])
def test_what_was_not_found_is_forgotten_with_its_fate(fate):
    repair = pending.resolve(state(creating("a")), lambda kind, inputs: fate)
    assert repair.state["deployment"] == {"resources": [STACK]}
    assert [(one.name, one.fate) for one in repair.resolved] == [("a", fate)]


@pytest.mark.parametrize("operation", ["updating", "deleting", "reading", "importing"])
def test_other_operations_are_forgotten_without_a_look_up(operation):
    def find(kind, inputs):
        raise AssertionError

    repair = pending.resolve(state({**creating("a"), "type": operation}), find)
    assert repair.resolved[0].fate is Fate.AGAIN
    assert repair.adopted == []


def test_a_replacement_is_not_taken_over_beside_the_resource_that_it_replaces():
    operation = creating("a")
    repair = pending.resolve(state(operation, resources=[STACK, operation["resource"]]), lambda kind, inputs: "id")
    assert repair.resolved[0].fate is Fate.UNKNOWN
    assert repair.state["deployment"]["resources"] == [STACK, operation["resource"]]


def test_the_same_creation_pending_twice_is_taken_over_once():
    repair = pending.resolve(state(creating("a"), creating("a")), lambda kind, inputs: "id")
    assert [one.fate for one in repair.resolved] == [Fate.ADOPTED, Fate.UNKNOWN]
    assert len(repair.state["deployment"]["resources"]) == 2


class Recorder:
    """Stands for the engine: answers an export, and remembers what it was asked."""

    def __init__(self, exported):
        self.exported, self.asked, self.imported = exported, [], None

    def ask(self, *arguments):
        self.asked.append(arguments)
        if arguments[:2] == ("stack", "import"):
            self.imported = json.loads(Path(arguments[3]).read_text())
        return json.dumps(self.exported)


def test_a_state_with_nothing_pending_is_not_touched():
    engine = Recorder({"version": 3, "deployment": {"resources": [STACK]}})
    assert pending.repair(engine, lambda kind, inputs: "id") == []
    assert engine.asked == [("stack", "export")]


def test_a_stack_without_any_state_is_not_touched():
    assert pending.repair(Recorder({"version": 3, "deployment": None}), lambda kind, inputs: "id") == []


def test_only_what_was_taken_over_is_refreshed():
    engine = Recorder(state(creating("a"), creating("b")))
    pending.repair(engine, lambda kind, inputs: Fate.AGAIN)
    assert [asked[0] for asked in engine.asked] == ["stack", "stack"]
    engine = Recorder(state(creating("a"), creating("b")))
    fates = iter(["id", Fate.UNKNOWN])
    pending.repair(engine, lambda kind, inputs: next(fates))
    urn = creating("a")["resource"]["urn"]
    assert engine.asked[-1] == ("refresh", "--yes", "--skip-preview", "--target", urn)
    assert [resource["urn"] for resource in engine.imported["deployment"]["resources"]] == [STACK["urn"], urn]


def test_a_state_file_tells_whether_anything_is_pending(tmp_path):
    path = tmp_path / "s.json"
    assert pending.has_pending(path)
    path.write_text(json.dumps({"checkpoint": {"latest": {"resources": []}}}))
    assert not pending.has_pending(path)
    path.write_text(json.dumps({"checkpoint": {"latest": copy.deepcopy(state(creating("a"))["deployment"])}}))
    assert pending.has_pending(path)
    path.write_text(json.dumps({"checkpoint": {}}))
    assert not pending.has_pending(path)
    path.write_text("{")
    assert pending.has_pending(path)
