"""The publication as a real child process."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace

import pytest

from coordinator.history import Deployment, HostResult, Outcome
from coordinator.ways.up import Up, project_command
from tests.coordinator.delivering import Publishing
from tests.coordinator.waiting import until

TIP = "a" * 40
ORDER = Deployment(7, "site", 1, TIP, 7, 1, "up", "", 0.0, None, Outcome.RUNNING, "", ())


async def note(_):
    raise AssertionError("it needs no handle")


@pytest.fixture
def publishing(tmp_path):
    return Publishing(tmp_path / "live")


@pytest.fixture
def up(tmp_path, publishing):
    return Up(
        command=publishing.command,
        folder=tmp_path,
        state=tmp_path / "state",
        content_at=lambda commit: f"file:///site.git#{commit}",
        patience=0.2,
        withheld=frozenset({"SITE_SECRET"}),
        environment={**os.environ, "SITE_SECRET": "planted", "MAKELEVEL": "1"},
    )


def scripted(up, script):
    return replace(up, command=[sys.executable, "-c", script])


async def test_it_publishes_the_tip_and_says_what_became_of_each_platform(up, publishing):
    result = await up.deploy(ORDER, note, asyncio.Event())
    assert (result.outcome, publishing.live) == (Outcome.DEPLOYED, TIP)
    assert result.hosts == tuple(HostResult(name, f"https://{name}.example", "r0") for name in ("aws", "netlify"))
    assert (up.state / "7.log").read_text() == f"published {TIP}\n"
    assert not (up.state / "7.json").exists()


async def test_a_failure_names_the_platforms_that_have_it(up, publishing):
    publishing.switch("fails", "")
    result = await up.deploy(ORDER, note, asyncio.Event())
    assert (result.outcome, result.said) == (Outcome.FAILED, "failed on netlify")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(3)", "the publication ended with code 3"),
        ("import os; os.kill(os.getpid(), 9)", "the publication ended by signal 9"),
        (
            "import os; open(os.environ['PEACEFULROBOT_OUTCOME'], 'w').write('{'); raise SystemExit(1)",
            "the publication ended with code 1",
        ),
    ],
)
async def test_a_publication_that_breaks_off_is_a_failure(up, script, said):
    result = await scripted(up, script).deploy(ORDER, note, asyncio.Event())
    assert (result.outcome, result.said, result.hosts) == (Outcome.FAILED, said, ())


async def test_a_program_that_is_not_there_is_a_failure(up):
    result = await replace(up, command=["/nowhere/publish"]).deploy(ORDER, note, asyncio.Event())
    assert (result.outcome, result.said) == (
        Outcome.FAILED,
        "the publication cannot be started: No such file or directory",
    )


async def test_the_child_has_a_group_of_its_own_and_none_of_the_coordinators_secrets(up):
    script = "import os; print(os.getpgrp() == os.getpid(), 'SITE_SECRET' in os.environ, 'MAKELEVEL' in os.environ)"
    await scripted(up, script).deploy(ORDER, note, asyncio.Event())
    assert (up.state / "7.log").read_text() == "True False False\n"


async def test_a_stop_waits_then_asks_once_and_waits_on(up, tmp_path):
    script = """
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("ready", flush=True)
while not asked:
    time.sleep(0.01)
time.sleep(0.3)
print("asked", len(asked), flush=True)
sys.exit(1)
"""
    stop = asyncio.Event()
    running = asyncio.create_task(scripted(up, script).deploy(ORDER, note, stop))
    log = up.state / "7.log"
    await until(lambda: log.exists() and "ready" in log.read_text())
    stop.set()
    assert (await running).outcome is Outcome.INTERRUPTED
    assert log.read_text() == "ready\nasked 1\n"


async def test_what_has_ended_well_before_the_patience_is_deployed_all_the_same(up, publishing):
    stop = asyncio.Event()
    publishing.switch("slow", "0.3")
    running = asyncio.create_task(replace(up, patience=20.0).deploy(ORDER, note, stop))
    await until(lambda: publishing.lines("begun"))
    stop.set()
    assert (await running).outcome is Outcome.DEPLOYED


async def test_two_never_run_side_by_side_and_a_stop_ends_the_waiting(up, publishing):
    publishing.switch("slow", "0.5")
    first = asyncio.create_task(up.deploy(ORDER, note, asyncio.Event()))
    await until(lambda: publishing.lines("begun"))
    stop = asyncio.Event()
    second = asyncio.create_task(up.deploy(replace(ORDER, id=8), note, stop))
    await asyncio.sleep(0.1)
    stop.set()
    assert (await second).outcome is Outcome.INTERRUPTED
    assert (await first).outcome is Outcome.DEPLOYED
    assert publishing.lines("begun") == [TIP]


async def test_twenty_logs_are_kept(up, publishing):
    up.state.mkdir()
    for number in range(30):
        (up.state / f"old{number}.log").write_text("")
    await up.deploy(ORDER, note, asyncio.Event())
    assert len(list(up.state.glob("*.log"))) == 20


def test_by_default_it_is_the_projects_own_command():
    assert project_command("prod")[1:] == ["-m", "tools.deploy", "up", "--stack", "prod"]
