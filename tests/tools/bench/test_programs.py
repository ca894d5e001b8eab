from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.bench import programs

FAKE_NPM = """#!/bin/sh
mkdir -p node_modules/thing && echo "$@" > node_modules/thing/run.js
"""
BROKEN_NPM = """#!/bin/sh
mkdir -p node_modules && echo 'npm error 404 no such package' >&2
exit 1
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts a program called npm first on PATH."""
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "bin"
    folder.mkdir()

    def install(text):
        (folder / "npm").write_text(text)
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return install


def installed(said):
    return programs.from_npm("thing", "1.2.3", "node_modules/thing/run.js", said.append, {"other": "4.0.0"})


def test_a_client_is_installed_once_without_scripts_and_with_its_overrides(npm):
    npm(FAKE_NPM)
    said = []
    folder = installed(said)
    assert "--ignore-scripts" in (folder / "node_modules/thing/run.js").read_text()
    assert json.loads((folder / "package.json").read_text())["overrides"] == {"other": "4.0.0"}
    assert installed(said) == folder
    assert len(said) == 1


def test_a_client_that_cannot_be_had_is_named_with_the_reason_and_leaves_no_folder(npm):
    npm(BROKEN_NPM)
    with pytest.raises(programs.NotHere, match=r"thing@1\.2\.3: npm error 404"):
        installed([])
    assert not (programs.cache_folder() / "clients" / "thing-1.2.3").exists()


def test_without_npm_or_go_it_is_said_what_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(programs.NotHere, match="npm is not installed"):
        installed([])
    with pytest.raises(programs.NotHere, match="Go is not installed"):
        programs.from_go("example.org/thing@v1.0.0", print)


def test_a_go_program_that_is_there_is_not_built_again(monkeypatch, tmp_path):
    monkeypatch.setenv("PEACEFULROBOT_CACHE", str(tmp_path))
    program = Path(tmp_path, "bench", "bin", "thing")
    program.parent.mkdir(parents=True)
    program.touch()
    assert programs.from_go("example.org/thing@v1.0.0", pytest.fail) == program
