"""The public side, as https://firebase.google.com/docs/hosting/full-config and Google's emulator have it."""

from __future__ import annotations

import gzip

import aiohttp
import pytest

FILES = {
    "/index.html": "home",
    "/about.html": "about",
    "/posts/index.html": "posts",
    "/posts/é b.html": "odd",
    "/404.html": "lost",
    "/app.js": "js",
    "/no-type": "bytes",
}
CONFIG = {
    "redirects": [
        {"glob": "/old", "location": "/about.html", "statusCode": 301},
        {"glob": "/blog/:year/:name*", "location": "/posts/:year/:name", "statusCode": 302},
        {"regex": "^/r/(?P<rest>.+)$", "location": "https://example.org/:rest", "statusCode": 308},
        {"regex": "^/n/(.*)$", "location": "/to/:1", "statusCode": 307},
        {"glob": "/app.@(jpg|png)", "location": "/pictures", "statusCode": 303},
        {"glob": "/about.html", "location": "/elsewhere", "statusCode": 301},
    ],
    "rewrites": [
        {"glob": "/app/**", "path": "/index.html"},
        {"glob": "/app.js", "path": "/index.html"},
        {"glob": "/gone/**", "path": "/not-there.html"},
        {"glob": "!/posts/**", "path": "/index.html"},
    ],
    "headers": [
        {"glob": "**", "headers": {"X-One": "all", "Cache-Control": "no-store"}},
        {"glob": "/posts/**", "headers": {"x-one": "posts"}},
        {"glob": "**/*.@(js|css)", "headers": {"Content-Type": "text/x-script"}},
        {"glob": "/404.html", "headers": {"X-Lost": "yes"}},
    ],
}


@pytest.fixture
async def page(client):
    config = {**CONFIG, "rewrites": CONFIG["rewrites"][:3]}
    await client.release(FILES, config)
    return client.page


@pytest.mark.parametrize(
    ("path", "status", "text", "location"),
    [
        ("/", 200, "home", None),
        ("/index.html", 200, "home", None),
        ("/about", 404, "lost", None),
        ("/posts/", 200, "posts", None),
        ("/posts", 301, None, "/posts/"),
        ("/posts?a=1", 301, None, "/posts/?a=1"),
        ("//posts//", 200, "posts", None),
        ("/posts/%C3%A9%20b.html", 200, "odd", None),
        ("/old", 301, None, "/about.html"),
        ("/old?a=1", 301, None, "/about.html?a=1"),
        ("/old/", 404, "lost", None),
        ("/about.html", 301, None, "/elsewhere"),
        ("/blog/2026/a/b", 302, None, "/posts/2026/a/b"),
        ("/r/a/b", 308, None, "https://example.org/a/b"),
        ("/r/", 404, "lost", None),
        ("/n/", 404, "lost", None),
        ("/n/x%20y", 307, None, "/to/x%20y"),
        ("/app.png", 303, None, "/pictures"),
        ("/app/any/thing", 200, "home", None),
        ("/app.js", 200, "js", None),
        ("/gone/x", 404, "lost", None),
        ("/nothing", 404, "lost", None),
        ("/__/firebase/init.json", 404, None, None),
    ],
)
async def test_redirects_come_before_files_and_rewrites_after(page, path, status, text, location):
    found, body, headers = await page(path)
    assert (found, headers.get("Location")) == (status, location)
    assert text is None or body == text


async def test_a_rewrite_may_be_for_everything_but_some(client):
    await client.release(FILES, {"rewrites": CONFIG["rewrites"][3:]})
    assert (await client.page("/x/y"))[:2] == (200, "home")


