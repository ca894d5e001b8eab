from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tools.deploy import sandbox_daemon
from tools.deploy.errors import Refused
from tools.deploy.places import Places


@pytest.fixture(autouse=True)
def any_port(monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_PORT", "0")


def test_it_is_started_once_and_then_found(project):
    running, fresh = sandbox_daemon.start(project.places)
    again, fresh_again = sandbox_daemon.start(project.places)
    assert (fresh, fresh_again) == (True, False)
    assert again.pid == running.pid
    assert running.environment == {"STAND_IN": "yes"}


def test_it_is_found_by_another_name_of_its_folder(project, tmp_path):
    running, _ = sandbox_daemon.start(project.places)
    (tmp_path / "elsewhere").symlink_to(project.places.state)
    again, fresh = sandbox_daemon.start(Places(project.places.root, tmp_path / "elsewhere"))
    assert (again.pid, fresh) == (running.pid, False)


def test_it_leads_a_session_of_its_own(project):
    running, _ = sandbox_daemon.start(project.places)
    assert os.getsid(running.pid) == running.pid


def test_a_stop_ends_the_process_and_removes_what_described_it(project):
    running, _ = sandbox_daemon.start(project.places)
    assert sandbox_daemon.stop(project.places) == running.pid
    assert not psutil.pid_exists(running.pid)
    assert sandbox_daemon.find(project.places) is None
    assert sandbox_daemon.stop(project.places) is None


def test_one_that_does_not_answer_is_stopped_by_its_process_id(project):
    running, _ = sandbox_daemon.start(project.places)
    said = json.loads(project.places.description.read_text())
    project.places.description.write_text(json.dumps({**said, "control_url": "http://127.0.0.1:1"}))
    assert sandbox_daemon.stop(project.places) == running.pid
    assert not psutil.pid_exists(running.pid)


def test_one_that_ignores_every_request_is_killed(project, monkeypatch):
    monkeypatch.setenv("STAND_IN_DEAF", "1")
    monkeypatch.setattr(sandbox_daemon, "STOP_SECONDS", 0.2)
    running, _ = sandbox_daemon.start(project.places)
    psutil.Process(running.pid).suspend()
    sandbox_daemon.stop(project.places)
    assert not psutil.pid_exists(running.pid)


def test_a_description_that_a_dead_sandbox_left_is_ignored(project):
    running, _ = sandbox_daemon.start(project.places)
    left = project.places.description.read_text()
    sandbox_daemon.stop(project.places)
    project.places.description.write_text(left)
    assert sandbox_daemon.find(project.places) is None
    fresh, started = sandbox_daemon.start(project.places)
    assert started
    assert fresh.pid != running.pid


def test_a_description_whose_process_id_belongs_to_another_program_now_is_ignored_and_that_program_left_alone(project):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        said = {"pid": other.pid, "control_url": "http://127.0.0.1:1", "site_url": "", "environment": {}}
        project.places.description.write_text(json.dumps(said))
        assert sandbox_daemon.find(project.places) is None
        assert sandbox_daemon.stop(project.places) is None
        assert other.poll() is None
        other.kill()


def test_a_sandbox_on_another_folder_is_not_ours(project, tmp_path):
    running, _ = sandbox_daemon.start(project.places)
    other = type(project.places)(project.places.root, tmp_path / "other")
    other.world.mkdir(parents=True)
    other.description.write_text(project.places.description.read_text())
    assert sandbox_daemon.find(other) is None
    assert sandbox_daemon.process_of(project.places, running.pid) is not None


@pytest.mark.parametrize("text", ["", "{", "{}", '{"pid": 1}'])
def test_a_description_that_cannot_be_read_counts_as_none(project, text):
    project.places.description.write_text(text)
    assert sandbox_daemon.find(project.places) is None


def test_an_early_end_shows_the_log_of_this_start_only(project, monkeypatch):
    project.places.log.write_text("an older line\n")
    monkeypatch.setenv("STAND_IN_FAILS", "1")
    monkeypatch.setenv("PEACEFULROBOT_PORT", "8412")
    with pytest.raises(Refused) as refused:
        sandbox_daemon.start(project.places)
    assert "port 8412 is taken" in refused.value.message
    assert str(project.places.log) in refused.value.message
    assert "older" not in refused.value.message


def test_what_the_control_api_refuses_is_told_in_its_own_words(project):
    running, _ = sandbox_daemon.start(project.places)
    with pytest.raises(Refused, match="Not Found"):
        running.ask("GET", "/no/such/thing")


def test_a_control_api_that_is_gone_is_told_with_what_to_do(project):
    running = sandbox_daemon.Running(4711, "http://127.0.0.1:1", "", {})
    with pytest.raises(Refused, match=r"process 4711.*make down"):
        running.ask("GET", "/status")


def test_a_port_that_is_no_number_is_refused(project, monkeypatch):
    monkeypatch.setenv("PEACEFULROBOT_PORT", "http")
    with pytest.raises(Refused, match=r"PEACEFULROBOT_PORT is 'http'"):
        sandbox_daemon.start(project.places)


def test_a_killed_sandbox_is_started_anew(project):
    running, _ = sandbox_daemon.start(project.places)
    os.kill(running.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while sandbox_daemon.find(project.places) and time.monotonic() < deadline:
        time.sleep(0.01)
    again, fresh = sandbox_daemon.start(project.places)
    assert fresh
    assert again.pid != running.pid
