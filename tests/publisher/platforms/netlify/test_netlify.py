from __future__ import annotations

import itertools
from contextlib import suppress

import pytest

from publisher.errors import PlatformRefused, StagedDiffers
from publisher.journal import Journal
from publisher.platforms.netlify.rule_files import headers_file, redirects_file
from publisher.progress import Silence
from publisher.releasing import publish, upload
from tests.publisher.platforms.faults import KINDS, Faults, each_call_fails_once

PAGES = {
    "index.html": "<p>home",
    "about.html": "<p>about",
    "posts/index.html": "<p>posts",
    "posts/a b & c.html": "<p>odd name",
    "style.css": "p { color: green }",
    "app.3f2a9c1b.js": "'use strict'",
    "404.html": "<p>lost",
    "_redirects": "/old /about 301\n/docs/* /posts/:splat 302\n/forced /posts/ 307!\n/in-place /about.html 200\n",
    "_headers": "/posts/*\n  X-Extra: posts\n  Referrer-Policy: no-referrer\n",
}


async def test_a_release_answers_every_path_as_the_site_says(account, make_site):
    site = make_site(PAGES)
    sent = await account.release(site)
    assert sent.files_sent == 7
    assert await account.verify(site) > 10


async def test_one_changed_page_sends_that_page(account, make_site):
    await account.release(make_site(PAGES))
    site = make_site({**PAGES, "about.html": "<p>changed"})
    sent = await account.release(site)
    assert sent.files_sent == 1
    await account.verify(site)


async def test_a_draft_is_seen_by_nobody(account, make_site):
    old = make_site(PAGES)
    await account.release(old)
    await upload(account.platform(), make_site({**PAGES, "index.html": "<p>next"}), Silence(), Journal())
    await account.verify(old)


async def test_one_release_gets_one_deploy_however_often_it_is_published(account, make_site):
    site = make_site(PAGES)
    for _ in range(3):
        await account.release(site)
    assert [deploy["title"] for deploy in await account.api.deploys(account.site_id)] == [site.release_id]


async def test_an_earlier_release_comes_back_without_a_new_deploy(account, make_site):
    first, second = make_site(PAGES), make_site({**PAGES, "index.html": "<p>second"})
    await account.release(first)
    await account.release(second)
    sent = await account.release(first)
    assert sent.files_sent == 0
    assert len(await account.api.deploys(account.site_id)) == 2
    await account.verify(first)


async def test_a_locked_site_is_named_and_nothing_is_published(account, make_site):
    old = make_site(PAGES)
    await account.release(old)
    published = (await account.api.deploys(account.site_id))[0]["id"]
    await account.api._call("POST", f"/deploys/{published}/lock", "locking")
    with pytest.raises(PlatformRefused, match=r"locked to deploy .* Start auto publishing again"):
        await account.release(make_site({**PAGES, "index.html": "<p>next"}))
    await account.verify(old)


async def test_a_refused_token_is_named_without_its_value(account, make_site, monkeypatch):
    monkeypatch.setenv("NETLIFY_AUTH_TOKEN", "hunter2")
    with pytest.raises(PlatformRefused, match=r"HTTP 401.*Set NETLIFY_AUTH_TOKEN") as error:
        await account.release(make_site(PAGES))
    assert "hunter2" not in str(error.value)


async def test_a_missing_token_is_named(account, make_site, monkeypatch):
    monkeypatch.delenv("NETLIFY_AUTH_TOKEN")
    with pytest.raises(PlatformRefused, match="NETLIFY_AUTH_TOKEN is not set"):
        await account.release(make_site(PAGES))


async def test_a_draft_with_other_bytes_is_not_published(account, make_site):
    site = make_site(PAGES)
    await account.release(make_site({**PAGES, "index.html": "<p>old"}))
    await upload(account.platform(), site, Silence(), Journal())
    deploys = account.sandbox.twins[0]
    sha1 = account.digests.sha1(site.files["index.html"])
    (account.sandbox.world.folder / "netlify" / "blobs" / sha1[:2] / sha1).write_text("<p>spoiled")
    with pytest.raises(StagedDiffers, match=r"/: 10 bytes with digest"):
        await account.release(site)
    assert deploys.sites()[0].live_release != site.release_id


