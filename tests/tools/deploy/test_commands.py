from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tools.deploy import commands, places, sandbox_daemon
from tools.deploy.__main__ import main


@pytest.fixture
def invoke(project, monkeypatch):
    """The command line on the stand-in project, without a terminal."""
    monkeypatch.setattr(places, "ROOT", project.places.root)
    monkeypatch.setenv("PEACEFULROBOT_PORT", "0")
    monkeypatch.delenv("PEACEFULROBOT_STATE", raising=False)
    monkeypatch.delenv("MAKELEVEL", raising=False)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def test_status_without_a_sandbox_says_how_to_start_it(invoke):
    result = invoke("status", "--format", "json")
    assert result.exit_code == 1
    assert "make up" in result.stderr
    assert result.stdout == ""


def test_status_as_json_is_all_that_goes_to_standard_output(invoke, project):
    sandbox_daemon.start(project.places)
    result = invoke("status", "--format", "json")
    found = json.loads(result.stdout)
    assert found["site_url"] == "http://127.0.0.1:1/"
    assert set(found["platforms"][0]) == {"name", "state", "url", "host_header", "live_release", "files"}
    assert result.exit_code == 0


def test_status_as_a_table_names_every_platform_with_its_release(invoke, project):
    sandbox_daemon.start(project.places)
    output = invoke("status").output
    assert "netlify" in output
    assert "healthy" in output


def test_break_and_heal_reach_the_sandbox(invoke, project):
    running, _ = sandbox_daemon.start(project.places)
    assert invoke("break", "netlify").exit_code == 0
    assert running.ask("GET", "/status")["faults"] == {"netlify": "down"}
    assert invoke("heal", "netlify").exit_code == 0
    assert running.ask("GET", "/status")["faults"] == {}


@pytest.mark.parametrize("command", ["break", "heal"])
@pytest.mark.parametrize(("platform", "said"), [("", "no platform is named"), ("geocities", "'geocities'")])
def test_an_unknown_platform_is_refused_with_the_known_ones(invoke, command, platform, said):
    result = invoke(command, platform)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "netlify" in result.stderr


def test_down_stops_the_sandbox_and_is_content_when_none_runs(invoke, project):
    sandbox_daemon.start(project.places)
    assert "Stopped" in invoke("down").stderr
    assert sandbox_daemon.find(project.places) is None
    result = invoke("down")
    assert result.exit_code == 0
    assert "No sandbox" in result.stderr


def test_clean_stops_the_sandbox_and_removes_what_was_made_and_says_what_it_keeps(invoke, project):
    (project.places.root / ".venv").mkdir()
    sandbox_daemon.start(project.places)
    result = invoke("clean")
    assert result.exit_code == 0
    assert not project.places.state.exists()
    assert not (project.places.root / ".venv").exists()
    assert (project.places.root / "Pulumi.yaml").exists()
    assert "Kept: " in result.stderr


@pytest.mark.parametrize("name", ["nowhere", "../sandbox"])
@pytest.mark.parametrize("command", ["up", "preview", "status"])
def test_an_unknown_stack_is_refused_with_the_known_ones_before_anything_starts(invoke, project, command, name):
    result = invoke(command, "--stack", name)
    assert result.exit_code == 1
    assert "use one of sandbox" in result.stderr
    assert sandbox_daemon.find(project.places) is None


def test_a_full_disk_is_one_sentence_and_no_traceback(invoke, monkeypatch):
    def full(self):
        raise OSError(28, "No space left on device", "/state/run.json")

    monkeypatch.setattr(commands.Commands, "up", full)
    result = invoke("up")
    assert result.exit_code == 1
    assert "No space left on device (/state/run.json)" in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_no_command_pays_for_sdks_that_only_a_killed_run_needs():
    program = "import json, sys, tools.deploy.__main__; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert loaded.isdisjoint({"aiohttp", "cloudflare", "grpc", "pulumi", "pydantic"})
