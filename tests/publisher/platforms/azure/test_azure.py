from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from itertools import count

import pytest

from publisher.errors import LimitExceeded, PlatformRefused, PlatformUnavailable, StagedDiffers
from publisher.journal import Journal
from publisher.platforms import azure as publisher_azure
from publisher.platforms.azure import AzurePlatform, blobs, resource_manager
from publisher.progress import Silence
from publisher.releasing import find_kept, publish, upload
from publisher.retries import RetryPolicy
from sandbox.platforms.azure.account import BLOB, BUILD
from sandbox.platforms.azure.deployments import DeploymentFailed, Deployments
from tests.publisher.platforms.azure.meddling import FAULTS, Killed
from website import File, Site, load_site

PAGES = {
    "index.html": "<p>home",
    "about.html": "<p>about",
    "posts/index.html": "<p>posts",
    "posts/a b & c.html": "<p>odd name",
    "posts/ünï.html": "<p>ünï",
    "style.css": "p { color: green }",
    "app.3f2a9c1b.js": "'use strict'",
    "LICENSE": "free",
    "404.html": "<p>lost",
    "_redirects": "/old /about 301\n/docs/* /posts/ 302\n/forced /posts/ 302!\n/about.html /posts/ 302!\n"
    "/in-place /about.html 200\n/was/* /posts/:splat 200\n/else https://example.org/a?b=c 302\n",
    "_headers": "/posts/*\n  X-Extra: posts\n  Referrer-Policy: no-referrer\n/about\n  X-Extra: about\n",
}


def page(text):
    """A site that differs in its home page and one more."""
    return {**PAGES, "index.html": f"<p>{text}", f"{text}.html": text}


LOOKED_AT = ("/", "/about", "/posts/", "/nowhere")


async def served(account, *sites):
    """The one of the sites that visitors get, whole. Looks again if what a killed run began takes effect meanwhile."""
    live, before, answers = await account.platform().live(), None, []
    while live != before:
        before, answers = live, [await asked(account, path) for path in LOOKED_AT]
        live = await account.platform().live()
    (found,) = [site for site in sites if site.release_id == live]
    assert answers == [stated(found.answer(path)) for path in LOOKED_AT]
    return found


async def asked(account, path):
    async with account.http.get(account.target["url"] + path, allow_redirects=False) as answer:
        return answer.status, await answer.read()


def stated(wanted):
    source = wanted.file.source
    return wanted.status, source if isinstance(source, bytes) else source.read_bytes()


async def test_a_release_answers_every_path_as_the_site_says(account, make_site):
    site = make_site(PAGES)
    sent = await account.release(site)
    assert sent.files_sent == 9
    assert await account.verify(site) > 15


async def test_the_example_answers_every_path_as_it_says(account, tmp_path):
    site = load_site("examples/site", cache=tmp_path / "cache")
    await account.release(site)
    assert await account.verify(site) >= 30


async def test_the_first_release_is_deployed_where_nothing_was(account, make_site):
    assert await account.platform().live() is None
    site = make_site(PAGES)
    await account.release(site)
    assert await account.platform().live() == site.release_id
    assert account.sandbox.twins[0].sites()[0].live_release == site.release_id


async def test_a_release_is_sent_whole_as_one_package(account, make_site):
    await account.release(make_site(PAGES))
    account.meddler.arm("", None)
    await account.release(make_site(page("changed")))
    written = [call for call in account.meddler.seen if call.startswith("PUT")]
    assert len(written) == 1


async def test_a_staged_release_is_seen_by_nobody(account, make_site):
    old = make_site(PAGES)
    await account.release(old)
    await upload(account.platform(), make_site(page("next")), Silence(), Journal())
    await account.verify(old)
    assert account.deployed() == [old.release_id]


async def test_one_release_is_deployed_once_however_often_it_is_published(account, make_site):
    site = make_site(PAGES)
    sent = [await account.release(site) for _ in range(3)]
    assert [found.files_sent for found in sent] == [9, 0, 0]
    assert account.deployed() == [site.release_id]


async def test_publishing_twice_changes_nothing(account, make_site):
    site = make_site(PAGES)
    sent = await account.release(site)
    await account.platform().publish(site.release_id, sent.staged)
    assert account.deployed() == [site.release_id]


