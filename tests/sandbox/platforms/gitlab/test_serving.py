from __future__ import annotations

import pytest

FILES = {
    "index.html": "home",
    "about.html": "about",
    "posts/index.html": "posts",
    "posts/café.html": "coffee",
    "both.html": "page",
    "both/inner.html": "inner",
    "404.html": "lost",
    "style.css": "p {}",
    "app.js": "1",
    "app.js.gz": b"\x1f\x8b packed",
    "feed.xml": "<x/>",
    "LICENSE": "text",
    "_redirects": "/old /about 301\n/Docs/* /posts/:splat 302\n/about /posts/ 301\n/shown /posts/index.html 200\n"
    "/folder /posts/ 200\n/forced /about 301!\n/moved /about 308\n/out https://example.org/a/b?c=d#e 302\n",
}


@pytest.fixture
async def page(client):
    await client.site(FILES)
    return client.page


# https://gitlab.com/gitlab-org/gitlab-pages/-/blob/master/internal/serving/disk/reader.go
@pytest.mark.parametrize(
    "cases",
    [
        {
            "/": (200, "home", None),
            "/about": (200, "about", None),
            "/about/": (200, "about", None),
            "/about.html": (200, "about", None),
            "/posts/": (200, "posts", None),
            "/posts": (302, None, "//HOST/posts/"),
            "/posts?a=1": (302, None, "//HOST/posts/?a=1"),
            "/posts/caf%C3%A9": (200, "coffee", None),
            "/both": (302, None, "//HOST/both/"),
            "/both/": (404, "lost", None),
            "/nothing": (404, "lost", None),
        },
        {
            "/old": (301, None, "/about"),
            "/OLD/": (301, None, "/about"),
            "/docs/a/b": (302, None, "/posts/a/b"),
            "/docs-old": (302, None, "/posts/-old"),
            "/docs//evil.example": (302, None, "/posts/evil.example"),
            "/docs/a%20%C3%A9": (302, None, "/posts/a%20%C3%A9"),
            "/shown": (200, "posts", None),
            "/folder": (302, None, "//HOST/folder/"),
            "/folder/": (200, "posts", None),
            "/forced": (404, "lost", None),
            "/moved": (404, "lost", None),
            "/out": (302, None, "https://example.org/a/b?c=d#e"),
        },
    ],
    ids=["files", "rules"],
)
async def test_paths_lead_where_pages_own_code_says(page, client, cases):
    for path, (status, text, location) in cases.items():
        found, body, headers = await page(path)
        wanted = location and location.replace("HOST", client.host)
        assert (found, headers.get("Location")) == (status, wanted), path
        assert text is None or body == text, path


async def test_types_and_caching_are_pages_own(page):
    types = {
        "/": "text/html; charset=utf-8",
        "/style.css": "text/css; charset=utf-8",
        "/app.js": "application/javascript",
        "/feed.xml": "text/xml; charset=utf-8",
        "/LICENSE": "text/plain; charset=utf-8",
    }
    for path, kind in types.items():
        _, _, headers = await page(path)
        assert headers["Content-Type"] == kind
        assert headers["Cache-Control"] == "max-age=600"
    _, _, headers = await page("/nothing")
    assert "Cache-Control" not in headers


async def test_a_packed_neighbour_goes_to_clients_that_can_unpack_it(client):
    await client.site(FILES)
    options = {"headers": {"Host": client.host, "Accept-Encoding": "gzip"}}
    async with client.http.get(f"{client.public}/style.css", **options) as answer:
        assert "Content-Encoding" not in answer.headers
    async with client.http.head(f"{client.public}/app.js", **options) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"] == "application/javascript"
    _, body, headers = await client.page("/app.js")
    assert body == "1"
    assert "Content-Encoding" not in headers


async def test_the_rules_are_listed_with_what_is_wrong(page):
    status, body, _ = await page("/_redirects")
    assert status == 200
    assert body.splitlines()[0] == "8 rules"
    assert "rule 6: error: force! not supported" in body
    assert "rule 7: error: status not supported" in body
    assert body.count(": valid") == 6


async def test_conditional_head_and_range_requests(page):
    _, _, headers = await page("/")
    assert (await page("/", **{"If-None-Match": headers["ETag"]}))[0] == 304
    status, body, headers = await page("/about", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, "", "5")
    status, body, _ = await page("/about", Range="bytes=1-2")
    assert (status, body) == (206, "bo")


async def test_other_hosts_and_closed_sites_show_nothing(client):
    project = await client.site({"index.html": "home"})
    assert (await client.page("/", host="nobody.gitlab.io"))[0] == 404
    await client.call("PUT", f"projects/{project['id']}", json={"pages_access_level": "private"})
    status, body, headers = await client.page("/")
    assert (status, body) == (302, "")
    assert headers["Location"].startswith("https://projects.gitlab.io/auth")


async def test_without_a_domain_of_its_own_the_site_lies_in_a_folder(client):
    project = await client.site({"index.html": "home", "a/index.html": "a"})
    path = f"projects/{project['id']}/pages"
    _, settings, _ = await client.call("PATCH", path, json={"pages_unique_domain_enabled": False})
    assert settings["url"] == "https://sandbox.gitlab.io/robot"
    assert (await client.page("/robot/a/", host="sandbox.gitlab.io"))[:2] == (200, "a")
    assert (await client.page("/a/", host="sandbox.gitlab.io"))[0] == 404
