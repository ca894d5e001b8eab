"""``make alert-test`` as a user runs it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys

import pytest
import yaml
from aiohttp import web

from coordinator.alerts.__main__ import tried
from coordinator.errors import Refused
from coordinator.places import ROOT
from tests.coordinator.alerts.forms import TOKEN, MastodonTwin, MatrixTwin, listening


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose stack ``test`` has these alerts."""
    monkeypatch.setattr("coordinator.places.ROOT", tmp_path)

    def write(alerts):
        (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
        given = {
            "cloudflareAccountId": "a" * 32,
            "cloudflareZoneId": "b" * 32,
            "coordinator": {"watching": {}, "alerts": alerts},
        }
        config = {f"peacefulrobot-infra:{key}": value for key, value in given.items()}
        (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}), "utf-8")
        return tmp_path

    return write


async def alert_test(checkout):
    """Run it in a process of its own."""
    script = (
        "import sys, pathlib; from coordinator import places; places.ROOT = pathlib.Path(sys.argv.pop(1)); "
        "from coordinator.alerts.__main__ import main; main()"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(checkout), "--stack", "test"),
        env={**os.environ, "ROBOT": TOKEN, "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_each_channel_says_what_came_of_it_and_one_that_fails_is_told_by_the_exit_code(checkout):
    matrix, mastodon = MatrixTwin(), MastodonTwin()
    mastodon.answer = web.json_response({"error": "The access token is invalid"}, status=401)
    async with listening(matrix.app()) as matrix_url, listening(mastodon.app()) as mastodon_url:
        alerts = {
            "matrix": {"homeserver": matrix_url, "room": matrix.room, "token": "env:ROBOT"},
            "mastodon": {"instance": mastodon_url, "token": "env:ROBOT"},
            "webhook": {"url": "http://127.0.0.1:9/hook"},
        }
        code, out, err = await alert_test(checkout(alerts))
    assert code == 1, err
    lines = out.splitlines()
    assert re.fullmatch(r"matrix    taken after \d+\.\d s", lines[0])
    assert lines[1] == (
        "mastodon  not taken: the Mastodon instance answered 401: its token is not valid (any more). "
        "See coordinator.alerts.mastodon and docs/alerts.md"
    )
    assert lines[2].startswith("webhook   not taken: the webhook's address was not reached (ConnectError)")
    (event,) = matrix.events.values()
    assert event["body"].startswith("www.peacefulrobot.com: test of the alerts")
    assert TOKEN not in out + err


async def test_when_all_take_it_it_ends_well_and_strangers_do_not_see_the_test(checkout):
    mastodon = MastodonTwin()
    async with listening(mastodon.app()) as url:
        code, out, err = await alert_test(checkout({"mastodon": {"instance": url, "token": "env:ROBOT"}}))
    assert (code, err) == (0, "")
    assert out.startswith("mastodon  taken after ")
    (status,) = mastodon.statuses.values()
    assert status["visibility"] == "direct"
    assert json.dumps(status).count("test of the alerts") == 1


async def test_a_stack_without_a_channel_is_refused_with_what_to_do(checkout):
    checkout({})
    with pytest.raises(Refused, match=r"sets up no alert channel.*docs/alerts.md"):
        await tried("test")
