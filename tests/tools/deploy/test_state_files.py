from __future__ import annotations

import json
import os

import pytest

from tools.deploy.errors import Refused
from tools.deploy.state_files import remove_old, restore


def state(number):
    return json.dumps({"version": 3, "checkpoint": {"stack": "s", "latest": {"number": number}}})


@pytest.fixture
def backend(tmp_path):
    for folder in (".pulumi/stacks/project", ".pulumi/backups/project/sandbox", ".pulumi/history/project/sandbox"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "home" / "logs").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def current(backend):
    path = backend / ".pulumi" / "stacks" / "project" / "sandbox.json"
    path.write_text(state(9))
    return path


def copies(backend, *numbers):
    for number in numbers:
        path = backend / ".pulumi" / "backups" / "project" / "sandbox" / f"sandbox.{1796032748298098033 + number}.json"
        path.write_text(state(number))


def number_of(path):
    return json.loads(path.read_text())["checkpoint"]["latest"]["number"]


def test_a_state_that_can_be_read_is_left_alone(backend, current):
    copies(backend, 1)
    assert restore(current, backend) is None
    assert number_of(current) == 9


def test_a_stack_that_is_not_there_yet_is_not_made_from_copies(backend, current):
    copies(backend, 1)
    current.unlink()
    assert restore(current, backend) is None
    assert not current.exists()


@pytest.mark.parametrize("damaged", ["", state(9)[:-7], "{}", "[]", '{"version": 3}'])
def test_a_damaged_state_is_replaced_by_the_one_saved_before_it(backend, current, damaged):
    copies(backend, 1, 2)
    current.with_name("sandbox.json.bak").write_text(state(8))
    current.write_text(damaged)
    assert restore(current, backend).name == "sandbox.json.bak"
    assert number_of(current) == 8


def test_where_that_is_damaged_too_the_newest_whole_backup_is_taken(backend, current):
    copies(backend, 1, 2, 3)
    for path in (current, current.with_name("sandbox.json.bak"), sorted(backend.glob(".pulumi/backups/*/*/*"))[-1]):
        path.write_text("")
    restore(current, backend)
    assert number_of(current) == 2


def test_without_any_whole_copy_nothing_is_changed_and_that_is_said(backend, current):
    current.write_text("")
    with pytest.raises(Refused, match="neither can any copy"):
        restore(current, backend)
    assert current.read_text() == ""


def test_files_of_old_runs_go_and_those_of_the_newest_stay(backend, current):
    for number in range(40):
        for path in (
            backend / ".pulumi/history/project/sandbox" / f"sandbox-{number:02}.history.json",
            backend / ".pulumi/history/project/sandbox" / f"sandbox-{number:02}.checkpoint.json",
            backend / ".pulumi/backups/project/sandbox" / f"sandbox.{number:02}.json",
            backend / "home/logs" / f"{number:02}.log",
        ):
            path.write_text("x")
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
    assert remove_old(backend, "project", "sandbox", kept=5) == 4 * 40 - 10 - 10 - 15
    left = sorted(path.name for path in (backend / ".pulumi/history/project/sandbox").iterdir())
    assert left[0].startswith("sandbox-35")
    assert len(left) == 10
    assert current.exists()


def test_what_was_never_finished_goes_after_an_hour(backend, current):
    old, new = (current.with_name(f"sandbox.json.{name}.tmp") for name in ("1", "2"))
    for path in (old, new):
        path.write_text("")
    os.utime(old, (1_000_000, 1_000_000))
    assert remove_old(backend, "project", "sandbox") == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_nothing_is_removed_where_little_is_there(backend, current):
    copies(backend, 1, 2)
    assert remove_old(backend, "project", "sandbox") == 0
    assert remove_old(backend / "nowhere", "project", "sandbox") == 0
