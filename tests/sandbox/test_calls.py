from __future__ import annotations

import asyncio
import signal
import sys
import time
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from sandbox.calls import Calls, Mishap, wall_time


class Api:
    """An API that counts what it has carried out."""

    def __init__(self, calls, platform="tiny"):
        self.done, self.times = 0, []
        app = web.Application(middlewares=[calls.middleware(platform)])
        app.router.add_post("/things", self.make)
        self.server = TestServer(app)

    async def make(self, request):
        self.done += 1
        self.times.append(wall_time())
        return web.json_response({"number": self.done, "much": "x" * 100})


@pytest.fixture
async def calls():
    return Calls()


@pytest.fixture
async def api(calls):
    made = Api(calls)
    async with made.server:
        yield made


@pytest.fixture
async def post(api):
    async with aiohttp.ClientSession() as http:

        async def ask(seconds=5):
            timeout = aiohttp.ClientTimeout(total=seconds)
            async with http.post(api.server.make_url("/things"), timeout=timeout) as answer:
                return answer.status, dict(answer.headers), await answer.read()

        yield ask


async def test_only_the_call_of_that_number_goes_wrong_and_all_are_counted(calls, api, post):
    calls.begin(Mishap(kind="500", at=2))
    assert [(await post())[0] for _ in range(3)] == [200, 500, 200]
    assert api.done == 2
    assert calls.described() == {"seen": ["tiny POST /things"] * 3, "happened": ["tiny POST /things"]}


async def test_a_lasting_mishap_goes_on_until_it_is_ended(calls, post):
    calls.begin(Mishap(kind="token-expired", at=2, lasting=True))
    assert [(await post())[0] for _ in range(3)] == [200, 401, 401]
    calls.begin()
    assert (await post())[0] == 200


async def test_calls_of_other_platforms_are_not_counted_where_one_is_named(calls, post):
    calls.begin(Mishap(kind="500", at=1, platform="other"))
    assert (await post())[0] == 200
    assert calls.happened == []


async def test_several_mishaps_count_for_themselves(calls, post):
    calls.begin(Mishap(kind="500", at=3), Mishap(kind="429-seconds", at=1, platform="tiny"))
    assert [(await post())[0] for _ in range(3)] == [429, 200, 500]


@pytest.mark.parametrize(("kind", "seconds"), [("429-seconds", 1), ("429-date", 2), ("429-absurd", 86_400)])
async def test_too_many_requests_says_when_to_come_back(calls, post, kind, seconds):
    calls.begin(Mishap(kind=kind, at=1))
    status, headers, _ = await post()
    wish = headers["Retry-After"]
    wait = float(wish) if wish.isdigit() else parsedate_to_datetime(wish).timestamp() - time.time()
    assert status == 429
    assert seconds - 1.5 <= wait <= seconds


@pytest.mark.parametrize(("kind", "done"), [("reset-before", 0), ("reset-after", 1), ("truncated", 1)])
async def test_a_broken_answer_says_nothing_about_whether_the_call_was_carried_out(calls, api, post, kind, done):
    calls.begin(Mishap(kind=kind, at=1))
    with pytest.raises(aiohttp.ClientError):
        await post()
    assert api.done == done


async def test_a_silent_call_has_been_carried_out(calls, api, post):
    calls.begin(Mishap(kind="timeout-after-commit", at=1))
    with pytest.raises(TimeoutError):
        await post(0.2)
    assert api.done == 1


async def test_a_clock_that_is_off_is_off_for_that_call_only_also_on_the_same_connection(calls, api, post):
    calls.begin(Mishap(kind="clock-off", at=1))
    for _ in range(2):
        await post()
    assert [round((moment - time.time()) / 3600) for moment in api.times] == [1, 0]


async def test_the_process_group_is_dead_before_the_answer_and_the_call_has_been_carried_out(calls, api, post):
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(60)", start_new_session=True
    )
    calls.begin(Mishap(kind="kill", at=1, group=victim.pid))
    await post()
    assert await asyncio.wait_for(victim.wait(), 10) == -signal.SIGKILL
    assert api.done == 1
    await post()  # it is dead already, which is no error
    assert api.done == 2


async def test_what_is_no_request_can_be_killed_after_and_counts_for_that_only(calls):
    calls.begin(Mishap(kind="500", at=1))
    calls.carried_out("tiny", "makes a thing")
    assert calls.happened == []
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(60)", start_new_session=True
    )
    calls.begin(Mishap(kind="kill", at=2, group=victim.pid))
    calls.carried_out("tiny", "makes a thing")
    assert victim.returncode is None
    calls.carried_out("tiny", "makes a thing")
    assert await asyncio.wait_for(victim.wait(), 10) == -signal.SIGKILL


@pytest.mark.parametrize(
    "body", [{"kind": "kill", "at": 1}, {"kind": "500", "at": 1, "group": 9}, {"kind": "500", "at": 0}]
)
def test_what_makes_no_sense_is_refused(body):
    with pytest.raises(ValidationError):
        Mishap.model_validate(body)
