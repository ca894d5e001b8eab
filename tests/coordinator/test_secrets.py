"""Recognisable secrets in every place that holds one; none may come out anywhere."""

from __future__ import annotations

import base64
import os
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest

from tests.coordinator.delivering import SECRET, Coordinator, Publishing, Site
from tests.coordinator.forges import TOKEN, TRIGGER, GitHub, GitLab, served
from tests.coordinator.waiting import until

SIGNING = "whsec_" + base64.b64encode(b"planted-signing-key-0123456789ab").decode()
PLANTED = {SECRET, TOKEN, TRIGGER, SIGNING, SIGNING.removeprefix("whsec_"), "planted"}


def texts_of(folder: Path):
    for path in folder.rglob("*"):
        if path.is_file() and "checkout" not in path.parts:
            yield path, path.read_bytes().decode("latin-1")


def command_lines(process: subprocess.Popen[bytes]):
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    return [" ".join(one.cmdline()) for one in family]


@pytest.mark.parametrize("way", ["up", "gitlab-pipeline", "github-dispatch"])
async def test_no_secret_in_log_state_process_list_report_or_answer(tmp_path, way):
    site, publishing = Site(tmp_path), Publishing(tmp_path / "live")
    publishing.switch("slow", "0.5")
    tokens = tmp_path / "checkout-secrets"
    async with AsyncExitStack() as held:
        github = await held.enter_async_context(served(GitHub(faults=[500, None, 422, 401])))
        gitlab = await held.enter_async_context(served(GitLab(faults=[502, None, 400, 403])))
        made = Coordinator(tmp_path, site, publishing, **settings(github, gitlab, way, publishing))
        tokens = made.root / "token"
        tokens.write_text(TOKEN)
        made.environment |= {"SITE_SIGNING_KEY": SIGNING, "SITE_TRIGGER": TRIGGER, "SITE_TOKEN": TOKEN}
        made.start(wait=False)
        try:
            await until(lambda: tmp_path.joinpath("coordinator.log").stat().st_size and listening(made), 20)
            lines = await pushed_and_done(made, way, github, gitlab, publishing)
        finally:
            made.process.terminate()
            await until(lambda: made.process.poll() is not None, 20)
        said = [*lines, *github_bodies(github), *gitlab_bodies(gitlab)]
    said += [f"{path}: {text}" for path, text in texts_of(tmp_path)]
    found = {secret for secret in PLANTED for text in said if secret in text}
    assert found == set()
    assert len(said) > 10


def settings(github, gitlab, way, publishing):
    token = "file:token"
    return {
        "deploy": way,
        "up": {"command": publishing.command if way == "up" else []},
        "webhooks": {
            "github": {"repository": "robot/site", "secret": "env:SITE_WEBHOOK_SECRET"},
            "gitlab": {"project": "robot/sub/site", "signingKey": "env:SITE_SIGNING_KEY"},
        },
        "gitlabPipeline": {
            "api": gitlab.address,
            "project": "robot/sub/site",
            "triggerToken": "env:SITE_TRIGGER",
            "token": token,
        },
        "githubDispatch": {"api": github.address, "repository": "robot/site", "token": "env:SITE_TOKEN"},
        "reports": {
            "github": {"api": github.address, "repository": "robot/site", "token": token},
            "gitlab": {"api": gitlab.address, "project": "robot/sub/site", "token": token},
        },
    }


def listening(made):
    connections = psutil.Process(made.process.pid).net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN for one in connections)


async def pushed_and_done(made, way, github, gitlab, publishing):
    """Push, forge a push, let a run begin; returns what was answered and how the processes show themselves."""
    assert made.push("1") == 202
    answers = [str(made.push("2")), made.get("/healthz").text]
    if way == "up":
        await until(lambda: publishing.lines("begun"), 20)
        child = next(
            one for one in psutil.Process(made.process.pid).children() if "publishing" in " ".join(one.cmdline())
        )
        assert not {"SITE_WEBHOOK_SECRET", "SITE_SIGNING_KEY", "SITE_TRIGGER"} & child.environ().keys()
    else:
        forge = github if way == "github-dispatch" else gitlab
        await until(lambda: forge.runs, 30)
    answers += command_lines(made.process)
    await until(lambda: github.statuses and gitlab.statuses, 30)
    return [*answers, made.get("/metrics").text, made.get("/healthz").text]


def github_bodies(forge):
    return list(forge.bodies)


def gitlab_bodies(forge):
    """Without the one place where GitLab wants the trigger token."""
    return [body.replace(TRIGGER, "…") if '"ref"' in body and '"variables"' in body else body for body in forge.bodies]


def test_the_test_itself_would_find_a_secret_in_a_file(tmp_path):
    (tmp_path / "x.sqlite").write_bytes(b"\0\xff" + SECRET.encode() + os.urandom(4))
    assert [SECRET in text for _, text in texts_of(tmp_path)] == [True]
