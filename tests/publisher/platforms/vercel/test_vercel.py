from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from publisher.errors import LimitExceeded, PlatformRefused, StagedDiffers
from publisher.journal import Journal
from publisher.platforms import vercel as module
from publisher.progress import Silence
from publisher.releasing import publish, recover, upload
from tests.publisher.platforms.faults import KINDS, Faults, each_call_fails_once
from tests.publisher.platforms.remembering import remembered

PAGES = {
    "index.html": "<p>home",
    "about.html": "<p>about",
    "posts/index.html": "<p>posts",
    "posts/a b & c.html": "<p>odd name",
    "posts/é.html": "<p>accent",
    "style.css": "p { color: green }",
    "app.3f2a9c1b.js": "'use strict'",
    "data.unknown": "x",
    "404.html": "<p>lost",
    "_redirects": (
        "/old /about 301\n/docs/* /posts/:splat 302\n/forced /posts/ 307!\n/about /posts/ 308!\n"
        "/in-place /about.html 200\n/mirror/* /posts/:splat 200\n/é /about 301\n"
    ),
    "_headers": "/posts/*\n  X-Extra: posts\n  Referrer-Policy: no-referrer\n/posts/é\n  X-Extra: accent\n",
}


SMALL = {"index.html": "<p>home", "about.html": "<p>about", "404.html": "<p>lost", "_redirects": "/old /about 301\n"}


async def test_a_release_answers_every_path_as_the_site_says(account, make_site):
    site = make_site(PAGES)
    sent = await account.release(site)
    assert sent.files_sent == 9
    assert await account.verify(site) > 15


async def test_a_rewrite_of_a_folder_reaches_its_pages_and_nothing_else(account, make_site):
    site = make_site(PAGES)
    await account.release(site)
    for path in ("/mirror/", "/mirror/%C3%A9", "/mirror/%C3%A9.html", "/mirror//a%20b%20%26%20c", "/mirror/none"):
        async with account.http.get(f"https://{account.hostname}{path}") as answer:
            expected = site.answer(aiohttp.client.URL(path, encoded=True).path)
            assert answer.status == expected.status, path
            assert await answer.read() == expected.file.source.read_bytes(), path


async def test_one_changed_page_sends_that_page(account, make_site):
    await account.release(make_site(PAGES))
    site = make_site({**PAGES, "about.html": "<p>changed"})
    sent = await account.release(site)
    assert sent.files_sent == 1
    await account.verify(site)


async def test_a_staged_deployment_is_seen_by_nobody(account, make_site):
    old = make_site(PAGES)
    await account.release(old)
    await upload(account.platform(), make_site({**PAGES, "index.html": "<p>next"}), Silence(), Journal())
    await account.verify(old)


async def test_one_release_gets_one_deployment_however_often_it_is_published(account, make_site):
    site = make_site(PAGES)
    for _ in range(3):
        await account.release(site)
    assert await account.releases() == [site.release_id]


async def test_earlier_releases_come_back_without_files_also_beyond_the_one_before(account, make_site):
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(3)]
    for site in sites:
        await account.release(site)
    for site in (sites[0], sites[2], sites[1], sites[2]):
        sent = await recover(account.platform(), remembered(site), Silence(), Journal())
        await publish(account.platform(), site.release_id, sent.staged, Silence(), Journal())
        await account.verify(site)
    assert len(await account.releases()) == 3
    new = make_site({**PAGES, "index.html": "<p>new"})
    await account.release(new)
    await account.verify(new)


async def test_what_lies_behind_the_kept_releases_goes_after_a_day_and_never_the_live_one(account, make_site):
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(6)]
    for site in sites[:5]:
        await account.release(site, keep="3")
    assert len(await account.releases()) == 5
    account.age_by(days=1)
    await account.release(sites[5], keep="3")
    assert await account.releases() == [site.release_id for site in reversed(sites[3:])]
    await account.verify(sites[-1])


async def test_a_deployment_that_was_taken_away_early_would_not_count_for_the_day(account, make_site):
    for number in range(4):
        await account.release(make_site({**PAGES, "index.html": f"<p>{number}"}), keep="2")
    now = datetime.now(UTC)
    assert len(await account.platform().deployments(now - timedelta(days=1))) == 4


