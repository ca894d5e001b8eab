"""The unit and the container file that the coordinator is run with."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNIT = DEPLOY / "peacefulrobot-coordinator.service"
#: Of ten, by systemd's own account; below 2 it says OK.
MOST_EXPOSED = 2.0


@pytest.fixture
def unit(tmp_path):
    """The unit with a checkout that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    python = tmp_path / "checkout/.venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    text = UNIT.read_text("utf-8").replace("/opt/peacefulrobot-infra", str(tmp_path / "checkout"))
    found = tmp_path / UNIT.name
    found.write_text(text, "utf-8")
    return found


def analyzed(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_finds_nothing_wrong_with_the_unit(unit):
    done = analyzed("verify", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_would_find_a_mistake_in_the_unit(unit):
    unit.write_text(unit.read_text("utf-8").replace("KillMode=mixed", "KillMode=gently"), "utf-8")
    assert "Failed to parse kill mode" in analyzed("verify", str(unit)).stderr


def test_the_service_is_locked_in(unit):
    done = analyzed("security", "--offline=true", "--no-pager", str(unit))
    (level,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(level) < MOST_EXPOSED


def test_a_stop_is_given_more_time_than_the_coordinator_waits_for():
    minutes = int(re.findall(r"^TimeoutStopSec=(\d+)min$", UNIT.read_text("utf-8"), re.MULTILINE)[0])
    from coordinator.delivery_settings import Delivery

    assert minutes * 60 >= 2 * Delivery().stop_patience


def instructions():
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text("utf-8"))
    return [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_container_has_a_pinned_base_an_ordinary_user_and_packages_by_hash():
    lines = instructions()
    assert [value for name, value in lines if name == "FROM"] == ["docker.io/library/python:3.11-slim-bookworm"]
    names = [name for name, _ in lines]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert dict(lines)["USER"] == "10001:10001"
    assert any("--require-hashes" in value for name, value in lines if name == "RUN")
    assert not any(name == "ADD" for name in names)


def test_the_container_keeps_what_must_survive_in_its_volume():
    volume = next(value for name, value in instructions() if name == "VOLUME")
    variables = next(value for name, value in instructions() if name == "ENV")
    for name in ("XDG_STATE_HOME", "PEACEFULROBOT_STATE", "PEACEFULROBOT_CACHE"):
        assert f"{name}={volume}/" in variables
