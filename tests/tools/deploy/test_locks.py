from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from tools.deploy import locks
from tools.deploy.errors import Refused


@pytest.fixture
def lock(tmp_path):
    def write(name="a", **said):
        folder = tmp_path / ".pulumi/locks/organization/project/sandbox"
        folder.mkdir(parents=True, exist_ok=True)
        content = {"hostname": socket.gethostname(), "username": "me", "timestamp": datetime.now(UTC).isoformat()}
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**content, **said}))
        return path

    return write


@pytest.fixture
def dead_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_lock_of_a_dead_process_is_removed_and_reported(lock, tmp_path, dead_pid):
    path = lock(pid=dead_pid)
    assert [found.pid for found in locks.release_stale(tmp_path, "sandbox")] == [dead_pid]
    assert not path.exists()


def test_the_lock_of_a_living_process_is_refused_and_kept_with_its_id_and_what_to_do(lock, tmp_path, dead_pid):
    dead, living = lock("a", pid=dead_pid), lock("b", pid=os.getpid())
    with pytest.raises(Refused, match=rf"process {os.getpid()} .*kill -INT {os.getpid()}"):
        locks.release_stale(tmp_path, "sandbox")
    assert living.exists()
    assert dead.exists()


def test_a_lock_older_than_the_process_that_now_has_its_id_is_stale(lock, tmp_path):
    path = lock(pid=os.getpid(), timestamp="2001-01-01T00:00:00.123456789Z")
    assert len(locks.release_stale(tmp_path, "sandbox")) == 1
    assert not path.exists()


def test_the_lock_of_another_machine_is_refused_whatever_its_process_id(lock, tmp_path, dead_pid):
    path = lock(pid=dead_pid, hostname="elsewhere")
    with pytest.raises(Refused, match=r"on elsewhere .*remove .*a\.json"):
        locks.release_stale(tmp_path, "sandbox")
    assert path.exists()


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_a_lock_that_was_cut_off_when_it_was_written_is_removed(lock, tmp_path, text):
    path = lock(pid=os.getpid())
    path.write_text(text)
    assert len(locks.release_stale(tmp_path, "sandbox")) == 1
    assert not path.exists()


@pytest.mark.parametrize("text", ["", '{"pid": 7'])
def test_a_lock_that_a_full_disk_left_unfinished_is_removed_too_for_the_engine_cannot_read_it(lock, tmp_path, text):
    path = lock(name="0f.json.18eccc5355647612")
    unfinished = path.with_suffix(".tmp")
    path.rename(unfinished)
    unfinished.write_text(text)
    assert len(locks.release_stale(tmp_path, "sandbox")) == 1
    assert not unfinished.exists()


def test_a_lock_that_is_just_being_written_is_read_when_it_is_finished(lock, tmp_path):
    path = lock(pid=os.getpid())
    unfinished = path.with_name(f"{path.name}.18eccc5355647612.tmp")
    path.rename(unfinished)
    later = threading.Timer(0.3, lambda: unfinished.rename(path))
    later.start()
    with pytest.raises(Refused, match=f"process {os.getpid()}"):
        locks.release_stale(tmp_path, "sandbox")
    later.join()
    assert path.exists()


def test_locks_of_other_stacks_are_left_alone(lock, tmp_path, dead_pid):
    path = lock(pid=dead_pid)
    assert locks.release_stale(tmp_path, "prod") == []
    assert path.exists()
