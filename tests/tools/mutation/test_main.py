"""The command around mutmut, with a mutmut that says what the test says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.mutation import __main__ as command
from tools.mutation import changes

#: Takes verdicts from a file, and writes down how it was run; ``run NAME`` has the test notice the change.
MUTMUT = """
import json, sys
from pathlib import Path
state = Path({state!r})
found = json.loads(state.read_text())
Path("mutants").mkdir(exist_ok=True)
if sys.argv[1] == "run":
    found["runs"].append(sys.argv[2:])
    found["verdicts"] |= {{name: found["next"].get(name, "survived") for name in sys.argv[4:] if name in found["next"]}}
    state.write_text(json.dumps(found))
    sys.exit(found["code"])
elif sys.argv[1] == "results":
    print("\\n".join(f"    {{name}}: {{verdict}}" for name, verdict in found["verdicts"].items()))
elif sys.argv[1] == "show":
    print("-    return 1\\n+    return 2")
"""
ONE, TWO = "policies.dns.x_one__mutmut_1", "policies.dns.x_two__mutmut_1"


@pytest.fixture
def mutate(tmp_path, monkeypatch):
    """Runs the command; returns its exit code, what it printed, and how mutmut was run."""
    state = tmp_path / "state.json"
    stand_in = tmp_path / "mutmut.py"
    stand_in.write_text(MUTMUT.format(state=str(state)))
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "_WORK", tmp_path / "mutants")
    monkeypatch.setattr(command, "_command", lambda *given: [os.sys.executable, str(stand_in), *given])
    monkeypatch.setattr(changes, "explanations", dict)

    def run(*arguments, code=0, later=None, **found):
        given = {"verdicts": found["verdicts"], "next": later or {}, "code": code, "runs": []}
        state.write_text(json.dumps(given))
        result = CliRunner().invoke(command.main, arguments)
        return result.exit_code, result.output, json.loads(state.read_text())["runs"]

    return run


def test_a_run_in_which_all_is_noticed_ends_with_0(mutate):
    code, said, runs = mutate(verdicts={ONE: "killed", TWO: "timeout"})
    assert (code, runs) == (0, [["--max-children", "2"]])
    assert "2 of 2 changes were noticed" in said


@pytest.mark.parametrize("verdict", ["survived", "no tests", "not checked", "segfault", "suspicious"])
def test_a_run_in_which_one_is_not_noticed_ends_with_1_and_names_it(mutate, verdict):
    code, said, _ = mutate(verdicts={ONE: "killed", TWO: verdict})
    assert code == 1
    assert "policies/dns.py, two\n    - return 1\n    + return 2" in said


def test_what_is_explained_ends_with_0_and_what_is_explained_in_vain_with_1(mutate, monkeypatch):
    known = {changes.Change("policies/dns.py", "two", "return 1", "return 2"): "It is the same."}
    monkeypatch.setattr(changes, "explanations", lambda: known)
    code, said, _ = mutate(verdicts={ONE: "killed", TWO: "survived"})
    assert (code, "1 others are explained, 0 are not" in said) == (0, True)
    code, said, _ = mutate(verdicts={ONE: "killed", TWO: "killed"})
    assert (code, "take it out" in said) == (1, True)


def test_a_run_begins_anew(mutate, tmp_path):
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants" / "old").touch()
    mutate(verdicts={ONE: "killed"})
    assert not (tmp_path / "mutants" / "old").exists()


def test_another_look_tries_again_what_was_not_noticed(mutate, tmp_path):
    (tmp_path / "mutants").mkdir()
    code, _, runs = mutate(
        "--again", "--children", "1", verdicts={ONE: "killed", TWO: "survived"}, later={TWO: "killed"}
    )
    assert (code, runs) == (0, [["--max-children", "1"], ["--max-children", "1", TWO]])


def test_some_changes_can_be_tried_alone(mutate):
    code, said, runs = mutate("--only", "*.x_one__*", verdicts={ONE: "killed", TWO: "not checked"})
    assert (code, runs) == (0, [["--max-children", "2", "*.x_one__*"]])
    assert "1 of 1 changes" in said


def test_tests_that_fail_on_the_unchanged_code_end_it(mutate):
    code, said, _ = mutate(verdicts={}, code=1)
    assert code == 1
    assert "could not run the tests on the unchanged code" in said


def test_what_is_explained_stands_in_the_code():
    for change in changes.explanations():
        source = " ".join((Path(__file__).resolve().parents[3] / change.file).read_text("utf-8").split())
        assert " ".join(change.line.split()) in source, change
