from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.journal import Journal
from publisher.resources.handler import Request, changes, property_path
from publisher.resources.website import WebsiteHandler
from publisher.session import Session

PAGES = {f"page-{number}.html": f"<p>{number}" for number in range(20)} | {"index.html": "<p>home"}


@pytest.fixture
def handler(tmp_path):
    return WebsiteHandler(Session(cache=tmp_path / "cache", journal=Journal(tmp_path / "journal")))


async def checked(handler, folder, old=None, **inputs):
    request = Request("urn", "website", inputs={"source": str(folder), **inputs}, old_inputs=old or {})
    return await handler.check(request)


async def test_the_manifest_is_added_and_the_release_remembered(handler, make_site):
    site = make_site(PAGES)
    inputs, failures = await checked(handler, site.folder)
    assert failures == []
    assert inputs["release"] == site.release_id
    assert set(inputs["files"]) == set(PAGES)
    assert handler.session.scanned(site.release_id).site.release_id == site.release_id


async def test_a_preview_names_exactly_the_changed_page(handler, make_site):
    old, _ = await checked(handler, make_site(PAGES).folder)
    new, _ = await checked(handler, make_site({**PAGES, "page-7.html": "<p>changed"}).folder, old)
    found = await handler.difference(Request("urn", "website", inputs=new, old_inputs=old))
    assert [path for path in found.changed if path.startswith("files")] == ['files["page-7.html"]']
    assert {"release", "digest"} <= found.changed.keys()


async def test_the_same_content_elsewhere_is_no_change(handler, make_site):
    old, _ = await checked(handler, make_site(PAGES).folder)
    new, _ = await checked(handler, make_site(PAGES).folder, old)
    assert (await handler.difference(Request("urn", "website", inputs=new, old_inputs=old))).changed == {}


async def test_bad_content_is_a_failure_and_not_a_change(handler, tmp_path):
    (tmp_path / "empty").mkdir()
    _, failures = await checked(handler, tmp_path / "empty")
    assert [failure.key for failure in failures] == ["source"]
    assert "empty" in failures[0].reason or "index.html" in failures[0].reason


async def test_dropping_a_third_of_the_site_is_refused_until_it_is_allowed_by_id(handler, make_site):
    old, _ = await checked(handler, make_site(PAGES).folder)
    rest = make_site({"index.html": "<p>home", "page-1.html": "<p>1"})
    _, failures = await checked(handler, rest.folder, old)
    assert [failure.key for failure in failures] == ["allowDeletes"]
    assert f"ALLOW={rest.release_id}" in failures[0].reason
    _, failures = await checked(handler, rest.folder, old, allowDeletes=rest.release_id)
    assert failures == []
    _, failures = await checked(handler, rest.folder, old, allowDeletes="r0000000000000000")
    assert len(failures) == 1


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_changes_lead_from_old_to_new(old, new):
    result = dict(old)
    for key, kind in changes(old, new).items():
        if kind == "delete":
            del result[key]
        else:
            result[key] = new[key]
    assert result == new


def test_property_paths_are_written_as_the_engine_reads_them():
    assert property_path("files", 'a "b".html') == 'files["a \\"b\\".html"]'


async def test_a_release_that_was_live_before_drops_pages_only_when_it_is_named(handler, make_site):
    small, large = make_site({"index.html": "<p>home"}), make_site(PAGES)
    state, _ = await checked(handler, small.folder)
    state, _ = await checked(handler, large.folder, state)
    _, failures = await checked(handler, small.folder, state)
    assert [failure.key for failure in failures] == ["allowDeletes"]
    back, failures = await checked(handler, "/nowhere", state, pinned=small.release_id)
    assert failures == []
    forward, failures = await checked(handler, large.folder, back)
    assert failures == []
    back, _ = await checked(handler, "/nowhere", forward, pinned=large.release_id)
    assert (await checked(handler, small.folder, back))[1] == []
    unknown = make_site({"index.html": "<p>new"})
    assert len((await checked(handler, unknown.folder, back))[1]) == 1


SECOND = {**PAGES, "page-7.html": "<p>changed", "new.html": "<p>new"}


async def two_releases(handler, make_site):
    """Inputs of a state that has published two releases."""
    first, second = make_site(PAGES), make_site(SECOND)
    inputs, _ = await checked(handler, first.folder)
    inputs, _ = await checked(handler, second.folder, inputs)
    return first, second, inputs


async def test_a_pinned_release_is_recalled_without_its_content(handler, make_site):
    first, _, state = await two_releases(handler, make_site)
    inputs, failures = await checked(handler, "/nowhere", state, pinned=first.release_id)
    assert failures == []
    assert inputs["release"] == first.release_id
    scanned = handler.session.scanned(first.release_id)
    assert scanned.kept
    assert scanned.changed == {"page-7.html"}
    assert scanned.site.answer("/page-7").status == 200
    assert scanned.site.answer("/new").status == 404


async def test_going_back_is_previewed_page_by_page(handler, make_site):
    first, _, state = await two_releases(handler, make_site)
    inputs, _ = await checked(handler, "/nowhere", state, pinned=first.release_id)
    found = await handler.difference(Request("urn", "website", inputs=inputs, old_inputs=state))
    files = {path: kind for path, kind in found.changed.items() if path.startswith("files")}
    assert files == {'files["page-7.html"]': "update", 'files["new.html"]': "delete"}


async def test_after_going_back_the_newer_release_is_still_remembered(handler, make_site):
    first, second, state = await two_releases(handler, make_site)
    back, _ = await checked(handler, "/nowhere", state, pinned=first.release_id)
    forward, failures = await checked(handler, "/nowhere", back, pinned=second.release_id)
    assert (forward["release"], failures) == (second.release_id, [])


async def test_a_release_that_the_stack_does_not_remember_is_refused_with_those_it_does(handler, make_site):
    first, second, state = await two_releases(handler, make_site)
    _, failures = await checked(handler, "/nowhere", state, pinned="r" + "0" * 16)
    assert [failure.key for failure in failures] == ["pinned"]
    assert f"{second.release_id}, {first.release_id}. Set `release`" in failures[0].reason


async def test_only_as_many_releases_as_asked_for_are_remembered(handler, make_site):
    inputs = None
    for number in range(4):
        inputs, _ = await checked(handler, make_site({**PAGES, "page-1.html": f"<p>v{number}"}).folder, inputs, keep=3)
    assert len(inputs["kept"]) == 2
