"""The receiver over HTTP under everything that a stranger or a bad day may send, and who tests what."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import socket
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from coordinator.queue import DeployQueue
from coordinator.receiver import Receiver, github, gitlab
from coordinator.server import serve
from coordinator.signatures import GitHubSecret, GitLabSigning
from tests.coordinator.test_pushes import JSON
from tests.coordinator.test_receiver import (
    GITLAB_PUSH,
    PUSH,
    SECRET,
    TARGETS,
    headers_of,
    push,
    running,
    send,
    signature,
)

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
BODY = json.dumps(PUSH).encode()

#: What a receiver must be tested for, and where it is. A test that is renamed or removed fails the last test here.
REQUIREMENTS = {
    1: "test_receiver_hostile.test_a_signed_push_is_accepted_within_50_ms_while_a_deployment_keeps_the_machine_busy",
    2: "test_receiver_hostile.test_no_other_signature_gets_in_and_the_body_is_not_read",
    3: "test_receiver.test_the_signature_covers_the_raw_bytes",
    4: "test_receiver_hostile.test_gitlabs_signing_by_time_rotation_and_without_the_weaker_token",
    5: "test_receiver.test_a_body_that_is_too_large_is_refused_however_it_is_announced",
    6: "test_receiver.test_a_slow_body_is_given_up_while_others_are_served",
    7: "test_receiver.test_the_same_delivery_twice_is_one_job",
    8: "test_delivery.test_fifty_pushes_during_a_deployment_make_exactly_one_more_of_the_newest",
    9: "test_delivery.test_killed_during_a_deployment_it_waits_for_that_and_notes_it_and_deploys_again",
    10: "test_receiver.test_what_is_authentic_and_not_deployed_here_is_no_failure",
    11: "test_receiver_hostile.test_no_authentic_body_whatever_makes_a_server_error",
    12: "test_receiver.test_no_log_line_and_no_answer_holds_a_secret_or_a_header",
    13: "test_receiver.test_whoever_forges_often_is_answered_without_a_check",
    14: "test_receiver_hostile.test_a_full_disk_is_answered_with_503_and_never_with_202",
    15: "test_delivery.test_a_stop_waits_for_the_deployment_and_takes_no_more_pushes",
    16: "test_delivery.test_without_a_good_secret_it_does_not_start_and_names_the_setting",
}


@pytest.fixture
async def queue(tmp_path):
    async with DeployQueue(tmp_path / "queue.sqlite") as opened:
        yield opened


@pytest.fixture
async def http(queue):
    async with running(queue) as (client, _):
        yield client


async def test_a_signed_push_is_accepted_within_50_ms_while_a_deployment_keeps_the_machine_busy(http):
    busy = await asyncio.create_subprocess_exec("nice", "sh", "-c", "while :; do :; done")
    try:
        await push(http, delivery="0")
        seconds = []
        for number in range(1, 40):
            started = time.perf_counter()
            assert (await push(http, delivery=str(number)))[0] == 202
            seconds.append(time.perf_counter() - started)
    finally:
        busy.kill()
        await busy.wait()
    assert sorted(seconds)[len(seconds) // 2] < 0.05


@pytest.mark.parametrize(
    "given",
    [
        [],
        [("X-Hub-Signature-256", "")],
        [("X-Hub-Signature-256", signature(BODY, "another-secret-of-24-characters"))],
        [("X-Hub-Signature", "sha1=" + "0" * 40)],
        [("X-Hub-Signature-256", "sha256=\u00e9")],
        [("X-Hub-Signature-256", signature(BODY)), ("X-Hub-Signature-256", signature(BODY))],
    ],
)
async def test_no_other_signature_gets_in_and_the_body_is_not_read(http, monkeypatch, given):
    monkeypatch.setattr("coordinator.pushes.of_github", lambda *_: pytest.fail("the body was read"))
    reader, writer = await asyncio.open_connection("127.0.0.1", http._base_url.port)
    lines = ["POST /hooks/github HTTP/1.1", "Host: h", f"Content-Length: {len(BODY)}", "X-GitHub-Event: push"]
    lines += [f"{name}: {value}" for name, value in given]
    writer.write("\r\n".join([*lines, "", ""]).encode() + BODY)
    status = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert b" 401 " in status or b" 400 " in status


@asynccontextmanager
async def signing(queue):
    made = Receiver({"gitlab": gitlab(GitLabSigning(KEY))}, TARGETS, queue)
    stop, listening = asyncio.Event(), socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = asyncio.create_task(serve(made.app(), f"fd://{listening.detach()}", stop))
    try:
        async with aiohttp.ClientSession(address) as client:
            yield client
    finally:
        stop.set()
        await server


def signed(body, number, minutes=0, before=""):
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    return {
        "X-Gitlab-Event": "Push Hook",
        "webhook-id": str(number),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": before + Webhook(KEY).sign(str(number), moment, body.decode()),
    }


async def test_gitlabs_signing_by_time_rotation_and_without_the_weaker_token(queue):
    body = json.dumps(GITLAB_PUSH).encode()
    old = "v1," + base64.b64encode(b"o" * 32).decode() + " "
    token = {"X-Gitlab-Token": SECRET, "X-Gitlab-Event": "Push Hook"}
    async with signing(queue) as http:
        requests = [signed(body, 1), signed(body, 2, before=old), signed(body, 3, -6), signed(body, 4, 6), token]
        statuses = [(await send(http, body, "/hooks/gitlab", **headers))[0] for headers in requests]
    assert statuses == [202, 202, 401, 401, 401]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.one_of(
        JSON.map(lambda value: json.dumps(value).encode()),
        st.binary(max_size=200),
        st.sampled_from([b"[" * 50_000, b'{"ref":' + b"9" * 5000 + b"}", b'{"ref":"\\ud800"}', b"null", b""]),
    ),
    event=st.sampled_from(["push", "ping", "star"]),
)
def test_no_authentic_body_whatever_makes_a_server_error(body, event):
    class NoQueue:
        async def want(self, target): ...

        async def accept(self, delivery):
            return True

    async def status():
        app = Receiver({"github": github(GitHubSecret(SECRET))}, TARGETS, NoQueue()).app()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://h") as client:
            return (await client.post("/hooks/github", content=body, headers=headers_of(body, event=event))).status_code

    assert asyncio.run(status()) in {200, 202}


async def test_a_full_disk_is_answered_with_503_and_never_with_202(http, queue):
    connection = queue._database.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    statuses = {(await push(http, delivery=f"{number:0200d}"))[0] for number in range(60)}
    accepted = (await queue.wanted())[0].number if await queue.wanted() else 0
    assert 503 in statuses
    connection.execute("PRAGMA max_page_count = 100000")
    assert (await push(http, delivery="new"))[0] == 202
    assert (await queue.wanted())[0].number == accepted + 1


@pytest.mark.parametrize("number", REQUIREMENTS)
def test_every_requirement_has_its_test(number):
    module, name = REQUIREMENTS[number].split(".")
    assert callable(getattr(importlib.import_module(f"tests.coordinator.{module}"), name))