async def test_an_earlier_release_comes_back_without_its_files(account, make_site):
    first, second = make_site(page("first")), make_site(page("second"))
    await account.release(first)
    await account.release(second)
    platform = account.platform()
    account.meddler.arm("", None)
    await publish(platform, first.release_id, await find_kept(platform, first.release_id), Silence(), Journal())
    assert not any(call.startswith("PUT") for call in account.meddler.seen)
    await account.verify(first)
    assert account.deployed() == [first.release_id, second.release_id, first.release_id]


async def test_kept_releases_are_the_newest_and_the_live_one(account, make_site):
    sites = [make_site(page(f"number-{number}")) for number in range(4)]
    for site in sites:
        await account.release(site, account.platform(keep="2"))
    kept = await account.platform().kept()
    assert {found.release for found in kept} == {site.release_id for site in sites[2:]}
    assert all(found.made.tzinfo is not None for found in kept)


async def test_the_live_release_is_never_pruned(account, make_site):
    live, *others = [make_site(page(f"number-{number}")) for number in range(4)]
    await account.release(live)
    for site in others:
        await upload(account.platform(), site, Silence(), Journal())
    platform = account.platform(keep="1")
    await platform.prune(live.release_id)
    assert [found.release for found in await platform.kept()] == [live.release_id]


async def test_blobs_of_others_are_neither_listed_nor_deleted(account, make_site):
    site = make_site(PAGES)
    await account.release(site)
    store = account.sandbox.world.store
    place = f"{account.target['account']}/{account.target['container']}/releases/notes.zip"
    store.put(BLOB, place, next(iter(store.all(BLOB).values())))
    platform = account.platform(keep="1")
    await platform.prune(site.release_id)
    assert [found.release for found in await platform.kept()] == [site.release_id]
    assert place in store.all(BLOB)


async def test_a_large_package_goes_in_blocks_and_only_as_a_whole(account, make_site, monkeypatch):
    monkeypatch.setattr(blobs, "BLOCK", 400)
    site = make_site({**PAGES, "large.bin": "".join(map(str, range(3000)))})
    account.meddler.arm("", None)
    await account.release(site)
    assert sum(call.startswith("PUT") for call in account.meddler.seen) > 5
    await account.verify(site)
    assert (await account.platform().check_staged(site, f"releases/{site.release_id}.zip")) is None


async def test_a_package_of_other_content_is_not_published(account, make_site):
    old, new = make_site(page("old")), make_site(page("new"))
    await account.release(old)
    await upload(account.platform(), new, Silence(), Journal())
    store = account.sandbox.world.store
    (place,) = [place for place in store.all(BLOB) if new.release_id in place]
    spoiled = {**store.get(BLOB, place), "metadata": {**store.get(BLOB, place)["metadata"], "content": "0" * 64}}
    store.put(BLOB, place, spoiled)
    with pytest.raises(StagedDiffers, match=r"releases/r\w+\.zip is not the release; nothing was published"):
        await account.release(new)
    await account.verify(old)


async def test_killed_after_any_call_visitors_get_one_whole_release_which_is_deployed_once(account, make_site):
    old = make_site(page("old"))
    await account.release(old)
    sites, last = [old], []
    for point in count():
        new = make_site(page(f"new-{point}"))
        account.meddler.arm("killed", point)
        with suppress(Killed, BaseExceptionGroup):
            await account.release(new)
        completed = not account.meddler.done
        last.append(account.meddler.seen[-1])
        calls = account.meddler.disarm()
        await served(account, old, new)
        await account.release(new)
        assert await served(account, old, new) is new
        sites, old = [*sites, new], new
        if completed:
            break
    assert 13 <= calls <= point
    for step in ("/token", "PUT", "HEAD", "/zipdeploy", "/operationStatuses/", "/builds/default", "/release.json"):
        assert any(step in call for call in last)
    assert account.deployed() == [site.release_id for site in sites]


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_bad_answer_at_any_call_is_made_good_in_the_same_run(account, make_site, fault, monkeypatch):
    quick(monkeypatch)
    sites = [make_site(page("old"))]
    await account.release(sites[0])
    for point in count():
        sites.append(make_site(page(f"new-{point}")))
        account.meddler.arm(fault, point)
        await account.release(sites[-1])
        made = account.meddler.at != -1
        account.meddler.disarm()
        assert await served(account, *sites[-2:]) is sites[-1]
        if made:
            break
    assert point >= 13
    assert account.deployed() == [site.release_id for site in sites]


