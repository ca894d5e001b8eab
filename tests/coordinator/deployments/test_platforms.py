from __future__ import annotations

import json

import pytest

from coordinator.deployments.found import told_in
from coordinator.deployments.platforms import PlatformWatch
from coordinator.heartbeats import Heartbeats
from coordinator.project_program import NoAnswer
from coordinator.watching.archive import Archive
from coordinator.watching.metrics import WatchMetrics

MADE = {"id": "dpl_1", "state": "READY", "phase": "ready", "made": "2025-11-30T10:53:20+00:00", "release": "r1"}


class Asked:
    """The project's program; ``said`` is its next answer."""

    def __init__(self, archive):
        self.said, self.now = [], 100.0
        self.watch = PlatformWatch(
            self.ask, ("vercel", "aws"), archive, WatchMetrics(), Heartbeats(), lambda: 60.0, lambda: self.now
        )

    async def ask(self):
        if isinstance(self.said, Exception):
            raise self.said
        return self.said if isinstance(self.said, str) else json.dumps(self.said)

    def value(self, name, target):
        return self.watch.metrics.registry.get_sample_value(name, {"target": target})


@pytest.fixture
async def archive(tmp_path):
    async with Archive(tmp_path / "found.sqlite") as found:
        yield found


@pytest.fixture
def asked(archive):
    return Asked(archive)


def said(name, deployment=None, error=None):
    return {"name": name, "deployment": deployment, "error": error}


async def test_what_each_platform_says_is_kept_and_measured(asked, archive):
    asked.said = [said("vercel", MADE), said("aws", {**MADE, "phase": "failed", "made": None, "release": None})]
    await asked.watch.once()
    found = await told_in(archive)
    assert list(found) == ["vercel", "aws"]
    assert (found["vercel"].newest.made, found["vercel"].asked) == (1_764_500_000.0, 100.0)
    assert (found["aws"].newest.phase, found["aws"].newest.release) == ("failed", "")
    assert asked.value("platform_deployment_ready", "vercel") == 1
    assert asked.value("platform_deployment_ready", "aws") == 0
    assert asked.value("platform_deployment_timestamp_seconds", "vercel") == 1_764_500_000.0


async def test_a_platform_whose_api_is_unreachable_is_not_known_since_then(asked, archive):
    asked.said = [said("vercel", MADE), said("aws", MADE)]
    await asked.watch.once()
    asked.said = [said("vercel", MADE), said("aws", error="aws: refused")]
    for later in (200.0, 300.0):
        asked.now = later
        await asked.watch.once()
    found = await told_in(archive)
    assert (found["aws"].unknown_since, found["aws"].asked, found["aws"].newest.id) == (200.0, 100.0, "dpl_1")
    assert (found["vercel"].unknown_since, found["vercel"].asked) == (None, 300.0)
    assert asked.value("platform_api_up", "aws") == 0
    asked.said = [said("vercel", MADE), said("aws", MADE)]
    await asked.watch.once()
    assert (await told_in(archive))["aws"].unknown_since is None
    assert asked.value("platform_api_up", "aws") == 1


@pytest.mark.parametrize("wrong", [NoAnswer("no answer within 120 s"), "<html>", [{"deployment": MADE}], {"name": 1}])
async def test_where_the_program_cannot_be_asked_no_platform_is_known(asked, archive, wrong, caplog):
    asked.said = wrong
    await asked.watch.once()
    await asked.watch.once()
    assert {one.unknown_since for one in (await told_in(archive)).values()} == {100.0}
    assert caplog.text.count("is not known") == 1


async def test_a_platform_without_a_deployment_is_known_to_have_none(asked, archive):
    asked.said = [said("vercel"), said("aws", {**MADE, "phase": "dancing"})]
    await asked.watch.once()
    found = await told_in(archive)
    assert (found["vercel"].newest, found["vercel"].unknown_since) == (None, None)
    assert found["aws"].newest.phase == "unknown"
