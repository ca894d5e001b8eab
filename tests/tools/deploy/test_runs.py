"""Whole runs with the real engine on the stand-in project."""

from __future__ import annotations

import json
import os
import signal
import time

import psutil
import pytest
from rich.console import Console

from tools.bootstrap import cache_folder
from tools.deploy import pending, processes, sandbox_daemon
from tools.deploy.engine_process import RUN
from tools.deploy.pending import Fate
from tools.deploy.stack import Stack
from tools.engine.install import ensure

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"{what} did not happen")


def begun(project, name):
    """Start a publication and return when the creation of ``name`` is under way."""
    process = project.start("up")
    wait_for(lambda: f"begin {name}" in project.log(), f"the creation of {name}")
    return process


def engine_of(project):
    return Stack("sandbox", project.places).engine(ensure(cache_folder(), Console()), {"STAND_IN": "yes"})


def row(output, platform):
    line = next(line for line in output.splitlines() if line.startswith(f"│ {platform}"))
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_a_run_publishes_and_the_next_does_nothing(project):
    first = project.run("up")
    assert "stand-in: yes" in first
    assert row(first, "aws") == ["aws", "https://aws.example", "r1", "2", "2.0 kB", "0.5"]
    assert "Site: http://127.0.0.1:1/ (stands for https://www.example.com)" in first
    done = project.log()
    second = project.run("up")
    assert row(second, "aws") == ["aws", "https://aws.example", "r1", "0", "0 bytes", "0.0"]
    assert project.log() == done


def test_a_platform_that_fails_is_named_and_holds_back_no_other(project):
    project.run("up")
    project.behave("r2", fails=["aws-publish"])
    output = project.run("up", expect=1)
    assert row(output, "netlify")[-1] == "ok"
    assert row(output, "netlify")[2] == "r2"
    assert row(output, "aws")[-1] == "failed: old release stays live"
    assert row(output, "aws")[2] == "r1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_lets_what_is_under_way_finish_and_saves_it(project, number):
    project.behave("r1", seconds={"aws-publish": 3})
    process = begun(project, "aws-publish")
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Stopping" in output
    assert "end aws-publish" in project.log()
    assert list(project.places.backend.glob(".pulumi/locks/**/*.json")) == []
    assert not pending.has_pending(Stack("sandbox", project.places).state_file())
    project.behave("r1")
    assert "killed run" not in project.run("up")
    assert project.log().count("begin aws-publish") == 1


def test_nothing_of_a_killed_run_goes_on_and_the_next_run_repairs_and_finishes_it(project):
    project.behave("r1", seconds={"aws-publish": 60})
    process = begun(project, "aws-publish")
    identity = json.loads((project.places.state / "run.json").read_text())["id"]
    project.kill(process)
    wait_for(lambda: not list(processes.carrying(RUN, identity)), "the end of the killed run's processes")
    assert sandbox_daemon.find(project.places) is not None
    project.behave("r1")
    output = project.run("up")
    assert "Removed the lock" in output
    assert "was creating publisher:index:Publish aws-publish" in output
    assert row(output, "aws")[2] == "r1"
    assert "killed run" not in project.run("up")


def test_the_engine_ends_when_only_the_command_is_killed(project):
    project.behave("r1", seconds={"aws-publish": 60})
    process = begun(project, "aws-publish")
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=30)
    _, alive = psutil.wait_procs(children, timeout=30)
    assert [found for found in alive if found.pid != sandbox_daemon.find(project.places).pid] == []


def test_a_second_run_meanwhile_is_refused_with_the_first_ones_process(project):
    project.behave("r1", seconds={"aws-publish": 60})
    process = begun(project, "aws-publish")
    assert f"process {process.pid}" in project.run("up", expect=1)
    project.kill(process)


def killed_while_creating(project):
    """Engine of a stack whose last run was killed when only this one creation was under way."""
    project.behave("r1", seconds={"aws-publish": 60})
    process = begun(project, "aws-publish")
    wait_for(lambda: "netlify-verify" in made(project), "the end of all other creations")
    wait_for(lambda: under_way(project) == ["aws-publish"], "the end of all other creations")
    project.kill(process)
    for lock in project.places.backend.glob(".pulumi/locks/**/*.json"):
        lock.unlink()
    return engine_of(project)


def under_way(project):
    """Names of the operations that the state says have begun and not ended."""
    return [name_of(operation["resource"]) for operation in latest(project).get("pending_operations") or []]


def made(project):
    """Names of the resources that are in the state."""
    return [name_of(resource) for resource in latest(project).get("resources") or []]


def name_of(resource):
    return resource["urn"].rsplit("::", 1)[-1]


def latest(project):
    (state,) = (project.places.backend / ".pulumi" / "stacks").rglob("sandbox.json")
    return json.loads(state.read_text("utf-8"))["checkpoint"]["latest"] or {}


def test_a_resource_that_was_made_is_taken_over_with_what_a_refresh_reads(project):
    engine = killed_while_creating(project)
    found = pending.repair(engine, lambda kind, inputs: f"found-{inputs['platform']}")
    assert [(one.name, one.fate) for one in found] == [("aws-publish", Fate.ADOPTED)]
    state = json.loads(engine.ask("stack", "export"))["deployment"]
    taken = next(resource for resource in state["resources"] if resource["urn"].endswith("aws-publish"))
    assert taken["id"] == "found-aws"
    assert taken["outputs"]["readFrom"] == "found-aws"
    assert "pending_operations" not in state
    before = project.log().count("begin aws-publish")
    project.behave("r1")
    project.run("up")
    assert project.log().count("begin aws-publish") == before


def test_a_resource_that_turns_out_to_be_absent_is_made(project):
    engine = killed_while_creating(project)
    pending.repair(engine, lambda kind, inputs: "absent")
    project.behave("r1")
    assert row(project.run("up"), "aws")[2] == "r1"


def test_the_callers_own_accounts_are_out_of_sight_of_the_sandbox(project, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "real")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://real")
    environment = engine_of(project).environment
    assert "AWS_PROFILE" not in environment
    assert "CLOUDFLARE_API_TOKEN" not in environment
    assert environment["PULUMI_BACKEND_URL"].startswith(f"{project.places.backend.as_uri()}?")


def test_the_engine_writes_no_file_of_its_state_in_place(project):
    project.behave("r1")
    project.run("up")
    written = [path.name for path in (project.places.backend / ".pulumi").rglob("*") if path.is_file()]
    assert "sandbox.json" in written
    assert [name for name in written if name.endswith(".attrs")] == []
