from __future__ import annotations

import subprocess
import sys
import time
from random import Random

import pytest

from tools.chaos.crashes import Saves
from tools.chaos.editing import Edited
from tools.deploy.places import ROOT

WRITER = """
import os, sys, time
for number in range(int(sys.argv[2])):
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(number))
    os.replace(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(0.05)
"""


def writer(path, times):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(times)], start_new_session=True, text=True, stdout=subprocess.PIPE
    )


def test_each_replacement_of_the_file_counts_as_one_save(tmp_path):
    path = tmp_path / "state.json"
    path.write_text("before")
    with Saves(path) as saves:
        writer(path, 5).communicate(timeout=60)
        time.sleep(0.1)
    assert saves.count == 5


def test_the_process_group_is_killed_at_the_save_of_that_number(tmp_path):
    path = tmp_path / "state.json"
    with Saves(path) as saves:
        process = writer(path, 100)
        saves.kill_at(3, process)
        process.communicate(timeout=60)
    assert saves.killed
    assert process.returncode == -9
    assert 2 <= int(path.read_text()) < 10


def test_a_process_that_ends_before_is_not_said_to_be_killed(tmp_path):
    path = tmp_path / "state.json"
    with Saves(path) as saves:
        process = writer(path, 2)
        saves.kill_at(3, process)
        process.communicate(timeout=60)
    assert not saves.killed


@pytest.fixture
def edited(tmp_path):
    return Edited(ROOT / "examples" / "site", tmp_path, Random(7))


def test_each_edit_makes_another_release_whose_files_are_remembered(edited):
    ids = [edited.edit() for _ in range(5)]
    assert len(set(ids)) == 5
    assert edited.current() == ids[-1]
    for path, content in edited.releases[ids[-1]].items():
        assert (edited.content / path.lstrip("/")).read_bytes() == content
    assert all(len([path for path in edited.releases[one] if path.startswith("/notes/")]) <= 3 for one in ids)


def test_the_same_seed_makes_the_same_releases(edited, tmp_path):
    again = Edited(ROOT / "examples" / "site", tmp_path / "again", Random(7))
    assert [edited.edit() for _ in range(3)] == [again.edit() for _ in range(3)]
