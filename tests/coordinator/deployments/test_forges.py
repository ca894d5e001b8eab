"""Runs at the forges, as their documented lists have them."""

from __future__ import annotations

import pytest

from coordinator import forge_api
from coordinator.deployments.forges import ForgeWatch, GitHubRunList, GitLabPipelineList
from coordinator.deployments.found import GITHUB, GITLAB, KEPT, Run, Runs, keep_runs, runs_in
from coordinator.deployments_settings import DEPLOYING
from coordinator.heartbeats import Heartbeats
from coordinator.watching.archive import Archive
from coordinator.watching.metrics import WatchMetrics
from tests.coordinator.forges import TOKEN, GitHub, GitLab, served

MOMENT = 1_764_500_000.0


def run(number, event="push", status="completed", conclusion="success", **more):
    """As https://docs.github.com/en/rest/actions/workflow-runs has one."""
    return {
        "id": number,
        "event": event,
        "status": status,
        "conclusion": conclusion,
        "head_sha": f"{number:040x}",
        "head_branch": "main",
        "created_at": "2025-11-30T10:53:20Z",
        "run_started_at": "2025-11-30T10:53:30Z",
        "updated_at": "2025-11-30T10:55:20Z",
        "html_url": f"https://github.com/robot/site/actions/runs/{number}",
        **more,
    }


def pipeline(number, source="push", status="success", ref="main", **more):
    """As https://docs.gitlab.com/api/pipelines/#list-project-pipelines has one."""
    return {
        "id": number,
        "iid": 1,
        "project_id": 7,
        "sha": f"{number:040x}",
        "ref": ref,
        "status": status,
        "source": source,
        "created_at": "2025-11-30T10:53:20.055Z",
        "updated_at": "2025-11-30T10:55:20.600Z",
        "web_url": f"https://gitlab.com/robot/sub/site/-/pipelines/{number}",
        "name": None,
        **more,
    }


@pytest.fixture
async def archive(tmp_path):
    async with Archive(tmp_path / "found.sqlite") as found:
        yield found


@pytest.fixture
async def github(archive):
    async with served(GitHub()) as forge:
        source = GitHubRunList(forge_api.github(forge.address, TOKEN), "robot/site", "deploy.yml")
        yield forge, watch(source, archive)
        await source.close()


@pytest.fixture
async def gitlab(archive):
    async with served(GitLab()) as forge:
        source = GitLabPipelineList(forge_api.gitlab(forge.address, TOKEN), "robot/sub/site", "main", DEPLOYING)
        yield forge, watch(source, archive)
        await source.close()


def watch(source, archive):
    found = ForgeWatch(source, archive, WatchMetrics(), Heartbeats(), 60.0)
    found.clock = lambda: MOMENT
    return found


def value(metrics, name, forge):
    return metrics.registry.get_sample_value(name, {"forge": forge})


async def test_runs_of_github_are_read_with_what_started_them_and_how_they_ended(github, archive):
    forge, watching = github
    forge.runs = [
        run(1, "schedule", conclusion="failure"),
        run(2, "workflow_dispatch", conclusion="cancelled"),
        run(3, "repository_dispatch", conclusion="timed_out"),
        run(4, "pull_request"),
        run(5, status="in_progress", conclusion=None),
    ]
    await watching.once()
    found = await runs_in(archive, GITHUB)
    assert [(one.number, one.trigger, one.state) for one in found.runs] == [
        (5, "push", "running"),
        (3, "program", "failed"),
        (2, "hand", "canceled"),
        (1, "schedule", "failed"),
    ]
    newest, oldest = found.runs[0], found.runs[-1]
    assert (newest.ended, oldest.ended - oldest.began) == (None, 110.0)
    assert oldest.url == "https://github.com/robot/site/actions/runs/1"
    assert (found.asked, found.unknown_since) == (MOMENT, None)
    assert value(watching.metrics, "forge_last_run_succeeded", GITHUB) == 0