@pytest.mark.parametrize(
    ("slashes", "path", "status", "text", "location"),
    [
        (None, "/about", 200, "about", None),
        (None, "/about.html", 301, None, "/about"),
        (None, "/posts/index.html", 301, None, "/posts"),
        (None, "/index.html", 301, None, "/"),
        (None, "/index", 301, None, "/"),
        (None, "/posts/index", 301, None, "/posts"),
        (None, "/posts", 200, "posts", None),
        (None, "/posts/", 200, "posts", None),
        (None, "/about/", 404, "lost", None),
        ("ADD", "/about", 301, None, "/about/"),
        ("ADD", "/about/", 200, "about", None),
        ("ADD", "/about.html?x=1", 301, None, "/about/?x=1"),
        ("ADD", "/posts", 301, None, "/posts/"),
        ("REMOVE", "/about/", 301, None, "/about"),
        ("REMOVE", "/posts/", 301, None, "/posts"),
        ("REMOVE", "/posts", 200, "posts", None),
        ("REMOVE", "/", 200, "home", None),
    ],
)
async def test_clean_urls_and_trailing_slashes(client, slashes, path, status, text, location):
    config = {"cleanUrls": True, **({"trailingSlashBehavior": slashes} if slashes else {})}
    await client.release(FILES, config)
    found, body, headers = await client.page(path)
    assert (found, headers.get("Location")) == (status, location)
    assert text is None or body == text


async def test_slashes_are_added_or_removed_without_clean_urls_too(client):
    await client.release(FILES, {"trailingSlashBehavior": "REMOVE"})
    assert (await client.page("/posts"))[:2] == (200, "posts")
    assert (await client.page("/posts/"))[2]["Location"] == "/posts"
    assert (await client.page("/about"))[0] == 404


async def test_of_several_values_of_a_header_the_last_one_counts_and_the_path_of_the_request_is_matched(page):
    _, _, headers = await page("/posts/")
    assert headers.getall("X-One") == ["posts"]
    assert (await page("/"))[2]["Cache-Control"] == "no-store"
    assert (await page("/app.js"))[2]["Content-Type"] == "text/x-script"
    lost = (await page("/posts/nothing"))[2]
    assert (lost["X-One"], lost["X-Lost"]) == ("posts", "yes")


async def test_without_headers_of_its_own_a_file_has_those_of_firebase(client):
    await client.release({"/index.html": "home", "/no-type": "x"})
    _, _, headers = await client.page("/")
    assert headers["Cache-Control"] == "max-age=3600"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Strict-Transport-Security"].startswith("max-age=31556926")
    assert (await client.page("/no-type"))[2]["Content-Type"] == "application/octet-stream"


async def test_without_a_404_page_firebase_shows_its_own(client):
    await client.release({"/index.html": "home"})
    status, text, _ = await client.page("/nothing")
    assert (status, "Page Not Found" in text) == (404, True)


async def test_an_unknown_host_and_one_that_is_composed_from_the_id_get_site_not_found(page):
    for host in ("nobody.web.app", "robot.web.app", "robot.firebaseapp.com"):
        status, text, _ = await page("/", host=host)
        assert (status, "Site Not Found" in text) == (404, True)


async def test_a_site_that_is_switched_off_is_not_found(client):
    await client.release(FILES)
    await client.ok("POST", "sites/robot/releases", json={"type": "SITE_DISABLE"})
    assert (await client.page("/"))[0] == 404


async def test_conditional_head_range_and_packed_requests(client, page):
    _, _, headers = await page("/")
    assert (await page("/", **{"If-None-Match": headers["ETag"]}))[0] == 304
    status, text, headers = await page("/app.js", method="HEAD")
    assert (status, text, headers["Content-Length"]) == (200, "", "2")
    status, text, headers = await page("/posts/", Range="bytes=1-2")
    assert (status, text, headers["Content-Range"]) == (206, "os", "bytes 1-2/5")
    assert (await page("/", method="POST"))[0] == 405
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        asked = {"Host": client.host, "Accept-Encoding": "br;q=0, gzip"}
        async with http.get(client.public + "/", headers=asked) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(await answer.read()) == b"home"
