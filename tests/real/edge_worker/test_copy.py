"""The copy beside the script, when no platform answers: the same URLs as website/resolution.py."""

from __future__ import annotations

import pytest

from tests.real.edge_worker.origins import NOT_FOUND, PAGES, Platform
from tests.real.edge_worker.running import COPIED, COPY, visiting


def broken():
    return Platform("one", "refuse"), Platform("two", "503")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, COPIED["/index.html"]),
        ("/about.html", 200, PAGES["/about.html"]),
        ("/about", 200, PAGES["/about.html"]),
        ("/blog/", 200, PAGES["/blog/"]),
        ("/caf%C3%A9%20%26%20co", 200, b"<h1>coffee</h1>"),
        ("/app/anything", 200, PAGES["/about.html"]),
        ("/medium.bin?v=1", 200, PAGES["/medium.bin"]),
        ("/nope", 404, NOT_FOUND),
        ("/%", 404, NOT_FOUND),
    ],
)
async def test_every_page_is_there_when_all_platforms_are_down(tmp_path, path, status, body):
    async with visiting(tmp_path, *broken()) as visitor:
        answer = await visitor.ask(path)
        head = await visitor.ask(path, "HEAD")
    assert (answer.status, answer.body, answer.headers["X-Served-From"]) == (status, body, "copy")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (head.status, head.body) == (status, b"")


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/blog", 301, "/blog/"),
        ("/old", 301, "/about.html"),
        ("/there/a%20b/c", 302, "https://partner.example/a%20b/c"),
    ],
)
async def test_redirects_are_those_of_the_release(tmp_path, path, status, location):
    async with visiting(tmp_path, *broken()) as visitor:
        answer = await visitor.ask(path)
    assert (answer.status, answer.headers["Location"]) == (status, location)


async def test_media_types_are_the_releases_and_nobody_keeps_the_copy(tmp_path):
    async with visiting(tmp_path, *broken()) as visitor:
        page, single = await visitor.ask("/about"), await visitor.ask("/medium.bin")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert single.headers["Content-Type"] == "application/x-medium"
    assert page.headers["Cache-Control"] == "public, max-age=0, must-revalidate"


async def test_a_copy_that_the_visitor_has_is_confirmed(tmp_path):
    async with visiting(tmp_path, *broken()) as visitor:
        tag = (await visitor.ask("/about")).headers["ETag"]
        again = await visitor.ask("/about", If_None_Match=tag)
    assert (again.status, again.headers["ETag"]) == (304, tag)


async def test_without_a_copy_the_visitor_is_told_to_come_back(tmp_path):
    async with visiting(tmp_path, *broken(), copy={**COPY, "directory": ""}) as visitor:
        answer = await visitor.ask()
    assert (answer.status, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (503, "30", "no-store")


async def test_the_platforms_serve_again_as_soon_as_one_is_well(tmp_path):
    one, two = broken()
    async with visiting(tmp_path, one, two) as visitor:
        assert [await visitor.served_from() for _ in range(4)] == ["copy"] * 4
        two.mood = "well"
        await visitor.until_served_from("two")
