from __future__ import annotations

import pytest

from platforms import PLATFORMS
from publisher.errors import PublisherError, ReleaseGone
from publisher.resources.handler import UNKNOWN, Request
from publisher.resources.upload import UploadHandler
from publisher.session import WHOLE_PLAN, Scanned, Session
from tests.publisher.memory_platform import MemoryPlatform
from tools.deploy import preflight

PAGES = {"index.html": "<p>home", "_headers": "/posts/*\n  X-Extra: one\n/posts/deep/*\n  X-Extra: two\n"}


async def previewed(tmp_path, site, platform, release=None, **session):
    """What a preview of an upload refuses."""
    handler = UploadHandler(Session(cache=tmp_path / "cache", **session))
    handler.session.remember(Scanned(site, frozenset()))
    inputs = {"platform": platform, "release": release or site.release_id, "target": {}}
    _, mistakes = await handler.check(Request("urn", "upload", inputs=inputs))
    if mistakes:
        return [mistake.reason for mistake in mistakes]
    try:
        _, outputs = await handler.create(Request("urn", "upload", inputs=inputs, preview=True))
    except PublisherError as error:
        return [str(error)]
    assert outputs["staged"] == UNKNOWN
    return []


async def test_a_rule_that_one_platform_cannot_express_is_named_at_preview_with_file_line_and_platform(
    tmp_path, make_site
):
    site = make_site(PAGES)
    (reason,) = await previewed(tmp_path, site, "netlify")
    assert reason.startswith("_headers:3: netlify cannot let /posts/deep/* replace X-Extra")
    assert await previewed(tmp_path, site, "aws") == []


async def test_a_site_that_does_not_fit_a_platform_is_named_at_preview(tmp_path, make_site):
    long = "/".join(["folder-with-a-long-name"] * 25)
    site = make_site({"index.html": "<p>home", f"{long}/page.html": "<p>deep"})
    (reason,) = await previewed(tmp_path, site, "aws")
    assert "a key of the store 512 at the most" in reason
    assert "Nothing was sent" in reason


async def test_an_unknown_platform_is_a_mistake(tmp_path, make_site):
    (reason,) = await previewed(tmp_path, make_site({"index.html": "<p>home"}), "geocities")
    assert reason == f"there is no platform 'geocities'; known: {', '.join(PLATFORMS)}"


async def test_a_release_that_is_not_known_yet_is_no_mistake(tmp_path, make_site):
    assert await previewed(tmp_path, make_site({"index.html": "<p>home"}), "aws", UNKNOWN) == []


async def test_who_judges_the_whole_plan_is_warned_of_what_one_platform_refuses_and_not_stopped(tmp_path, make_site):
    warned = []

    async def log(urn, message, lasting, *, warning=False):
        warned.append((urn, message.splitlines()[0], lasting, warning))

    assert await previewed(tmp_path, make_site(PAGES), "netlify", log=log, whole_plan=True) == []
    ((urn, message, lasting, warning),) = warned
    assert (urn, lasting, warning) == ("urn", True, True)
    assert "netlify cannot let /posts/deep/* replace X-Extra" in message


def test_the_command_line_asks_for_the_whole_plan_by_the_variable_that_the_plugin_reads(monkeypatch):
    monkeypatch.delenv(WHOLE_PLAN, raising=False)
    assert not Session().whole_plan
    (variable,) = preflight._WHOLE_PLAN.items()
    monkeypatch.setenv(*variable)
    assert Session().whole_plan


def going_back(tmp_path, make_site, target):
    site = make_site({"index.html": "<p>home"})
    session = Session(cache=tmp_path / "cache")
    session.remember(Scanned(site, frozenset(), kept=True))
    return site, UploadHandler(session), {"platform": "aws", "release": site.release_id, "target": target}


async def test_going_back_asks_the_platform_already_at_preview(tmp_path, make_site, monkeypatch):
    platform = MemoryPlatform()
    monkeypatch.setattr(Session, "platform", lambda *_: platform)
    site, handler, inputs = going_back(tmp_path, make_site, {"bucket": "b"})
    asked = Request("urn", "upload", inputs=inputs, preview=True)
    with pytest.raises(ReleaseGone, match="memory does not keep release"):
        await handler.create(asked)
    platform.staged[site.release_id] = {}
    await handler.create(asked)
    _, outputs = await handler.create(Request("urn", "upload", inputs=inputs))
    assert (outputs["staged"], outputs["filesSent"]) == (site.release_id, 0)
    assert platform.calls == []


async def test_a_platform_that_cannot_go_back_is_no_mistake_in_the_inputs_which_would_stop_the_others(
    tmp_path, make_site, monkeypatch
):
    monkeypatch.setattr(Session, "platform", lambda *_: MemoryPlatform())
    _, handler, inputs = going_back(tmp_path, make_site, {"bucket": "b"})
    assert await handler.check(Request("urn", "upload", inputs=inputs)) == (inputs, [])


async def test_going_back_waits_with_asking_while_the_place_is_not_known(tmp_path, make_site):
    _, handler, inputs = going_back(tmp_path, make_site, {"bucket": UNKNOWN})
    _, outputs = await handler.create(Request("urn", "upload", inputs=inputs, preview=True))
    assert outputs["staged"] == UNKNOWN
