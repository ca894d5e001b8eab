from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from publisher import edge_copy
from publisher.resources.handler import Request
from publisher.resources.website import WebsiteHandler
from publisher.session import Session
from website import ChangedWhileReading, Manifest

PAGES = {"index.html": "<p>home", "404.html": "<p>gone", "a/b.css": "p{}", "page.html": "<p>page"}


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_has_every_file_of_the_release_and_no_rule_files(tmp_path, make_site):
    site = make_site({**PAGES, "_redirects": "/x /page 301\n"})
    folder = edge_copy.stage(site, tmp_path / "copies", ())
    assert folder == tmp_path / "copies" / site.release_id
    assert set(contents(folder)) == {*PAGES, ".well-known/release.json"}
    assert contents(folder)["page.html"] == b"<p>page"


def test_a_copy_that_is_there_is_not_written_again(tmp_path, make_site):
    site = make_site(PAGES)
    folder = edge_copy.stage(site, tmp_path / "copies", ())
    before = (folder / "page.html").stat().st_mtime_ns
    edge_copy.stage(site, tmp_path / "copies", ())
    assert (folder / "page.html").stat().st_mtime_ns == before


def test_content_that_changes_meanwhile_leaves_no_copy(tmp_path, make_site):
    site = make_site(PAGES)
    (site.folder / "page.html").write_text("<p>other bytes")
    with pytest.raises(ChangedWhileReading):
        edge_copy.stage(site, tmp_path / "copies", ())
    assert list((tmp_path / "copies").iterdir()) == []


def test_only_releases_that_are_kept_stay(tmp_path, make_site):
    first = make_site(PAGES)
    edge_copy.stage(first, tmp_path / "copies", ())
    second = make_site({**PAGES, "page.html": "<p>two"})
    edge_copy.stage(second, tmp_path / "copies", {first.release_id})
    assert {path.name for path in (tmp_path / "copies").iterdir()} == {first.release_id, second.release_id}
    third = make_site({**PAGES, "page.html": "<p>three"})
    edge_copy.stage(third, tmp_path / "copies", {second.release_id})
    assert {path.name for path in (tmp_path / "copies").iterdir()} == {second.release_id, third.release_id}


def test_files_that_are_too_long_are_named_and_left_out(tmp_path, make_site, monkeypatch):
    monkeypatch.setattr(edge_copy, "MAX_FILE_BYTES", 6)
    site = make_site(PAGES)
    assert set(edge_copy.left_out(site)) == {"index.html", "404.html", "page.html", ".well-known/release.json"}
    assert set(contents(edge_copy.stage(site, tmp_path / "copies", ()))) == {"a/b.css"}


def test_every_kept_release_has_its_404_page_known(make_site):
    old, new = make_site(PAGES), make_site({**PAGES, "404.html": "<p>another"})
    found = edge_copy.described([Manifest.of(new), Manifest.of(old)])
    assert found["notFound"] == [new.files["404.html"].sha256[:16], old.files["404.html"].sha256[:16]]


def test_a_site_without_a_404_page_has_none_known(make_site):
    site = make_site({"index.html": "<p>home"})
    assert edge_copy.described([Manifest.of(site)])["notFound"] == []


def test_media_types_are_summed_up_by_ending_with_single_exceptions(make_site):
    site = make_site(PAGES)
    odd = replace(site.files["page.html"], media_type="text/plain")
    changed = replace(site, files={**site.files, "page.html": odd})
    types = edge_copy.described([Manifest.of(changed)])["types"]
    assert types["byEnding"][".html"].startswith("text/html")
    assert types["single"] == {"page.html": "text/plain"}


@pytest.fixture
def handler(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return WebsiteHandler(Session(cache=tmp_path / "cache"))


async def checked(handler, site, **inputs):
    return await handler.check(Request("urn", "website", inputs={"source": str(site.folder), **inputs}))


async def test_a_stack_with_a_worker_stages_the_copy_already_at_preview(handler, make_site, tmp_path):
    site = make_site(PAGES)
    inputs, failures = await checked(handler, site, edgeCopy=".edge-copy", forWorker=True)
    assert failures == []
    assert (tmp_path / ".edge-copy" / site.release_id / "page.html").exists()
    _, outputs = await handler.create(Request("urn", "website", inputs=inputs))
    assert outputs["served"]["notFound"] == [site.files["404.html"].sha256[:16]]


async def test_a_stack_without_one_stages_nothing(handler, make_site, tmp_path):
    await checked(handler, make_site(PAGES))
    assert not (tmp_path / ".edge-copy").exists()


async def test_more_files_than_the_free_plan_holds_are_refused_at_preview(handler, make_site, monkeypatch, tmp_path):
    monkeypatch.setattr(edge_copy, "MAX_FILES", 4)
    _, (failure,) = await checked(handler, make_site(PAGES), edgeCopy=".edge-copy")
    assert failure.key == "edgeCopy"
    assert "5 files" in failure.reason
    assert "workerCopy" in failure.reason
    assert not (tmp_path / ".edge-copy").exists()


async def test_the_state_holds_the_folders_name_and_no_file_of_it(handler, make_site):
    site = make_site(PAGES)
    plain, _ = await checked(handler, site)
    copied, _ = await checked(handler, site, edgeCopy=".edge-copy")
    assert {**plain, "edgeCopy": ".edge-copy"} == copied


async def test_a_stack_without_a_worker_keeps_nothing_of_the_files_for_one(handler, make_site):
    inputs, _ = await checked(handler, make_site(PAGES))
    _, outputs = await handler.create(Request("urn", "website", inputs=inputs))
    assert outputs["served"] == {}


def test_the_table_has_each_file_of_each_release_once(make_site):
    old = make_site(PAGES)
    new = make_site({**PAGES, "page.html": "<p>new", "caf\u00e9.html": "<p>coffee"})
    table = base64.b64decode(edge_copy.described([Manifest.of(new), Manifest.of(old)])["files"])
    entries = [table[at : at + 12] for at in range(0, len(table), 12)]
    assert entries == sorted(set(entries))
    everything = {(path, found.sha256) for site in (old, new) for path, found in site.files.items()}
    assert len(entries) == len(everything) == len(PAGES) + 2 + 2
    assert {entry[4:] for entry in entries} == {bytes.fromhex(digest)[:8] for _, digest in everything}


@pytest.mark.parametrize(("path", "known"), [("", "811c9dc5"), ("a", "e40c292c"), ("foobar", "bf9cf968")])
def test_paths_are_hashed_as_the_published_vectors_say(path, known):
    """http://www.isthe.com/chongo/src/fnv/test_fnv.c"""
    assert edge_copy._fnv(path).hex() == known
