from __future__ import annotations

import itertools
from contextlib import suppress

import pytest

from publisher.errors import PlatformRefused, StagedDiffers
from publisher.journal import Journal
from publisher.platforms.aws.index import Index
from publisher.platforms.aws.layout import entries, object_keys
from publisher.platforms.base import KEEP
from publisher.progress import Silence
from publisher.releasing import publish, recover, upload
from tests.publisher.platforms.faults import KINDS, Faults, each_call_fails_once
from tests.publisher.platforms.remembering import remembered

PAGES = {
    "index.html": "<p>home",
    "about.html": "<p>about",
    "posts/index.html": "<p>posts",
    "posts/a b & c.html": "<p>odd name",
    "404.html": "<p>lost",
    "_redirects": "/old /about 301\n/docs/* /posts/:splat 302\n/forced /posts/ 307!\n/in-place /about.html 200\n",
    "_headers": "/posts/*\n  X-Extra: posts\n",
}


async def test_a_release_answers_every_path_as_the_site_says(account, make_site):
    site = make_site(PAGES)
    sent = await account.release(site)
    assert sent.files_sent == 5
    assert await account.verify(site) > 8


async def test_the_same_release_again_sends_nothing_and_writes_nothing(account, make_site):
    site = make_site(PAGES)
    await account.release(site)
    before = account.sandbox.environment.copy(), await Index(account.target["key_value_store_arn"]).version()
    sent = await account.release(site)
    assert sent.files_sent == 0
    assert await Index(account.target["key_value_store_arn"]).version() == before[1]


async def test_one_changed_page_sends_one_object_and_one_more_for_the_record(account, make_site):
    await account.release(make_site(PAGES))
    site = make_site({**PAGES, "about.html": "<p>changed"})
    platform = account.platform()
    assert {file.path for file in await platform.missing(site)} == {"about.html", ".well-known/release.json"}
    sent = await account.release(site)
    assert sent.files_sent == 1
    await account.verify(site)


async def test_removed_and_added_pages_follow_the_release(account, make_site):
    await account.release(make_site(PAGES))
    pages = {**PAGES, "new.html": "<p>new"}
    del pages["about.html"], pages["_redirects"]
    site = make_site(pages)
    await account.release(site)
    await account.verify(site)


async def test_nothing_is_seen_of_a_staged_release(account, make_site):
    old = make_site(PAGES)
    await account.release(old)
    await upload(account.platform(), make_site({**PAGES, "index.html": "<p>next"}), Silence(), Journal())
    await account.verify(old)


async def test_an_earlier_release_comes_back_without_sending_or_indexing(account, make_site):
    first, second = make_site(PAGES), make_site({**PAGES, "index.html": "<p>second"})
    await account.release(first)
    await account.release(second)
    arn = account.target["key_value_store_arn"]
    paths = {key: value for key, value in (await Index(arn).all()).items() if key.startswith("/")}
    sent = await account.release(first)
    assert sent.files_sent == 0
    assert {key: value for key, value in (await Index(arn).all()).items() if key.startswith("/")} == paths
    await account.verify(first)


async def test_after_many_releases_only_the_kept_ones_stay(account, make_site):
    sites = [make_site({**PAGES, "index.html": f"<p>release {number}"}) for number in range(KEEP + 3)]
    for site in sites:
        await account.release(site)
    await account.verify(sites[-1])
    pairs = await Index(account.target["key_value_store_arn"]).all()
    assert len(entries(pairs["/index.html"])) == KEEP
    assert len(entries(pairs["/about.html"])) == 1
    platform = account.platform()
    there = await platform._objects.sizes("objects/")
    assert set(there) == {key for site in sites[-KEEP:] for key in object_keys(site) if key.startswith("objects/")}
    assert len({key.split("/")[1] for key in pairs if key.startswith("rules/")}) == KEEP
    await account.release(sites[-KEEP])
    await account.verify(sites[-KEEP])


class Killed(Exception):
    pass


@pytest.mark.parametrize("point", range(12))
async def test_killed_after_any_write_visitors_see_one_whole_release_and_the_next_run_ends_well(
    account, make_site, monkeypatch, point
):
    old = make_site(PAGES)
    await account.release(old)
    killed = make_site({**PAGES, "index.html": "<p>killed", "about.html": "<p>killed", "only-killed.html": "<p>killed"})
    final = make_site({**PAGES, "index.html": "<p>final", "new.html": "<p>final"})
    await run_until_write(account, killed, monkeypatch, point)
    live = await account.platform().live()
    assert live in {old.release_id, killed.release_id}
    await account.verify(old if live == old.release_id else killed)
    await account.release(final)
    await account.verify(final)


