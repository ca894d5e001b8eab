from __future__ import annotations

from platforms import PLATFORMS
from publisher.resources.handler import UNKNOWN, Request
from publisher.resources.upload import UploadHandler
from publisher.session import Scanned, Session
from tests.publisher.memory_platform import MemoryPlatform

PAGES = {"index.html": "<p>home", "_headers": "/posts/*\n  X-Extra: one\n/posts/deep/*\n  X-Extra: two\n"}


async def checked(tmp_path, site, platform, release=None):
    session = Session(cache=tmp_path / "cache")
    session.remember(Scanned(site, frozenset()))
    inputs = {"platform": platform, "release": release or site.release_id, "target": {}}
    _, failures = await UploadHandler(session).check(Request("urn", "upload", inputs=inputs))
    return [failure.reason for failure in failures]


async def test_a_rule_that_one_platform_cannot_express_is_named_at_preview_with_file_line_and_platform(
    tmp_path, make_site
):
    site = make_site(PAGES)
    (reason,) = await checked(tmp_path, site, "netlify")
    assert reason.startswith("_headers:3: netlify cannot let /posts/deep/* replace X-Extra")
    assert await checked(tmp_path, site, "aws") == []


async def test_a_site_that_does_not_fit_a_platform_is_named_at_preview(tmp_path, make_site):
    long = "/".join(["folder-with-a-long-name"] * 25)
    site = make_site({"index.html": "<p>home", f"{long}/page.html": "<p>deep"})
    (reason,) = await checked(tmp_path, site, "aws")
    assert "a key of the store 512 at the most" in reason
    assert "Nothing was sent" in reason


async def test_an_unknown_platform_is_a_mistake(tmp_path, make_site):
    (reason,) = await checked(tmp_path, make_site({"index.html": "<p>home"}), "geocities")
    assert reason == f"there is no platform 'geocities'; known: {', '.join(PLATFORMS)}"


async def test_a_release_that_is_not_known_yet_is_no_mistake(tmp_path, make_site):
    assert await checked(tmp_path, make_site({"index.html": "<p>home"}), "aws", UNKNOWN) == []


async def test_going_back_asks_the_platform_already_at_preview(tmp_path, make_site, monkeypatch):
    platform = MemoryPlatform()
    site = make_site({"index.html": "<p>home"})
    session = Session(cache=tmp_path / "cache")
    session.remember(Scanned(site, frozenset(), kept=True))
    monkeypatch.setattr(Session, "platform", lambda *_: platform)
    inputs = {"platform": "aws", "release": site.release_id, "target": {"bucket": "b"}}
    handler = UploadHandler(session)
    _, failures = await handler.check(Request("urn", "upload", inputs=inputs))
    assert "memory does not keep release" in failures[0].reason
    platform.staged[site.release_id] = {}
    assert await handler.check(Request("urn", "upload", inputs=inputs)) == (inputs, [])
    _, outputs = await handler.create(Request("urn", "upload", inputs=inputs))
    assert (outputs["staged"], outputs["filesSent"]) == (site.release_id, 0)
    assert platform.calls == []


async def test_going_back_waits_with_asking_while_the_place_is_not_known(tmp_path, make_site, monkeypatch):
    site = make_site({"index.html": "<p>home"})
    session = Session(cache=tmp_path / "cache")
    session.remember(Scanned(site, frozenset(), kept=True))
    inputs = {"platform": "aws", "release": site.release_id, "target": {"bucket": UNKNOWN}}
    assert await UploadHandler(session).check(Request("urn", "upload", inputs=inputs)) == (inputs, [])
