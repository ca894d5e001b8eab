from __future__ import annotations

import pytest

FILES = {
    "/index.html": "home",
    "/about.html": "about",
    "/posts/index.html": "posts",
    "/404.html": "lost",
    "/style.css": "p {}",
    "/_redirects": "/old /about 301\n/docs/* /posts/:splat 302\n/about /posts/ 301\n/style.css /other.css 301!\n",
    "/_headers": "/*\n  X-One: a\n/posts/*\n  X-One: b\n  X-Two: c\n",
}


@pytest.fixture
async def page(client):
    await client.deploy(await client.site(), FILES)
    return client.page


# https://docs.netlify.com/routing/redirects/redirect-options/ and https://docs.netlify.com/routing/headers/
@pytest.mark.parametrize(
    ("path", "status", "text", "location"),
    [
        ("/", 200, "home", None),
        ("/about", 200, "about", None),
        ("/about.html", 200, "about", None),
        ("/posts/", 200, "posts", None),
        ("/posts", 301, None, "/posts/"),
        ("/posts?a=1", 301, None, "/posts/?a=1"),
        ("/old", 301, None, "/about"),
        ("/docs/a/b", 302, None, "/posts/a/b"),
        ("/docs//evil.example", 302, None, "/posts/evil.example"),
        ("/style.css", 301, None, "/other.css"),
        ("/nothing", 404, "lost", None),
        ("/_redirects", 404, "lost", None),
    ],
)
async def test_paths_lead_where_the_documentation_says(page, path, status, text, location):
    found, body, headers = await page(path)
    assert found == status
    assert headers.get("Location") == location
    assert text is None or body == text


async def test_two_blocks_that_name_one_header_are_joined(page):
    _, _, headers = await page("/posts/")
    assert (headers["X-One"], headers["X-Two"]) == ("a, b", "c")
    assert (await page("/"))[2]["X-One"] == "a"


async def test_an_unknown_host_gets_netlifys_own_404(page):
    status, body, _ = await page("/", host="nobody.netlify.app")
    assert status == 404
    assert body.startswith("Not Found - Request ID:")


async def test_conditional_head_and_range_requests(page):
    _, _, headers = await page("/")
    assert (await page("/", **{"If-None-Match": headers["ETag"]}))[0] == 304
    status, body, headers = await page("/about", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, "", "5")
    status, body, _ = await page("/about", Range="bytes=1-2")
    assert (status, body) == (206, "bo")
    assert (await page("/", method="POST"))[0] == 405


async def test_pages_are_revalidated_and_typed_as_netlify_does(page):
    _, _, headers = await page("/")
    assert headers["Cache-Control"] == "public,max-age=0,must-revalidate"
    assert headers["Content-Type"] == "text/html; charset=UTF-8"
