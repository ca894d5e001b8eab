from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import socket
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

from coordinator import receiver
from coordinator.pushes import Push
from coordinator.queue import DeployQueue, QueueUnavailable
from coordinator.receiver import MAX_BODY, Forgeries, Receiver, github, gitlab
from coordinator.server import serve
from coordinator.signatures import GitHubSecret, GitLabToken

SECRET = "a-secret-of-more-than-24-characters"
TARGETS = {("github", Push("robot/site", "main")): "site", ("gitlab", Push("robot/site", "main")): "site"}
PUSH = {"ref": "refs/heads/main", "repository": {"full_name": "robot/site"}}
GITLAB_PUSH = {"ref": "refs/heads/main", "after": "1" * 40, "project": {"path_with_namespace": "robot/site"}}


def signature(body, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers_of(body, delivery="1", event="push", secret=SECRET):
    return {"X-Hub-Signature-256": signature(body, secret), "X-GitHub-Event": event, "X-GitHub-Delivery": delivery}


@asynccontextmanager
async def running(queue):
    made = Receiver({"github": github(GitHubSecret(SECRET)), "gitlab": gitlab(GitLabToken(SECRET))}, TARGETS, queue)
    stop = asyncio.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = asyncio.create_task(serve(made.app(), f"fd://{listening.detach()}", stop))
    try:
        async with aiohttp.ClientSession(address) as http:
            yield http, stop
    finally:
        stop.set()
        await server


@pytest.fixture
async def queue(tmp_path):
    async with DeployQueue(tmp_path / "queue.sqlite") as opened:
        yield opened


@pytest.fixture
async def http(queue):
    async with running(queue) as (client, _):
        yield client


async def send(http, body, path="/hooks/github", **headers):
    async with http.post(path, data=body, headers=headers) as answer:
        return answer.status, await answer.text()


async def push(http, payload=PUSH, by=None, **changed):
    """``by`` is what a proxy says of the sender."""
    body = json.dumps(payload).encode()
    return await send(http, body, **headers_of(body, **changed), **({"X-Forwarded-For": by} if by else {}))


async def test_a_signed_push_is_accepted_at_once(http, queue):
    await push(http, delivery="0")
    started = time.monotonic()
    status, _ = await push(http, delivery="1")
    assert (status, time.monotonic() - started < 0.05) == (202, True)
    assert [(one.target, one.number) for one in await queue.wanted()] == [("site", 2)]


async def test_the_same_delivery_twice_is_one_job(http, queue):
    assert [(await push(http))[0] for _ in range(2)] == [202, 200]
    assert [one.number for one in await queue.wanted()] == [1]


async def test_a_forged_body_is_not_read(http, queue, monkeypatch):
    def explode(*_):
        raise AssertionError("the body was read")

    monkeypatch.setattr(receiver.pushes, "of_github", explode)
    body = json.dumps(PUSH).encode()
    for given in ({}, {"X-Hub-Signature-256": ""}, {"X-Hub-Signature-256": signature(body + b" ")}):
        status, _ = await send(http, body, **{"X-GitHub-Event": "push", **given})
        assert status == 401
    assert await queue.wanted() == []


async def test_the_signature_covers_the_raw_bytes(http):
    body = json.dumps(PUSH).encode()
    status, _ = await send(http, json.dumps(PUSH, indent=1).encode(), **headers_of(body))
    assert status == 401


async def test_gitlab_sends_a_token_and_an_idempotency_key(http, queue):
    body = json.dumps(GITLAB_PUSH).encode()
    own = {"X-Gitlab-Token": SECRET, "X-Gitlab-Event": "Push Hook", "Idempotency-Key": "a"}
    answers = [(await send(http, body, "/hooks/gitlab", **own))[0] for _ in range(2)]
    assert answers == [202, 200]
    assert (await send(http, body, "/hooks/gitlab", **{**own, "X-Gitlab-Token": "x"}))[0] == 401


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        ({**PUSH, "ref": "refs/heads/other"}, "push"),
        ({**PUSH, "ref": "refs/tags/v1"}, "push"),
        ({**PUSH, "deleted": True}, "push"),
        ({**PUSH, "repository": {"full_name": "someone/else"}}, "push"),
        ({"zen": "Keep it logically awesome."}, "ping"),
        ({}, "star"),
        ([], "push"),
        (None, "push"),
    ],
)
async def test_what_is_authentic_and_not_deployed_here_is_no_failure(http, queue, payload, event):
    status, _ = await push(http, payload, event=event)
    assert status == 200
    assert await queue.wanted() == []