async def test_a_refused_token_is_named_without_its_value(account, make_site, monkeypatch):
    monkeypatch.setenv("VERCEL_API_TOKEN", "hunter2")
    with pytest.raises(PlatformRefused, match=r"HTTP 403.*VERCEL_API_TOKEN") as error:
        await account.release(make_site(PAGES))
    assert "hunter2" not in str(error.value)


async def test_a_missing_token_is_named(account, make_site, monkeypatch):
    monkeypatch.delenv("VERCEL_API_TOKEN")
    with pytest.raises(PlatformRefused, match="VERCEL_API_TOKEN is not set"):
        await account.release(make_site(PAGES))


async def test_a_deployment_with_other_bytes_is_not_published(account, make_site):
    old, site = make_site({**PAGES, "index.html": "<p>old"}), make_site(PAGES)
    await account.release(old)
    await upload(account.platform(), site, Silence(), Journal())
    sha1 = account.digests.sha1(site.files["index.html"])
    (account.sandbox.world.folder / "vercel" / "blobs" / sha1[:2] / sha1).write_text("<p>spoiled")
    with pytest.raises(StagedDiffers, match=r"/: 10 bytes with digest"):
        await account.release(site)
    assert await account.platform().live() == old.release_id


async def test_the_days_deployments_are_counted_before_anything_is_sent(account, make_site, monkeypatch):
    async def made(since):
        return [datetime.now(UTC)] * 100

    platform = account.platform()
    monkeypatch.setattr(platform, "deployments", made)
    with pytest.raises(LimitExceeded, match=r"vercel \(plan hobby\): 100 of 100 deployments are used within one day"):
        await upload(platform, make_site(PAGES), Silence(), Journal())


async def test_more_uploads_than_a_day_has_are_refused_before_the_first(account, make_site, monkeypatch):
    monkeypatch.setitem(module.UPLOADS_A_DAY, "hobby", 3)
    with pytest.raises(LimitExceeded, match=r"11 files are to be uploaded, the limit is 3 a day"):
        await account.release(make_site(PAGES))
    assert await account.api.deployments() == []
    await account.release(make_site(PAGES), plan="pro")


REAL_SLEEP = asyncio.sleep
#: Longer than the twin takes for a promotion that has begun, in real seconds.
PROMOTION = 0.05


class Killed(BaseException):
    pass


async def publish_killed(account, site, monkeypatch, point):
    """Publish, and die right after the ``point``-th call to the API was answered; False if it came to its end."""
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
        return False
    return True


async def test_killed_after_any_call_visitors_see_one_whole_release_and_one_deployment_is_made(
    account, make_site, monkeypatch
):
    old = make_site(SMALL)
    await account.release(old)
    point, killed, known = 0, True, {old.release_id}
    while killed:
        new = make_site({**SMALL, "index.html": f"<p>new {point}", "new.html": f"<p>new {point}"})
        killed = await publish_killed(account, new, monkeypatch, point)
        await REAL_SLEEP(PROMOTION)
        live = await account.platform().live()
        await account.verify(old if live == old.release_id else new)
        await account.release(new, keep="100")
        await account.verify(new)
        known.add(new.release_id)
        releases = await account.releases()
        assert len(releases) == len(set(releases))
        assert releases[0] == new.release_id
        old, point = new, point + 1
    assert point > 12


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_at_any_call_ends_in_the_release_or_in_an_error_and_the_old_one_whole(
    account, make_site, monkeypatch, kind
):
    monkeypatch.setattr(module.asyncio, "sleep", at_once)
    apps = [control.app for control in account.sandbox.twins[0].control]
    sites = (make_site({**SMALL, "index.html": f"<p>new {number}"}) for number in itertools.count())
    said = await each_call_fails_once(account, sites, Faults(kind, apps), settle=PROMOTION)
    assert account.sandbox.environment["VERCEL_API_TOKEN"] not in said


async def at_once(seconds):
    await REAL_SLEEP(min(seconds, 0.01))


async def test_the_newest_deployment_is_told_with_its_state(account, make_site):
    assert await account.platform().newest() is None
    first, second = make_site(PAGES), make_site({**PAGES, "index.html": "<p>new"})
    await account.release(first)
    newest = await account.platform().newest()
    assert (newest.state, newest.phase, newest.release) == ("READY", "ready", first.release_id)
    assert abs(datetime.now(UTC) - newest.made).total_seconds() < 300
    await upload(account.platform(), second, Silence(), Journal())
    staged = await account.platform().newest()
    assert (staged.release, staged.number != newest.number) == (second.release_id, True)
