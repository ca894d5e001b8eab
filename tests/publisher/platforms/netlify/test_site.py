from __future__ import annotations

import pytest

from publisher.errors import PlatformUnavailable
from publisher.platforms.netlify.api import NetlifyApi
from publisher.platforms.netlify.site import NetlifySiteHandler
from publisher.resources.handler import UNKNOWN, Request
from publisher.session import Session


@pytest.fixture
def handler(account, tmp_path):
    session = Session(cache=tmp_path / "cache")
    session._http = account.http
    return NetlifySiteHandler(session)


def wanted(**inputs):
    return Request("urn", "site", inputs={"name": "my-robot", **inputs})


async def test_a_site_is_made_and_its_hostname_is_netlifys_own(handler, account):
    identifier, outputs = await handler.create(wanted())
    assert outputs["hostname"] == "my-robot.netlify.app"
    assert outputs["url"] == "https://my-robot.netlify.app"
    assert (await account.api.site(identifier))["processing_settings"]["html"] == {"pretty_urls": True}


async def test_what_a_killed_run_made_is_taken_and_not_made_twice(handler):
    first, _ = await handler.create(wanted())
    second, _ = await handler.create(wanted())
    assert first == second


async def test_a_lost_answer_is_no_second_site(handler, monkeypatch):
    real = NetlifyApi.create_site

    async def lost(self, account, settings):
        await real(self, account, settings)
        raise PlatformUnavailable("netlify: no answer")

    monkeypatch.setattr(NetlifyApi, "create_site", lost)
    _, outputs = await handler.create(wanted())
    assert outputs["hostname"] == "my-robot.netlify.app"


async def test_an_automatic_name_begins_with_the_prefix_and_is_kept(handler):
    inputs, failures = await handler.check(Request("urn", "site", inputs={"namePrefix": "www-example-org"}))
    assert failures == []
    assert inputs["name"].startswith("www-example-org-")
    again, _ = await handler.check(Request("urn", "site", inputs={"namePrefix": "www-example-org"}, old_inputs=inputs))
    assert again == inputs


async def test_a_preview_makes_nothing_and_says_what_it_cannot_know(handler, account):
    request = Request("urn", "site", inputs={"name": "my-robot"}, preview=True)
    _, outputs = await handler.create(request)
    assert outputs["hostname"] == UNKNOWN
    assert await account.api.site_named("my-robot") is None


async def test_a_site_can_be_renamed_deleted_and_is_then_gone(handler):
    identifier, outputs = await handler.create(wanted())
    renamed = Request("urn", "site", identifier, {"name": "other-robot"}, wanted().inputs, outputs)
    assert (await handler.update(renamed))["hostname"] == "other-robot.netlify.app"
    request = Request("urn", "site", identifier, outputs=outputs)
    assert (await handler.read(request))["siteId"] == identifier
    await handler.delete(request)
    assert await handler.read(request) is None
    await handler.delete(request)
