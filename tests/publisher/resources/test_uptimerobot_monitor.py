"""Monitors against the strict twin, on real sockets."""

from __future__ import annotations

import aiohttp
import pytest

from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.plugin import Plugin
from publisher.resources.handler import Request
from publisher.resources.uptimerobot_monitor import UptimeRobotMonitorHandler, as_inputs, settings
from publisher.session import Session
from publisher.uptimerobot import UptimeRobotApi
from sandbox import uptimerobot
from sandbox.uptimerobot.api import MONITORS
from tests.worlds import running

CONTACT = {"id": "7000001", "threshold": 0, "recurrence": 0}
INPUTS = {
    "name": "www.example.org on <first> & best",
    "url": "https://first.example/.well-known/release.json?a=1&b=2",
    "keyword": "peaceful-robot-ok",
    "interval": 300,
    "timeout": 30,
    "contacts": [CONTACT],
}


class Account:
    """The twin's account, as one run of the plugin sees it; ``again`` is another run."""

    def __init__(self, sandbox, http, folder):
        self.sandbox = sandbox
        self.http = http
        self.folder = folder
        self.again()

    def again(self):
        session = Session(cache=self.folder)
        session._http = self.http
        self.handler = UptimeRobotMonitorHandler(session)
        return self.handler

    @property
    def made(self):
        return self.sandbox.world.store.all(MONITORS)

    async def call(self, method, path, **options):
        base, key = (self.sandbox.environment[name] for name in ("UPTIMEROBOT_API_URL", "UPTIMEROBOT_API_KEY"))
        async with self.http.request(
            method, base + path, headers={"Authorization": f"Bearer {key}"}, **options
        ) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers


@pytest.fixture
async def account(tmp_path, monkeypatch):
    async with running(tmp_path / "world", [uptimerobot.twin], speed=600) as sandbox, aiohttp.ClientSession() as http:
        for name in ("UPTIMEROBOT_API_URL", "UPTIMEROBOT_API_KEY"):
            monkeypatch.setenv(name, sandbox.environment[name])
        yield Account(sandbox, http, tmp_path / "cache")


def wanted(identifier="", old=None, outputs=None, preview=False, **changed):
    return Request("urn", "monitor", identifier, {**INPUTS, **changed}, old or {}, outputs or {}, preview)


async def test_a_monitor_asks_for_the_word_and_alerts_when_it_is_not_there(account):
    identifier, outputs = await account.handler.create(wanted())
    made = account.made[identifier]
    assert (made["type"], made["keywordType"], made["keywordValue"]) == (
        *("KEYWORD", "ALERT_NOT_EXISTS"),
        "peaceful-robot-ok",
    )
    assert (made["interval"], made["checkSSLErrors"], made["followRedirections"]) == (300, True, False)
    assert made["assignedAlertContacts"] == [{"alertContactId": "7000001", "threshold": 0, "recurrence": 0}]
    assert outputs == INPUTS


async def test_what_a_killed_run_made_is_taken_and_set_as_it_is_wanted(account):
    first, _ = await account.handler.create(wanted(interval=600))
    second, _ = await account.again().create(wanted())
    assert first == second
    assert [one["interval"] for one in account.made.values()] == [300]


async def test_a_monitor_of_the_same_name_for_another_address_is_somebody_elses(account):
    first, _ = await account.handler.create(wanted(url="https://other.example/"))
    second, _ = await account.again().create(wanted())
    assert first != second
    assert len(account.made) == 2


@pytest.mark.parametrize("answer", ["lost", "404"])
async def test_a_creation_that_is_answered_wrongly_is_no_second_monitor(account, monkeypatch, answer):
    real = UptimeRobotApi._call

    async def broken(self, method, path, action, **options):
        found = await real(self, method, path, action, **options)
        if method == "POST":
            if answer == "lost":
                raise PlatformUnavailable("uptimerobot: no answer")
            raise PlatformRefused("uptimerobot: Monitor not found", status=404)
        return found

    monkeypatch.setattr(UptimeRobotApi, "_call", broken)
    identifier, _ = await account.handler.create(wanted())
    assert list(account.made) == [identifier]


async def test_more_monitors_than_requests_a_minute_are_made_one_after_the_other(account):
    import asyncio

    made = await asyncio.gather(
        *(account.handler.create(wanted(name=f"n{number}", url=f"https://{number}.example/")) for number in range(23))
    )
    assert len({identifier for identifier, _ in made}) == len(account.made) == 23
    status, body, headers = await account.call("GET", "/monitors")
    while status == 429:
        assert int(headers["Retry-After"]) >= 1
        await asyncio.sleep(0.05)
        status, body, headers = await account.call("GET", "/monitors")
    assert body["nextLink"] is not None, "the list has pages"
    assert len(await account.again().api.monitors()) == 23


