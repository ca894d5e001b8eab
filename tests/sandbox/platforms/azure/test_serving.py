"""The public side, case by case: https://learn.microsoft.com/azure/static-web-apps/configuration."""

from __future__ import annotations

import json

import pytest

FILES = {
    "index.html": "home",
    "about.html": "about",
    "posts/index.html": "posts",
    "posts/a.html": "a",
    "404.html": "lost",
    "style.css": "p {}",
    "LICENSE": "free",
    "app_data/secret.txt": "hidden",
    "ü/ä.html": "umlaut",
}
RULES = {
    "routes": [
        {"route": "/old", "redirect": "/about", "statusCode": 301},
        {"route": "/older", "redirect": "/about"},
        {"route": "/strange", "redirect": "/about", "statusCode": 307},
        {"route": "/in-place", "rewrite": "/about.html", "headers": {"X-In": "place"}},
        {"route": "/gone", "statusCode": 404},
        {"route": "/about.html", "redirect": "https://other.example/x"},
        {"route": "/posts/*", "headers": {"X-One": "b", "Content-Type": "text/plain", "X-Global": ""}},
    ],
    "responseOverrides": {"404": {"rewrite": "/404.html"}},
    "globalHeaders": {"X-One": "a", "X-Global": "g"},
    "mimeTypes": {".css": "text/css; charset=utf-8"},
}


@pytest.fixture
async def page(client):
    files = {**FILES, "staticwebapp.config.json": json.dumps(RULES)}
    assert (await client.deploy(files))["status"] == "Succeeded"
    return client.page


@pytest.mark.parametrize(
    ("path", "status", "text", "location"),
    [
        ("/", 200, "home", None),
        ("/index.html", 200, "home", None),
        ("/index", 200, "home", None),
        ("/about", 200, "about", None),
        ("/about?a=1", 200, "about", None),
        ("/posts", 200, "posts", None),
        ("/posts/", 200, "posts", None),
        ("/posts/a", 200, "a", None),
        ("/%C3%BC/%C3%A4", 200, "umlaut", None),
        ("/style.css", 200, "p {}", None),
        ("/old", 301, None, "/about"),
        ("/older", 302, None, "/about"),
        ("/strange", 302, None, "/about"),
        ("/in-place", 200, "about", None),
        ("/about.html", 302, None, "https://other.example/x"),
        ("/gone", 404, "lost", None),
        ("/nothing", 404, "lost", None),
        ("/Posts/A", 404, "lost", None),
        ("/staticwebapp.config.json", 404, "lost", None),
        ("/app_data/secret.txt", 404, "lost", None),
        ("/api/x", 404, "lost", None),
        ("/.auth/me", 404, "lost", None),
    ],
)
async def test_paths_lead_where_the_documentation_says(page, path, status, text, location):
    found, body, headers = await page(path)
    assert (found, headers.get("Location")) == (status, location)
    assert text is None or body == text


async def test_a_slash_behind_a_page_leads_to_it_on_the_platforms_own_host(client, page):
    status, _, headers = await page("/about/")
    assert (status, headers["Location"]) == (301, f"{client.url}/about")


async def test_headers_of_a_route_come_over_the_global_ones_and_types_go_by_extension(page):
    _, _, headers = await page("/posts/a")
    assert (headers["X-One"], headers.get("X-Global")) == ("b", None)
    assert headers["Content-Type"] == "text/html"
    assert (await page("/"))[2]["X-One"] == "a"
    assert (await page("/style.css"))[2]["Content-Type"] == "text/css; charset=utf-8"
    assert (await page("/LICENSE"))[2]["Content-Type"] == "application/octet-stream"


async def test_redirects_get_no_headers(page):
    assert "X-One" not in (await page("/old"))[2]


async def test_conditional_head_range_and_other_methods(page):
    _, _, headers = await page("/")
    assert (await page("/", **{"If-None-Match": headers["ETag"]}))[0] == 304
    status, body, headers = await page("/about", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, "", "5")
    status, body, headers = await page("/about", Range="bytes=1-2")
    assert (status, body, headers["Content-Range"]) == (206, "bo", "bytes 1-2/5")
    assert (await page("/about", "OPTIONS"))[0] == 204
    assert (await page("/", "POST"))[0] == 405


async def test_caching_is_the_platforms_unless_the_site_says_it(page):
    assert (await page("/"))[2]["Cache-Control"] == "public, must-revalidate, max-age=30"


async def test_an_unknown_host_gets_azures_own_404(client, page):
    plain = client.sandbox.description["platforms"]["azure"]["url"]
    status, body, _ = await client.ask("GET", f"{plain}/", headers={"Host": "nobody.azurestaticapps.net"})
    assert (status, b"404: Not Found" in body) == (404, True)


async def test_the_fallback_page_answers_for_what_is_not_there(client):
    rules = {"navigationFallback": {"rewrite": "/index.html", "exclude": ["/assets/*"]}}
    await client.deploy({"index.html": "app", "a.txt": "a", "staticwebapp.config.json": json.dumps(rules)})
    found = [(await client.page(path))[:2] for path in ("/deep/link", "/a.txt")]
    assert found == [(200, "app"), (200, "a")]
    assert (await client.page("/assets/none.png"))[0] == 404


@pytest.mark.parametrize(
    ("way", "path", "status", "location"),
    [
        ("always", "/about", 301, "/about/"),
        ("always", "/about/", 200, None),
        ("always", "/posts", 301, "/posts/"),
        ("never", "/about/", 301, "/about"),
        ("never", "/posts/", 301, "/posts"),
        ("never", "/posts", 200, None),
        ("auto", "/about/", 301, "/about"),
        ("auto", "/posts", 301, "/posts/"),
        ("auto", "/about.html", 301, "/about"),
    ],
)
async def test_trailing_slashes_go_by_the_setting(client, way, path, status, location):
    await client.deploy({**FILES, "staticwebapp.config.json": json.dumps({"trailingSlash": way})})
    found, _, headers = await client.page(path)
    wanted = f"{client.url}{location}" if location else None
    assert (found, headers.get("Location")) == (status, wanted)


async def test_an_override_may_redirect_or_change_the_status(client):
    rules = {"responseOverrides": {"404": {"redirect": "/", "statusCode": 302}}}
    await client.deploy({"index.html": "home", "staticwebapp.config.json": json.dumps(rules)})
    status, _, headers = await client.page("/none")
    assert (status, headers["Location"]) == (302, "/")
