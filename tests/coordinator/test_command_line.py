"""The command line as a user runs it, beside a sandbox on real sockets."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from coordinator.places import ROOT
from tests.coordinator.test_recovery import share, site_world, until_share
from tests.sandbox.cloudflare.small_world import OriginSite


@pytest.fixture
async def world(tmp_path):
    async with site_world(tmp_path / "world", OriginSite("one"), OriginSite("two")) as found:
        yield found


class Process:
    def __init__(self, process):
        self.process = process
        self.lines = []

    async def line(self, words):
        """The next line of its log with the words."""
        while True:
            text = (await self.process.stderr.readline()).decode()
            assert text, f"it ended; its log: {''.join(self.lines)}"
            self.lines.append(text)
            if words in text:
                return text

    async def end(self):
        output = (await self.process.stderr.read()).decode()
        return await self.process.wait(), "".join(self.lines) + output


@pytest.fixture
async def start(tmp_path):
    started = []

    async def begin(*arguments):
        environment = {**os.environ, "PEACEFULROBOT_STATE": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "coordinator", *arguments),
            cwd=ROOT,
            env=environment,
            stderr=asyncio.subprocess.PIPE,
        )
        started.append(process)
        return Process(process)

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_killed_and_started_again_it_goes_on_and_a_second_one_is_turned_away(world, start):
    first = await start("--sandbox")
    await world.fault("one")
    await first.line("one: 100 % → 0 %: down (")
    second = await start("--sandbox", "--once")
    code, log = await second.end()
    assert (code, "holds" in log, "Traceback" in log) == (1, True, False)
    await world.heal("one")
    await first.line("one: 0 % → 5 %")
    first.process.kill()
    await first.process.wait()
    assert await share(world, "one") == 5
    third = await start("--sandbox")
    await third.line("one: 5 % → 25 %")
    await until_share(world, "one", 100)
    third.process.terminate()
    code, log = await third.end()
    assert (code, "Traceback" in log) == (0, False)


async def test_a_dry_run_says_what_it_would_do_and_does_not_do_it(world, start):
    await world.fault("one")
    await world.health("site.one.example", "unhealthy")
    code, log = await (await start("--sandbox", "--once", "--dry-run")).end()
    assert (code, "dry run, nothing is set: one: 100 % → 0 %: down (" in log) == (0, True)
    assert await share(world, "one") == 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name one stack"),
        (("--sandbox", "--stack", "prod"), "name one stack"),
        (("--stack", "nowhere"), "there is no stack 'nowhere'"),
        (("--sandbox", "--once"), "no sandbox runs on"),
    ],
)
async def test_what_is_missing_is_said_in_one_sentence(start, arguments, words):
    code, log = await (await start(*arguments)).end()
    assert code in {1, 2}
    assert words in log
    assert "Traceback" not in log
