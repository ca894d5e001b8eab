"""Reports to both forges, through failures, on real sockets."""

from __future__ import annotations

import asyncio
import time

import pytest

from coordinator import forge_api
from coordinator.forge_api import ForgeTrouble
from coordinator.history import History, HostResult, Outcome, Result
from coordinator.metrics import Metrics
from coordinator.reports import Telling
from coordinator.reports.github import GitHubReporter
from coordinator.reports.gitlab import GitLabReporter
from coordinator.reports.sender import Sender
from tests.coordinator.forges import TOKEN, GitHub, GitLab, served
from tests.coordinator.waiting import until

TIP = "a" * 40
WELL = HostResult("aws", "https://aws.example", "r1")
DOWN = HostResult("netlify", "https://netlify.example", "r0", "failed: old release stays live")
FAILED = Result(Outcome.FAILED, "failed on netlify", (WELL, DOWN))
DEPLOYED = Result(Outcome.DEPLOYED, "published and verified", (WELL, HostResult("netlify", "", "r1")))


@pytest.fixture
async def history(tmp_path):
    async with History(tmp_path / "history") as opened:
        yield opened


@pytest.fixture(params=["github", "gitlab"])
async def told(request, history):
    """A forge, and a way to send all that it is to be told."""
    kind = GitHub if request.param == "github" else GitLab
    async with served(kind()) as forge:
        if request.param == "github":
            reporter = GitHubReporter(forge_api.github(forge.address, TOKEN), "robot/site", "production")
        else:
            api = forge_api.gitlab(forge.address, TOKEN)
            reporter = GitLabReporter(api, "robot/sub/site", "production", "main")
        yield Told(forge, reporter, history)
        await reporter.close()


class Told:
    def __init__(self, forge, reporter, history):
        self.forge = forge
        self.history = history
        self.telling = Telling([reporter.name], ["aws", "netlify"])
        self.sender = Sender(reporter, history, Metrics(), pause=0.01, longest_pause=0.05)
        self.name = reporter.name
        self.deployment = None

    async def begin(self):
        self.deployment = await self.history.begin("site", 1, TIP, "up", self.deployment)
        if self.deployment.attempt == 1:
            await self.history.tell(self.telling.begun(self.deployment))

    async def end(self, result, *, final=False):
        reports = self.telling.ended(self.deployment, result, final=final, of=5)
        await self.history.end(self.deployment.id, result, reports)
        self.deployment = await self.history.deployment(self.deployment.id)

    async def send(self):
        """As the task does, through all failures."""
        running = asyncio.create_task(self.sender.run())
        try:
            await until(self.nothing_waits)
        finally:
            running.cancel()

    async def nothing_waits(self):
        return not await self.history.waiting(self.name)

    def states(self):
        """Environment → what it was told, one after the other."""
        return {one["environment"]: one["states"] for one in self.forge.deployments}

    def commit(self):
        return [(one["sha"], one["state"]) for one in self.forge.statuses]


async def test_each_platform_is_an_environment_and_the_commit_has_a_status(told):
    await told.begin()
    await told.send()
    await told.end(DEPLOYED)
    await told.send()
    running = "in_progress" if told.name == "github" else "running"
    assert told.states() == {f"production/{name}": [running, "success"] for name in ("aws", "netlify")}
    assert [state for _, state in told.commit()] == ["pending" if told.name == "github" else "running", "success"]
    assert {sha for sha, _ in told.commit()} == {TIP}


async def test_a_failure_names_the_platform_and_is_final_only_when_nothing_follows(told):
    bad = "failure" if told.name == "github" else "failed"
    await told.begin()
    await told.end(FAILED)
    await told.send()
    assert told.states()["production/aws"][-1] == "success"
    assert told.states()["production/netlify"][-1] in {"in_progress", "running"}
    assert told.commit()[-1][1] in {"pending", "running"}
    await told.begin()
    await told.end(FAILED, final=True)
    await told.send()
    assert (told.states()["production/aws"][-1], told.states()["production/netlify"][-1]) == ("success", bad)
    assert told.commit()[-1][1] == bad
    assert len(told.forge.deployments) == 2, "attempts at one tip are one deployment each"


@pytest.mark.parametrize("fault", [500, 502, 401, (429, {"Retry-After": "0"}), "lost"])
async def test_a_forge_that_fails_once_is_told_again_and_nothing_is_made_twice(told, fault):
    for place in range(6):
        told.forge.faults = [None] * place + [fault]
        await told.begin()
        await told.send()
        told.forge.faults = [None] * place + [fault]
        await told.end(DEPLOYED)
        await told.send()
        made = [one for one in told.forge.deployments if one["environment"] == "production/netlify"]
        assert len(made) == place + 1
        assert made[-1]["states"][-1] == "success"
        told.deployment = None
        told.forge.faults = []


async def test_a_forge_that_was_down_is_told_how_things_are_not_all_that_has_happened(told):
    await told.begin()
    for _ in range(20):
        await told.end(FAILED)
        await told.begin()
    await told.end(DEPLOYED)
    assert await told.history.waiting(told.name) == 3
    await told.send()
    assert told.states()["production/netlify"][-1] == "success"
    assert len(told.states()["production/netlify"]) <= 2


async def test_what_a_forge_refuses_for_good_is_given_up_and_said_without_secrets(told, caplog):
    told.forge.faults = [422] * 3
    await told.begin()
    await told.send()
    assert "is given up" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_superseded_tip_is_told_so_where_it_is_not_live(told):
    await told.begin()
    await told.end(FAILED)
    await told.history.tell(told.telling.superseded(told.deployment, "b" * 40))
    await told.send()
    assert told.states()["production/aws"][-1] == "success"
    assert told.states()["production/netlify"][-1] in {"error", "failed"}
    assert told.commit()[-1][1] in {"error", "failed"}


async def test_what_waits_survives_a_restart(tmp_path):
    telling = Telling(["github"], ["aws"])
    async with History(tmp_path / "h") as history:
        await history.tell(telling.begun(await history.begin("site", 1, TIP, "up")))
        first = await history.next_report("github")
    async with History(tmp_path / "h") as history:
        assert await history.next_report("github") == first
        assert await history.waiting("github") == 2


@pytest.mark.parametrize(
    ("headers", "patience"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "86400000"}, 3600.0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}, 3600.0),
    ],
)
async def test_the_patience_a_forge_asks_for_is_understood_and_bounded(headers, patience):
    async with served(GitHub(faults=[(429, headers)])) as forge:
        api = forge_api.github(forge.address, TOKEN)
        with pytest.raises(ForgeTrouble) as raised:
            await api.ask("GET", "repos/robot/site/deployments")
        await api.close()
    assert (raised.value.patience, raised.value.final) == (patience, False)
    assert TOKEN not in str(raised.value)


async def test_a_date_in_the_future_is_waited_for():
    moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    async with served(GitHub(faults=[(429, {"Retry-After": moment})])) as forge:
        api = forge_api.github(forge.address, TOKEN)
        with pytest.raises(ForgeTrouble) as raised:
            await api.ask("GET", "repos/robot/site/deployments")
        await api.close()
    assert raised.value.patience == pytest.approx(30, abs=3)


async def test_a_forge_that_is_not_there_is_trouble_that_may_pass():
    api = forge_api.github("http://127.0.0.1:9", TOKEN)
    with pytest.raises(ForgeTrouble, match="GitHub does not answer") as raised:
        await api.ask("GET", "repos/robot/site/deployments")
    await api.close()
    assert not raised.value.final
