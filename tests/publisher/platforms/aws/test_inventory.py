"""The bucket's own list of objects: what it saves, and what it must never lead to."""

from __future__ import annotations

import os

import pytest

from publisher.errors import StagedDiffers
from publisher.platforms.aws.inventory import KEY, Inventory
from publisher.platforms.aws.layout import object_keys
from publisher.progress import Silence
from publisher.releasing import send_all
from tests.publisher.platforms.faults import Faults
from website import load_site

PAGES = {"index.html": "<p>home", "about.html": "<p>about", "404.html": "<p>lost"}


async def objects_sent(account, site):
    """Bring the objects of a site into the bucket; returns (requests, paths sent)."""
    faults = Faults("", [control.app for control in account.sandbox.twins[0].control])
    with faults.at_call(-1):
        platform = account.platform()
        files = await platform.missing(site)
        await send_all(platform, files, Silence())
        await platform.note_objects(site)
    return faults.calls, sorted(file.path for file in files)


async def listed(account):
    return await Inventory(account.platform()._objects).keys()


async def test_an_unchanged_site_costs_one_request_and_sends_nothing(account, make_site):
    site = make_site(PAGES)
    await objects_sent(account, site)
    assert await objects_sent(account, site) == (1, [])


async def test_new_file_times_with_the_same_content_cost_one_request_too(account, make_site, tmp_path):
    site = make_site(PAGES)
    await objects_sent(account, site)
    for path in site.folder.rglob("*.html"):
        os.utime(path, (1, 1))
    assert await objects_sent(account, load_site(str(site.folder), cache=tmp_path / "other")) == (1, [])


async def test_one_changed_page_costs_a_request_for_the_list_each_object_and_the_new_list(account, make_site):
    await objects_sent(account, make_site(PAGES))
    changed = make_site({**PAGES, "about.html": "<p>changed"})
    assert await objects_sent(account, changed) == (4, [".well-known/release.json", "about.html"])


async def test_a_bucket_without_a_list_is_listed_where_much_is_lacking(account, make_site, monkeypatch):
    site = make_site(PAGES)
    await objects_sent(account, site)
    await account.platform()._objects.delete([KEY])
    monkeypatch.setattr("publisher.platforms.aws._LISTED_FROM", 2)
    assert (await objects_sent(account, site))[1] == []
    assert await listed(account) == object_keys(site).keys()


async def test_where_little_is_lacking_what_a_killed_run_had_sent_is_sent_again_and_left_as_it_is(account, make_site):
    site = make_site(PAGES)
    await objects_sent(account, site)
    await account.platform()._objects.delete([KEY])
    before = await account.platform()._listed()
    assert len((await objects_sent(account, site))[1]) == len(site.files)
    assert await account.platform()._listed() == before


async def test_of_two_runs_at_once_the_second_leaves_the_list_to_the_first(account):
    first, second = (Inventory(account.platform()._objects) for _ in range(2))
    await first.add({"objects/a"})
    await first.keys()
    await second.keys()
    await first.add({"objects/b"})
    await second.add({"objects/c"})
    assert await listed(account) == {"objects/a", "objects/b"}


async def test_objects_that_go_leave_the_list_before(account):
    inventory = Inventory(account.platform()._objects)
    await inventory.add({"objects/a", "objects/b"})
    await inventory.remove({"objects/b"})
    assert await listed(account) == {"objects/a"}


async def test_objects_that_go_while_another_run_writes_the_list_take_it_with_them(account, monkeypatch):
    inventory = Inventory(account.platform()._objects)
    await inventory.add({"objects/a", "objects/b"})

    async def overtaken(*_):
        return None

    monkeypatch.setattr(inventory._objects, "replace", overtaken)
    await inventory.remove({"objects/b"})
    assert await listed(account) == frozenset()


async def test_an_object_deleted_by_hand_is_found_out_and_sent_by_the_next_run(account, make_site):
    await account.release(make_site(PAGES))
    lost = next(key for key, file in object_keys(make_site(PAGES)).items() if file.path == "about.html")
    await account.platform()._objects.delete([lost])
    site = make_site({**PAGES, "index.html": "<p>changed"})
    with pytest.raises(StagedDiffers, match=r"about\.html"):
        await account.release(site)
    assert await listed(account) == frozenset()
    sent = await account.release(site)
    assert sent.files_sent >= 1
    await account.verify(site)


async def test_an_object_deleted_by_hand_from_the_live_release_comes_back_with_the_same_release(account, make_site):
    site = make_site(PAGES)
    await account.release(site)
    lost = next(key for key, file in object_keys(site).items() if file.path == "about.html")
    await account.platform()._objects.delete([lost])
    assert (await account.release(site)).files_sent >= 1
    await account.verify(site)
    assert (await account.release(site)).files_sent == 0
    assert lost in await listed(account)


async def test_after_pruning_the_list_names_what_the_bucket_has(account, make_site):
    for number in range(4):
        await account.release(make_site({**PAGES, "index.html": f"<p>release {number}"}), keep="2")
    assert await listed(account) == (await account.platform()._listed()).keys()
