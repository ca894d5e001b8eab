from __future__ import annotations

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.calls import Calls
from sandbox.control import control_app
from sandbox.world import Fault


@pytest.fixture
async def stop():
    return asyncio.Event()


@pytest.fixture
async def control(plane, stop):
    shown = {"/status": lambda: {"site_url": "http://127.0.0.1:1/", "platforms": []}}
    app = control_app(shown, {"tiny": plane}, Calls(), stop)
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_status_is_what_the_sandbox_says(control):
    answer = await control.get("/status")
    assert await answer.json() == {"site_url": "http://127.0.0.1:1/", "platforms": []}


async def test_a_fault_begins_and_ends(control, tiny_world):
    answer = await control.post("/faults/tiny", json={"kind": "slow", "seconds": 0.5})
    assert await answer.json() == {"platform": "tiny", "fault": "slow"}
    assert tiny_world.faults == {"tiny": Fault("slow", 0.5)}
    answer = await control.delete("/faults/tiny")
    assert await answer.json() == {"platform": "tiny", "fault": None}
    assert tiny_world.faults == {}


async def test_a_fault_without_a_body_is_down(control, tiny_world):
    assert (await control.post("/faults/tiny")).status == 200
    assert tiny_world.faults == {"tiny": Fault("down")}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_an_unknown_platform_is_answered_with_the_known_ones(control, method):
    answer = await control.request(method, "/faults/nowhere")
    assert answer.status == 404
    assert await answer.text() == "there is no platform 'nowhere' in this sandbox; use one of: tiny"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "body: "),
        (b'{"kind": "meteor"}', "kind: "),
        (b'{"kind": "slow", "seconds": -1, "for": 3}', "seconds: "),
    ],
)
async def test_a_bad_request_changes_nothing_and_says_why(control, tiny_world, body, words):
    answer = await control.post("/faults/tiny", data=body)
    assert answer.status == 400
    assert words in await answer.text()
    assert tiny_world.faults == {}


async def test_stop_ends_the_sandbox(control, stop):
    assert await (await control.post("/stop")).json() == {"stopping": True}
    assert stop.is_set()


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:80"}])
async def test_web_pages_cannot_reach_it_through_a_browser(control, stop, headers):
    assert (await control.post("/stop", headers=headers)).status == 403
    assert not stop.is_set()


async def test_calls_can_be_made_to_go_wrong_and_are_told(control):
    assert (await control.put("/calls", json={"mishaps": [{"kind": "500", "at": 3}]})).status == 200
    assert await (await control.get("/calls")).json() == {"seen": [], "happened": []}
    assert (await control.delete("/calls")).status == 200


async def test_a_mishap_that_makes_no_sense_is_answered_with_what_is_wrong(control):
    answer = await control.put("/calls", json={"mishaps": [{"kind": "kill", "at": 1}]})
    assert answer.status == 400
    assert "group" in await answer.text()