async def test_a_refusal_half_way_is_clear_and_the_next_run_ends_well(account, make_site, monkeypatch):
    quick(monkeypatch)
    sites = [make_site(page("old"))]
    await account.release(sites[0])
    refused = []
    for point in count():
        sites.append(make_site(page(f"new-{point}")))
        account.meddler.arm("401", point)
        try:
            await account.release(sites[-1])
        except PlatformRefused as error:
            refused.append(str(error))
        made = account.meddler.at != -1
        account.meddler.disarm()
        await served(account, *sites[-2:])
        await account.release(sites[-1])
        assert await served(account, *sites[-2:]) is sites[-1]
        if made:
            break
    assert len(refused) >= 9
    assert all(re.search(r"HTTP 401|gave no token", text) and "ARM_" in text for text in refused)
    assert account.deployed() == [site.release_id for site in sites]


def quick(monkeypatch):
    """The same policies, their pauses shorter."""
    for module, name in ((blobs, "_POLICY"), (resource_manager, "_POLICY"), (publisher_azure, "_ASKED")):
        policy = getattr(module, name)
        shorter = RetryPolicy(policy.attempts, 0.01, policy.longest_delay, policy.healing_statuses, policy.hints)
        monkeypatch.setattr(module, name, shorter)


async def test_a_storage_account_that_stays_broken_leaves_the_old_release_live(account, make_site, monkeypatch):
    quick(monkeypatch)
    old = make_site(page("old"))
    await account.release(old)

    async def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("sandbox.platforms.azure.blob_service.BlobService._put_blob", broken)
    with pytest.raises(PlatformUnavailable, match=r"writing releases/r\w+\.zip did not succeed in 6 attempts"):
        await account.release(make_site(page("new")))
    await account.verify(old)


async def test_no_call_waits_a_day_because_azure_asks_it_to(account, make_site, monkeypatch):
    monkeypatch.setattr("publisher.platforms.azure.credentials._PATIENCE", 0.5)
    old = make_site(page("old"))
    await account.release(old)
    unavailable = 0
    for number in range(60):
        new = make_site(page(f"new {number}"))
        account.meddler.arm("a day", number)
        try:
            async with asyncio.timeout(60):
                await account.release(new)
        except PlatformUnavailable:
            unavailable += 1
        finally:
            reached = account.meddler.at == -1
            account.meddler.disarm()
        await account.release(new)
        if not reached:
            break
    assert unavailable > 5
    await account.verify(new)


async def test_a_deployment_that_may_have_succeeded_is_looked_into_and_made_again(account, make_site, monkeypatch):
    fetched, fetch = [], Deployments._fetch

    async def timed_out(self, link, package):
        fetched.append(link)
        if len(fetched) == 1:
            raise DeploymentFailed("Upload Timed Out. Unsure if deployment was successful or not.")
        await fetch(self, link, package)

    monkeypatch.setattr(Deployments, "_fetch", timed_out)
    site = make_site(PAGES)
    await account.release(site)
    assert len(fetched) == 2
    await account.verify(site)


async def test_a_deployment_that_azure_refuses_names_the_reason_and_leaves_the_old_one(account, make_site, monkeypatch):
    old = make_site(page("old"))
    await account.release(old)

    async def refused(self, link, package):
        raise DeploymentFailed("The size of the app content was too large.")

    monkeypatch.setattr(Deployments, "_fetch", refused)
    with pytest.raises(PlatformRefused, match=r"BadRequest: The size of the app content was too large.*stays live"):
        await account.release(make_site(page("new")))
    await account.verify(old)


async def test_no_deployment_begins_while_another_is_under_way(account, make_site):
    first, second = make_site(page("first")), make_site(page("second"))
    platform = account.platform()
    sent = await upload(platform, first, Silence(), Journal())
    link = await platform._blobs.link(sent.staged)
    properties = {"appZipUrl": link, "deploymentTitle": first.release_id}
    address = f"{platform._manager._site}/zipdeploy"
    await platform._manager._call("POST", address, "deploying", json={"properties": properties})
    await account.release(second)
    assert account.deployed() == [first.release_id, second.release_id]
    await account.verify(second)


