from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.deploy import sandbox_daemon
from tools.deploy.places import Places

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "deploy" / "project"


class Project:
    """A copy of the small stand-in project, and the command line driven on it as a process of its own."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root, root / ".sandbox")

    def behave(self, release: str, **said) -> None:
        (self.places.root / "behaviour.json").write_text(json.dumps({"release": release, **said}))

    def start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.tools.deploy.drive", str(self.places.root), command],
            cwd=ROOT,
            env={**os.environ, "PEACEFULROBOT_PORT": "0", "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, command: str, expect: int = 0) -> str:
        process = self.start(command)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == expect, output
        assert "Traceback" not in output, output
        return output

    def log(self) -> list[str]:
        path = self.places.root / "creates.log"
        return path.read_text().splitlines() if path.exists() else []

    @staticmethod
    def kill(process: subprocess.Popen[str]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)


@pytest.fixture
def project(tmp_path):
    """The stand-in project in a folder of its own; its sandbox is stopped at the end."""
    root = tmp_path / "project"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__"))
    made = Project(root)
    made.behave("r1")
    made.places.world.mkdir(parents=True)
    yield made
    sandbox_daemon.stop(made.places)