async def test_github_is_asked_with_the_etag_and_an_unchanged_list_stays_as_it_is(github, archive):
    forge, watching = github
    forge.runs = [run(1)]
    await watching.once()
    await watching.once()
    assert forge.unchanged == 1
    assert [one.number for one in (await runs_in(archive, GITHUB)).runs] == [1]
    forge.runs.append(run(2))
    await watching.once()
    assert forge.unchanged == 1
    assert [one.number for one in (await runs_in(archive, GITHUB)).runs] == [2, 1]


async def test_pipelines_of_gitlab_that_deploy_are_read(gitlab, archive):
    forge, watching = gitlab
    forge.runs = [
        pipeline(70, "trigger"),
        pipeline(71, "schedule"),
        pipeline(72, "merge_request_event"),
        pipeline(73, "web", "running"),
        pipeline(74, ref="topic"),
        pipeline(75, "api", "canceled"),
    ]
    await watching.once()
    found = await runs_in(archive, GITLAB)
    assert [(one.number, one.trigger, one.state) for one in found.runs] == [
        (75, "program", "canceled"),
        (73, "hand", "running"),
        (70, "program", "succeeded"),
    ]
    assert found.runs[-1].ended == pytest.approx(found.runs[-1].began + 120.545)
    assert value(watching.metrics, "forge_last_run_succeeded", GITLAB) == 1


async def test_a_forge_that_is_silent_is_not_known_since_then_and_what_it_said_stays(github, archive, caplog):
    forge, watching = github
    forge.runs = [run(1)]
    await watching.once()
    forge.faults = [503, 401, 503]
    for later in (10, 20, 30):
        watching.clock = lambda later=later: MOMENT + later
        await watching.once()
    found = await runs_in(archive, GITHUB)
    assert (found.unknown_since, found.asked, len(found.runs)) == (MOMENT + 10, MOMENT, 1)
    assert value(watching.metrics, "forge_api_up", GITHUB) == 0
    assert TOKEN not in caplog.text
    await watching.once()
    assert (await runs_in(archive, GITHUB)).unknown_since is None
    assert value(watching.metrics, "forge_api_up", GITHUB) == 1


async def test_the_same_trouble_is_said_once(github, caplog):
    forge, watching = github
    forge.faults = [503, 503, 503]
    for _ in range(3):
        await watching.once()
    assert caplog.text.count("are not known") == 1


async def test_a_forge_that_asks_for_patience_gets_it(github):
    forge, watching = github
    forge.faults = [(429, {"Retry-After": "700"})]
    assert await watching.once() == 700.0
    assert await watching.once() == 0.0


@pytest.mark.parametrize("wrong", [{"html_url": "javascript:alert(1)"}, {"html_url": None}])
async def test_what_is_no_address_of_the_web_is_no_link(github, archive, wrong):
    forge, watching = github
    forge.runs = [run(1, **wrong)]
    await watching.once()
    assert (await runs_in(archive, GITHUB)).runs[0].url == ""


@pytest.mark.parametrize("wrong", [{"head_sha": None, "status": None}, {"run_started_at": "yesterday"}, {"id": "x"}])
async def test_a_list_that_is_not_as_documented_is_not_known(github, archive, wrong):
    forge, watching = github
    listed = run(1, **wrong)
    forge.runs = [{key: given for key, given in listed.items() if given is not None}]
    await watching.once()
    found = await runs_in(archive, GITHUB)
    assert (found.unknown_since, found.runs) == (MOMENT, ())


async def test_runs_are_remembered_beyond_the_list_but_not_for_ever(archive):
    def made(number):
        return Run(number=number, tip="a", trigger="push", state="succeeded", began=1.0)

    found = Runs(forge=GITHUB, runs=tuple(made(number) for number in range(30)))
    assert len(found.with_newer((made(30),), 5.0).runs) == 31
    full = found.with_newer(tuple(made(number) for number in range(100, 140)), 5.0)
    assert (len(full.runs), full.runs[0].number, full.runs[-1].number) == (KEPT, 139, 20)
    await archive.keep_value(f"runs at {GITHUB}", '{"forge": 1')
    assert await runs_in(archive, GITHUB) == Runs(forge=GITHUB)
    await keep_runs(archive, full)
    assert await runs_in(archive, GITHUB) == full