class Killed(BaseException):
    pass


@pytest.mark.parametrize("point", range(14))
async def test_killed_after_any_call_visitors_see_one_whole_release_and_one_deploy_is_made(
    account, make_site, monkeypatch, point
):
    old, new = make_site(PAGES), make_site({**PAGES, "index.html": "<p>new", "new.html": "<p>new"})
    await account.release(old)
    await die_after_call(account, new, monkeypatch, point)
    live = await account.platform().live()
    await account.verify(old if live == old.release_id else new)
    await account.release(new)
    await account.verify(new)
    titles = [deploy["title"] for deploy in await account.api.deploys(account.site_id)]
    assert sorted(titles) == sorted([old.release_id, new.release_id])


async def die_after_call(account, site, monkeypatch, point):
    """Publish, and die right after the ``point``-th call to the API was answered."""
    platform = account.platform()
    answered = 0
    real = platform._api._call

    async def call(*arguments, **options):
        nonlocal answered
        answer = await real(*arguments, **options)
        answered += 1
        if answered > point:
            raise Killed
        return answer

    monkeypatch.setattr(platform._api, "_call", call)
    with suppress(Killed, BaseExceptionGroup):
        sent = await upload(platform, site, Silence(), Journal())
        await publish(platform, site.release_id, sent.staged, Silence(), Journal())


SMALL = {"index.html": "<p>home", "about.html": "<p>about", "404.html": "<p>lost", "_redirects": "/old /about 301\n"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_at_any_call_ends_in_the_release_or_in_an_error_and_the_old_one_whole(
    account, make_site, monkeypatch, kind
):
    monkeypatch.setattr("publisher.retries._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("publisher.retries.random.uniform", lambda low, high: 0.0)
    apps = [control.app for control in account.sandbox.twins[0].control]
    sites = (make_site({**SMALL, "index.html": f"<p>new {number}"}) for number in itertools.count())
    said = await each_call_fails_once(account, sites, Faults(kind, apps))
    assert account.sandbox.environment["NETLIFY_AUTH_TOKEN"] not in said


def test_no_two_blocks_of_headers_give_one_path_two_values_that_browsers_would_not_join(make_site):
    text = headers_file(make_site(PAGES)).decode()
    assert text.count("X-Frame-Options") == 1
    assert "/posts/*\n  X-Extra: posts\n  Referrer-Policy: no-referrer\n" in text
    assert "/style.css\n  Cache-Control: public, max-age=3600" in text
    assert "/app.3f2a9c1b.js\n  Cache-Control: public, max-age=31536000, immutable\n  Content-Type: text/java" in text


def test_redirects_keep_their_order_and_force(make_site):
    assert redirects_file(make_site(PAGES)).decode().splitlines() == [
        "/old /about 301",
        "/docs/* /posts/:splat 302",
        "/forced /posts/ 307!",
        "/in-place /about.html 200",
    ]


def test_a_header_that_netlify_cannot_vary_by_path_names_file_and_line(make_site):
    pages = {**PAGES, "_headers": "/posts/*\n  X-Extra: one\n/posts/deep/*\n  X-Extra: two\n"}
    with pytest.raises(PlatformRefused, match=r"_headers:3: netlify cannot let /posts/deep/\* replace X-Extra"):
        headers_file(make_site(pages))


async def test_the_newest_deploy_is_told_with_its_state(account, make_site):
    assert await account.platform().newest() is None
    site = make_site(PAGES)
    platform = account.platform()
    await platform.find_staged(site)
    await platform.missing(site)
    begun = await account.platform().newest()
    assert (begun.phase, begun.release) == ("running", site.release_id)
    await account.release(site)
    newest = await account.platform().newest()
    assert (newest.number, newest.state, newest.phase) == (begun.number, "ready", "ready")
    assert newest.made.utcoffset().total_seconds() == 0