async def test_a_change_is_made_in_place_and_deleting_twice_is_no_error(account):
    identifier, outputs = await account.handler.create(wanted())
    changed = wanted(identifier, INPUTS, outputs, contacts=[], interval=900)
    assert (await account.handler.difference(changed)).changed == {"contacts": "update", "interval": "update"}
    await account.handler.update(changed)
    assert (account.made[identifier]["interval"], account.made[identifier]["assignedAlertContacts"]) == (900, [])
    await account.handler.delete(Request("urn", "monitor", identifier, outputs=outputs))
    await account.handler.delete(Request("urn", "monitor", identifier, outputs=outputs))
    assert account.made == {}


async def test_an_unchanged_monitor_reads_as_it_was_asked_for(account):
    identifier, outputs = await account.handler.create(wanted(retries=2))
    request = wanted(identifier, outputs=outputs, retries=2)
    read = await account.again().read(request)
    assert read == outputs
    assert account.handler.inputs_read(request, read) == request.inputs


@pytest.mark.parametrize(
    ("by_hand", "key"),
    [
        ({"interval": 3600}, "interval"),
        ({"keywordValue": "other"}, "keyword"),
        ({"keywordType": "ALERT_EXISTS"}, "keyword"),
        ({"followRedirections": True}, "keyword"),
        ({"successHttpResponseCodes": ["2xx", "3xx"]}, "keyword"),
        ({"assignedAlertContacts": []}, "contacts"),
        ({"friendlyName": "renamed"}, "name"),
        ({"url": "https://elsewhere.example/"}, "url"),
        ({"timeout": 60}, "timeout"),
    ],
)
async def test_what_somebody_changed_by_hand_is_found_and_set_right(account, by_hand, key):
    identifier, outputs = await account.handler.create(wanted())
    assert (await account.call("PATCH", f"/monitors/{identifier}", json=by_hand))[0] == 200
    request = wanted(identifier, outputs=outputs)
    read = await account.again().read(request)
    inputs = account.handler.inputs_read(request, read)
    again = wanted(identifier, inputs, read)
    assert list((await account.handler.difference(again)).changed) == [key]
    await account.handler.update(again)
    assert await account.again().read(request) == outputs


async def test_a_monitor_that_was_deleted_by_hand_is_gone(account):
    identifier, outputs = await account.handler.create(wanted())
    await account.call("DELETE", f"/monitors/{identifier}")
    assert await account.again().read(wanted(identifier, outputs=outputs)) is None


async def test_a_preview_makes_nothing_and_refuses_what_the_account_has_no_room_for(account):
    assert await account.handler.create(wanted(preview=True)) == ("", INPUTS)
    assert account.made == {}
    for number in range(49):
        name, url = f"old {number}", "https://old.example/"
        account.sandbox.world.store.put(
            MONITORS, str(800_000_001 + number), {**settings({**INPUTS, "name": name, "url": url}), "created": ""}
        )
    handler = account.again()
    await handler.create(wanted(preview=True, name="old 1"))
    await handler.create(wanted(preview=True, name="fiftieth"))
    with pytest.raises(
        PlatformRefused, match=r"may have 50 monitors and has 49; 2 more are wanted.*platforms to false"
    ):
        await handler.create(wanted(preview=True, name="one too many"))


async def test_a_preview_without_a_key_is_possible_and_making_without_one_is_refused(account, monkeypatch):
    monkeypatch.delenv("UPTIMEROBOT_API_KEY")
    await account.handler.create(wanted(preview=True))
    with pytest.raises(PlatformRefused, match="UPTIMEROBOT_API_KEY is not set"):
        await account.handler.create(wanted())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"contacts": [{**CONTACT, "threshold": 5}]}, "current plan: assignedAlertContacts"),
        ({"interval": 60}, "current plan: interval"),
        ({"contacts": [{**CONTACT, "id": "1"}]}, "there is no alert contact 1"),
    ],
)
async def test_what_the_plan_does_not_allow_is_refused_in_the_services_words_without_the_key(account, changed, words):
    with pytest.raises(PlatformRefused, match=words) as caught:
        await account.handler.create(wanted(**changed))
    assert account.sandbox.environment["UPTIMEROBOT_API_KEY"] not in str(caught.value)
    assert account.made == {}


async def test_settings_that_the_service_did_not_take_over_are_an_error(account, monkeypatch):
    real = UptimeRobotApi._made

    async def other(self, wished):
        return await real(self, {**wished, "keywordType": "ALERT_EXISTS"})

    monkeypatch.setattr(UptimeRobotApi, "_made", other)
    with pytest.raises(PlatformRefused, match="is there, but not as it was asked for: keywordType"):
        await account.handler.create(wanted())


def test_numbers_of_the_engine_are_whole_ones_for_the_service():
    made = settings({**INPUTS, "interval": 300.0, "timeout": 30.0, "contacts": [{**CONTACT, "threshold": 0.0}]})
    assert [type(made[key]) for key in ("interval", "timeout")] == [int, int]
    assert as_inputs({**made, "id": 1}, INPUTS) == INPUTS


def test_the_plugin_serves_monitors():
    assert UptimeRobotMonitorHandler.token in Plugin(Session())._handlers