async def test_azure_says_ready_and_serves_later_the_run_waits(account, make_site, monkeypatch):
    old, new = make_site(page("old")), make_site(page("new"))
    await account.release(old)
    answers = iter([old.release_id] * 4)
    real = AzurePlatform.live

    async def late(self):
        return next(answers, None) or await real(self)

    monkeypatch.setattr(AzurePlatform, "live", late)
    await account.release(new)
    assert next(answers, None) is None
    assert account.deployed() == [old.release_id, new.release_id]


async def test_azure_that_serves_another_release_all_the_time_is_named(account, make_site, monkeypatch):
    async def never(self):
        return None

    monkeypatch.setattr(publisher_azure, "_SERVED_SECONDS", 0.05)
    monkeypatch.setattr(AzurePlatform, "live", never)
    with pytest.raises(PlatformUnavailable, match=r"is in place, and https://\S+ still answers with none after"):
        await account.release(make_site(PAGES))


async def test_a_site_that_is_being_deleted_is_named(account, make_site, monkeypatch):
    site = make_site(PAGES)
    store = account.sandbox.world.store
    finish = Deployments._place

    def deleting(self, identifier, operation, files):
        finish(self, identifier, operation, files)
        store.put(BUILD, operation["site"], {**store.get(BUILD, operation["site"]), "status": "Deleting"})

    monkeypatch.setattr(Deployments, "_place", deleting)
    with pytest.raises(PlatformRefused, match="the site's state is Deleting"):
        await account.release(site)


async def test_no_error_shows_the_signature_of_the_link(account, make_site):
    """Azure may say the link in its own words."""
    await account.release(make_site(page("old")))
    account.meddler.arm("", None)
    await account.release(make_site(page("new")))
    (point,) = [number for number, seen in enumerate(account.meddler.seen) if seen.endswith("/zipdeploy")]
    account.meddler.arm("telling", point)
    with pytest.raises(PlatformRefused, match=r"cannot fetch https://\S+\.zip") as error:
        await account.release(make_site(page("newer")))
    assert "sig=" not in str(error.value).replace("sig=…", "")


def test_a_site_beyond_the_plan_is_refused_with_the_other_plan(make_site):
    site = make_site({**PAGES, "large.bin": "x"})
    file = site.files["large.bin"]
    grown = File(file.path, file.sha256, 300_000_000, file.media_type, file.cache_control, file.source)
    beyond = Site(site.folder, None, {**site.files, "large.bin": grown}, site.rules, site.release_id, "")
    with pytest.raises(LimitExceeded, match=r"azure \(plan Free\): size of the site in bytes is 300,.*\(Standard\)"):
        AzurePlatform.check_site(beyond, {"plan": "Free"})
    AzurePlatform.check_site(beyond, {"plan": "Standard"})


def test_more_files_than_azure_takes_are_refused_with_room_for_the_configuration(make_site):
    site = make_site(PAGES)
    first = site.files["style.css"]
    paths = [f"{number}.css" for number in range(15_000 - len(site.files))]
    styles = [File(path, first.sha256, 1, first.media_type, first.cache_control, first.source) for path in paths]
    many = {file.path: file for file in styles}
    with pytest.raises(LimitExceeded, match="number of files is 15,000, the limit is 14,999"):
        AzurePlatform.check_site(Site(site.folder, None, {**site.files, **many}, site.rules, "", ""))
    del many["0.css"]
    AzurePlatform.check_site(Site(site.folder, None, {**site.files, **many}, site.rules, "", ""))


async def test_a_step_before_its_own_is_refused(account, make_site):
    site = make_site(PAGES)
    with pytest.raises(PlatformRefused, match="there is no package yet"):
        await account.platform().send(site.files["index.html"])


async def test_the_state_of_what_visitors_get_is_told(account, make_site):
    assert await account.platform().newest() is None
    await account.release(make_site(page("one")))
    newest = await account.platform().newest()
    assert (newest.number, newest.state, newest.phase, newest.release) == ("default", "Ready", "ready", "")
    assert newest.made.utcoffset().total_seconds() == 0