async def run_until_write(account, site, monkeypatch, point):
    """Publish, and die right after the ``point``-th write to S3 or to the store."""
    platform = account.platform()
    written = 0

    def counted(work):
        async def call(*arguments, **options):
            nonlocal written
            result = await work(*arguments, **options)
            written += 1
            if written > point:
                raise Killed
            return result

        return call

    monkeypatch.setattr(platform._objects, "_put", counted(platform._objects._put))
    monkeypatch.setattr(platform._index, "_write_batch", counted(platform._index._write_batch))
    with suppress(Killed):
        sent = await upload(platform, site, Silence(), Journal())
        await publish(platform, site.release_id, sent.staged, Silence(), Journal())


async def test_a_staged_copy_that_lost_an_object_is_refused(account, make_site):
    site = make_site(PAGES)
    platform = account.platform()
    await upload(platform, site, Silence(), Journal())
    await platform._objects.delete([next(key for key in object_keys(site) if key.startswith("objects/"))])
    with pytest.raises(StagedDiffers, match=r"no bytes"):
        await account.release(site)
    assert await account.platform().live() is None


async def test_an_earlier_release_comes_back_from_what_is_kept_of_it(account, make_site):
    first, second = make_site(PAGES), make_site({**PAGES, "index.html": "<p>second"})
    await account.release(first)
    await account.release(second)
    sent = await recover(account.platform(), remembered(first), Silence(), Journal())
    await publish(account.platform(), first.release_id, sent.staged, Silence(), Journal())
    await account.verify(first)


async def test_an_earlier_release_that_lost_an_object_is_not_gone_back_to(account, make_site):
    first, second = make_site(PAGES), make_site({**PAGES, "index.html": "<p>second"})
    await account.release(first)
    await account.release(second)
    old = [key for key, file in object_keys(first).items() if file.path == "index.html"]
    await account.platform()._objects.delete(old)
    with pytest.raises(StagedDiffers, match=r"kept no more as a whole.*make releases") as error:
        await recover(account.platform(), remembered(first), Silence(), Journal())
    assert any("index.html" in line for line in error.value.differences)
    await account.verify(second)


async def test_refused_credentials_are_named_without_their_value(account, make_site, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONGWRONGWRONG0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    with pytest.raises(PlatformRefused, match=r"AWS credentials") as error:
        await account.release(make_site(PAGES))
    assert "hunter2" not in str(error.value)


async def test_a_large_file_is_streamed_whole(account, make_site):
    site = make_site({**PAGES, "big.txt": "0123456789abcdef" * 1_200_000})
    await account.release(site)
    await account.verify(site)


SMALL = {"index.html": "<p>home", "about.html": "<p>about", "404.html": "<p>lost", "_redirects": "/old /about 301\n"}


@pytest.mark.parametrize("first", range(2))
async def test_a_fault_at_any_call_ends_in_the_release_or_in_an_error_and_the_old_one_whole(account, make_site, first):
    account.target["settle_seconds"] = "0.01"
    apps = [control.app for control in account.sandbox.twins[0].control]
    sites = (make_site({**SMALL, "index.html": f"<p>new {number}"}) for number in itertools.count())
    turns = KINDS[first * 3 :] + KINDS[: first * 3]
    said = await each_call_fails_once(account, sites, Faults("", apps), keep="5", kinds=turns)
    assert account.sandbox.environment["AWS_SECRET_ACCESS_KEY"] not in said


async def test_the_stores_state_and_the_release_that_it_names_are_told(account, make_site):
    assert await account.platform().newest() is None
    sites = [make_site({**PAGES, "index.html": f"<p>{number}"}) for number in range(2)]
    found = []
    for site in sites:
        await account.release(site)
        found.append(await account.platform().newest())
    assert [(one.state, one.phase, one.release) for one in found] == [
        ("READY", "ready", site.release_id) for site in sites
    ]
    assert int(found[0].number) < int(found[1].number)
    assert found[1].made.utcoffset().total_seconds() == 0
