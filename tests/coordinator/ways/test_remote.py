"""A pipeline at GitLab and a workflow at GitHub: started, followed, found again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from coordinator import forge_api
from coordinator.history import Deployment, Outcome
from coordinator.ways.following import Pace
from coordinator.ways.github_dispatch import GitHubDispatch, key_of
from coordinator.ways.gitlab_pipeline import GitLabPipeline
from tests.coordinator.forges import TOKEN, TRIGGER, GitHub, GitLab, served
from tests.coordinator.waiting import until

TIP = "a" * 40
PACE = Pace(look=0.02, limit=5.0)
ORDER = Deployment(3, "site", 1, TIP, 3, 1, "", "", 0.0, None, Outcome.RUNNING, "", ())


class Remote:
    """A way, its forge, and what the way has noted."""

    def __init__(self, forge, way):
        self.forge = forge
        self.way = way
        self.notes = []
        self.stop = asyncio.Event()

    async def deploy(self, order=ORDER):
        async def note(handle):
            self.notes.append(handle)

        return await asyncio.wait_for(self.way.deploy(order, note, self.stop), 10)

    async def run(self):
        """The forge's own run, once it is there."""
        await until(lambda: self.forge.runs)
        return self.forge.runs[-1]

    async def ends(self, well):
        run = await self.run()
        if isinstance(self.forge, GitHub):
            run.update(status="completed", conclusion="success" if well else "cancelled")
        else:
            run.update(status="success" if well else "canceled")


@pytest.fixture(params=["github", "gitlab"])
async def remote(request):
    async with served(GitHub() if request.param == "github" else GitLab()) as forge:
        if request.param == "github":
            way = GitHubDispatch(forge_api.github(forge.address, TOKEN), "robot/site", "prod", PACE, appears=5.0)
        else:
            way = GitLabPipeline(
                forge_api.gitlab(forge.address, TOKEN, TRIGGER), "robot/sub/site", "main", TRIGGER, "prod", PACE
            )
        yield Remote(forge, way)
        await way.close()


@pytest.mark.parametrize(("well", "outcome"), [(True, Outcome.DEPLOYED), (False, Outcome.FAILED)])
async def test_a_run_is_started_with_the_tip_and_followed_to_its_end(remote, well, outcome):
    result, _ = await asyncio.gather(remote.deploy(), remote.ends(well))
    assert result.outcome is outcome
    (run,) = remote.forge.runs
    if isinstance(remote.forge, GitHub):
        assert run["event_type"] == "content-updated"
        assert run["client_payload"] == {"commit": TIP, "stack": "prod", "deployment": key_of(ORDER)}
    else:
        wanted = {"CONTENT_COMMIT": TIP, "CONTENT_STACK": "prod", "CONTENT_DEPLOYMENT": "3"}
        assert (run["ref"], run["variables"]) == ("main", wanted)


async def test_a_run_that_was_begun_before_a_crash_is_taken_up_and_not_started_again(remote):
    cut_off = asyncio.create_task(remote.deploy())
    await remote.run()
    await until(lambda: remote.notes and not remote.notes[-1].startswith("after:"))
    cut_off.cancel()
    result, _ = await asyncio.gather(remote.deploy(replace(ORDER, handle=remote.notes[-1])), remote.ends(well=True))
    assert (result.outcome, len(remote.forge.runs)) == (Outcome.DEPLOYED, 1)


async def test_a_stop_leaves_the_run_alone(remote):
    following = asyncio.create_task(remote.deploy())
    await remote.run()
    remote.stop.set()
    assert (await following).outcome is Outcome.INTERRUPTED


async def test_a_forge_that_fails_while_a_run_is_followed_is_asked_again(remote):
    following = asyncio.create_task(remote.deploy())
    await remote.run()
    remote.forge.faults = [500, "lost", (429, {"Retry-After": "0"})]
    await asyncio.sleep(0.1)
    await remote.ends(well=True)
    assert (await following).outcome is Outcome.DEPLOYED


async def test_what_cannot_be_started_is_a_failure_that_says_why_without_secrets(remote):
    remote.forge.faults = [422] * 5
    result = await remote.deploy()
    assert (result.outcome, "422" in result.said) == (Outcome.FAILED, True)
    assert TOKEN not in result.said


async def test_a_run_that_never_ends_is_given_up(remote):
    remote.way = replace(remote.way, pace=Pace(look=0.02, limit=0.3))
    result = await remote.deploy()
    assert (result.outcome, "did not end within" in result.said) == (Outcome.FAILED, True)


@pytest.fixture
async def dispatch():
    async with served(GitHub()) as forge:
        way = GitHubDispatch(forge_api.github(forge.address, TOKEN), "robot/site", "prod", PACE, appears=0.3)
        yield Remote(forge, way)
        await way.close()


async def test_an_event_that_makes_no_run_is_a_failure(dispatch, monkeypatch):
    result = await dispatch.deploy(replace(ORDER, handle="after:0"))
    assert (result.outcome, "no run of content-updated appeared" in result.said) == (Outcome.FAILED, True)


async def test_a_run_that_names_the_deployment_is_told_apart_from_another_one(dispatch):
    other = {"id": 5, "status": "queued", "display_title": "Publish something else"}
    ours = {"id": 6, "status": "completed", "conclusion": "success", "display_title": f"Publish {key_of(ORDER)}"}
    dispatch.forge.runs += [other, ours]
    result = await dispatch.deploy(replace(ORDER, handle="after:4"))
    assert (result.outcome, dispatch.notes) == (Outcome.DEPLOYED, ["run:6"])