@pytest.mark.parametrize("announced", [f"Content-Length: {MAX_BODY + 1}", "Transfer-Encoding: chunked"])
async def test_a_body_that_is_too_large_is_refused_however_it_is_announced(http, announced):
    reader, writer = await asyncio.open_connection("127.0.0.1", http._base_url.port)
    writer.write(f"POST /hooks/github HTTP/1.1\r\nHost: h\r\n{announced}\r\n\r\n".encode())
    answer = asyncio.create_task(reader.readline())
    part = b"x" * 65536
    for _ in range(MAX_BODY // len(part) + 1):
        if not answer.done():
            writer.write(b"%x\r\n%b\r\n" % (len(part), part) if "chunked" in announced else part)
            await asyncio.sleep(0.005)
    assert b" 413 " in await asyncio.wait_for(answer, 5)
    writer.close()


async def test_a_body_longer_than_it_says_does_not_get_in(http, queue):
    body = json.dumps(PUSH).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", http._base_url.port)
    lines = ["POST /hooks/github HTTP/1.1", "Host: h", f"Content-Length: {len(body) - 5}"]
    lines += [f"{name}: {value}" for name, value in headers_of(body).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    assert b" 401 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert await queue.wanted() == []


async def test_a_slow_body_is_given_up_while_others_are_served(http, monkeypatch):
    monkeypatch.setattr(receiver, "BODY_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", http._base_url.port)
    writer.write(b"POST /hooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nfive")
    assert (await push(http))[0] == 202
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_whoever_forges_often_is_answered_without_a_check(http, monkeypatch):
    for _ in range(receiver.FORGERIES):
        assert (await push(http, secret="wrong" * 6))[0] == 401
    monkeypatch.setattr(GitHubSecret, "check", lambda *_: pytest.fail("it was checked"))
    assert (await push(http))[0] == 429


async def test_behind_a_proxy_whoever_forges_shuts_out_nobody_else(http):
    for number in range(receiver.FORGERIES):
        assert (await push(http, secret="wrong" * 6, by=f"192.0.2.{number}, 198.51.100.7"))[0] == 401
    assert (await push(http, by="192.0.2.1, 198.51.100.7"))[0] == 429
    assert (await push(http, by="198.51.100.7, 140.82.112.1", delivery="2"))[0] == 202
    assert (await push(http, by="no address", delivery="3"))[0] == 202


def test_the_count_of_forgeries_ends_with_its_minute_and_keeps_addresses_apart():
    now = [0.0]
    counted = Forgeries(clock=lambda: now[0])
    for _ in range(receiver.FORGERIES):
        assert not counted.too_many("192.0.2.1")
        counted.add("192.0.2.1")
    assert counted.too_many("192.0.2.1")
    assert not counted.too_many("192.0.2.2")
    now[0] = 61.0
    assert not counted.too_many("192.0.2.1")
    counted.add("192.0.2.1")
    assert not counted.too_many("192.0.2.1")


async def test_a_push_that_cannot_be_stored_is_not_accepted(http, queue, monkeypatch):
    async def full(*_):
        raise QueueUnavailable("queue.sqlite: database or disk is full")

    monkeypatch.setattr(queue, "accept", full)
    assert (await push(http))[0] == 503


async def test_no_log_line_and_no_answer_holds_a_secret_or_a_header(http, caplog):
    caplog.set_level(logging.DEBUG)
    body = json.dumps(PUSH).encode()
    forged = signature(body, "planted-secret-planted-secret")
    texts = [
        (await send(http, body, **{**headers_of(body), "X-Hub-Signature-256": forged}))[1],
        (await send(http, body, "/hooks/gitlab", **{"X-Gitlab-Token": "planted-token-planted-token"}))[1],
        (await push(http))[1],
    ]
    for text in [*texts, caplog.text]:
        assert SECRET not in text
        assert "planted" not in text
        assert forged not in text
        assert signature(body) not in text


async def test_health_and_metrics_say_what_waits_and_what_came(http):
    await push(http)
    async with http.get("/healthz") as answer:
        assert await answer.json() == {"status": "ok", "waiting": ["site"], "tasks": {}, "stuck": {}}
    async with http.get("/metrics") as answer:
        assert 'webhook_answers_total{forge="github",outcome="accepted"} 1.0' in await answer.text()


async def test_a_request_under_way_is_answered_when_the_server_stops(queue):
    async with running(queue) as (client, stop):
        body = json.dumps(PUSH).encode()

        async def in_two_parts():
            yield body[:10]
            await asyncio.sleep(0.1)
            stop.set()
            await asyncio.sleep(0.2)
            yield body[10:]

        assert (await send(client, in_two_parts(), **headers_of(body)))[0] == 202
        with pytest.raises(aiohttp.ClientConnectionError):
            await push(client, delivery="2")
