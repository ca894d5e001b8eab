from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from publisher import retries
from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.retries import (
    Answer,
    Budget,
    HealingAnswer,
    RetryPolicy,
    backoff,
    call,
    make_once,
    requested_delay,
    said,
)

FAST = RetryPolicy(attempts=4, first_delay=0.001, longest_delay=0.05, hints={401: "Set PLATFORM_TOKEN."})


async def asked(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], policy: RetryPolicy = FAST, **options: object
) -> Answer:
    app = web.Application()
    app.router.add_route("*", "/thing", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        return await call(
            http,
            "PUT",
            str(server.make_url("/thing")),
            platform="example",
            action="uploading about.html",
            policy=policy,
            budget=options.pop("budget", Budget()),
            **options,
        )


async def test_an_answer_that_time_heals_is_asked_for_again():
    statuses = [503, 429, 200]

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"ok": True}, status=statuses.pop(0))

    assert (await asked(handler)).json() == {"ok": True}
    assert statuses == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_an_answer_that_time_cannot_heal_is_an_error_at_once(status):
    calls = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(1)
        return web.json_response({"message": "no such thing"}, status=status)

    with pytest.raises(PlatformRefused, match=f"example: uploading about.html was refused with HTTP {status}") as error:
        await asked(handler)
    assert error.value.status == status
    assert len(calls) == 1


async def test_a_refusal_says_what_to_do_and_no_header_value():
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=401, text="bad credentials")

    with pytest.raises(PlatformRefused) as error:
        await asked(handler, headers={"Authorization": "Bearer hunter2"})
    assert "Set PLATFORM_TOKEN." in str(error.value)
    assert "hunter2" not in str(error.value)


async def test_a_server_that_stays_down_is_unavailable_after_the_attempts():
    calls = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(1)
        return web.Response(status=502, text="<html>bad gateway</html>")

    with pytest.raises(PlatformUnavailable, match="The release that was live before stays live"):
        await asked(handler)
    assert len(calls) == FAST.attempts


async def test_a_refused_connection_is_unavailable_and_named():
    async with aiohttp.ClientSession() as http:
        with pytest.raises(PlatformUnavailable, match="example: listing deploys"):
            await call(
                http,
                "GET",
                "http://127.0.0.1:9/",
                platform="example",
                action="listing deploys",
                policy=FAST,
                budget=Budget(),
            )


async def test_a_cut_connection_is_tried_again_and_the_body_sent_from_its_start():
    bodies = []

    async def handler(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        if len(bodies) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text="ok")

    async def stream():
        yield b"first "
        yield b"second"

    await asked(handler, body=stream)
    assert bodies == [b"first second", b"first second"]


async def test_the_budget_ends_retries_before_the_attempts_do():
    calls = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(1)
        return web.Response(status=503, headers={"Retry-After": "0.03"})

    with pytest.raises(PlatformUnavailable):
        await asked(handler, budget=Budget(0.05))
    assert len(calls) == 2


async def test_an_absurd_retry_after_is_not_waited_for():
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "86400"})

    with pytest.raises(PlatformUnavailable):
        await asked(handler)


def test_retry_after_in_seconds_and_as_a_date_mean_the_same():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    date = format_datetime(now + timedelta(seconds=7), usegmt=True)
    assert requested_delay({"Retry-After": "7"}, now=now.timestamp()) == 7.0
    assert requested_delay({"Retry-After": date}, now=now.timestamp()) == 7.0


def test_a_rate_limit_reset_counts_only_when_nothing_remains():
    now = time.time()
    spent = {"X-RateLimit-Reset": str(int(now) + 5), "X-RateLimit-Remaining": "0"}
    assert requested_delay(spent, now=int(now)) == 5.0
    assert requested_delay({**spent, "X-RateLimit-Remaining": "3"}, now=now) is None


@given(st.text(max_size=30))
def test_no_retry_after_value_raises(value):
    delay = requested_delay({"Retry-After": value}, now=0.0)
    assert delay is None or delay >= 0.0


@given(st.lists(st.sampled_from([0.0, 0.5, 3.0, None]), min_size=1, max_size=10))
def test_waits_never_pass_the_cap_nor_the_budget(wishes):
    policy, budget = RetryPolicy(longest_delay=2.0), Budget(4.0)
    hook = backoff(policy, budget)
    waits = [hook(HealingAnswer(503, "busy", wish)) for wish in wishes]
    granted = [wait for wait in waits if wait is not False]
    assert all(wait <= 2 * policy.longest_delay for wait in granted)
    assert sum(granted) <= 4.0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"message": "site is locked"}', "site is locked"),
        (b'{"error": {"code": "missing"}}', '{"code": "missing"}'),
        (b"<html><h1>Oops</h1></html>", "a page of HTML"),
        (b"", "no text"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
    ],
)
def test_the_platforms_own_words_are_kept_short_and_plain(body, text):
    assert said(body) == text


async def test_what_must_not_be_made_twice_is_looked_for_before_it_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.0)
    there, asked = [], []

    async def make():
        asked.append("make")
        if len(asked) == 3:
            there.append("made, and the answer was lost")
        raise PlatformUnavailable("no answer")

    async def find():
        asked.append("find")
        return there[0] if there else None

    assert await make_once(make, find) == "made, and the answer was lost"
    assert asked == ["make", "find", "make", "find"]


async def test_making_ends_with_the_error_when_nothing_helps(monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.0)
    tries = []

    async def make():
        tries.append(1)
        raise PlatformUnavailable("no answer")

    async def find():
        return None

    with pytest.raises(PlatformUnavailable, match="no answer"):
        await make_once(make, find)
    assert len(tries) == 4
