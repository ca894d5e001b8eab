from __future__ import annotations

import pytest

PAGES = {"index.html": "<p>home", "docs/index.html": "<p>docs", "page.html": "<p>page", "404.html": "<p>lost"}


async def served(client, routes=(), pages=None, **config):
    made = await client.deploy(pages or PAGES, {"version": 3, "routes": list(routes), **config})
    assert made["readyState"] == "READY", made["errorMessage"]
    return made["url"]


async def test_files_are_served_by_their_names_and_folders_by_their_index(client):
    host = await served(client)
    for path, text in (("/", "<p>home"), ("/docs", "<p>docs"), ("/docs/", "<p>docs"), ("/page.html", "<p>page")):
        assert (await client.page(path, host))[:2] == (200, text)
    assert (await client.page("/page", host))[0] == 404


async def test_a_deployments_own_address_is_not_indexed_and_the_default_caching_is_vercels(client):
    _, _, headers = await client.page("/page.html", await served(client))
    assert headers["x-robots-tag"] == "noindex"
    assert headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert headers["Content-Type"] == "text/html; charset=utf-8"


async def test_routes_before_the_filesystem_come_before_files(client):
    routes = [
        {"src": "^/page\\.html$", "status": 308, "headers": {"Location": "/moved"}},
        {"src": "^/in/(.*)$", "dest": "/$1.html"},
        {"handle": "filesystem"},
        {"src": "^/docs/$", "status": 302, "headers": {"Location": "/never"}},
    ]
    host = await served(client, routes)
    status, _, headers = await client.page("/page.html", host)
    assert (status, headers["Location"]) == (308, "/moved")
    assert (await client.page("/in/page", host))[:2] == (200, "<p>page")
    assert (await client.page("/in/none", host))[0] == 404
    assert (await client.page("/docs/", host))[0] == 200


async def test_continued_routes_add_headers_and_errors_have_a_phase(client):
    routes = [
        {"src": "^/.*$", "headers": {"X-One": "all", "X-Two": "all"}, "continue": True},
        {"src": "^/docs/.*$", "headers": {"x-two": "docs"}, "continue": True},
        {"handle": "error"},
        {"src": "^/.*$", "status": 404, "dest": "/404.html"},
    ]
    host = await served(client, routes)
    status, text, headers = await client.page("/docs/none", host)
    assert (status, text, headers["X-One"], headers["X-Two"]) == (404, "<p>lost", "all", "docs")


async def test_overrides_change_type_and_path(client):
    overrides = {"page.html": {"path": "page", "contentType": "application/xhtml+xml"}}
    host = await served(client, overrides={"page.html": overrides["page.html"]})
    status, text, _ = await client.page("/page", host)
    assert (status, text) == (200, "<p>page")
    assert (await client.page("/page.html", host))[0] == 404


async def test_ranges_conditions_and_head_are_answered(client):
    host = await served(client)
    status, text, headers = await client.page("/page.html", host, Range="bytes=3-6")
    assert (status, text, headers["Content-Range"]) == (206, "page", "bytes 3-6/7")
    tag = (await client.page("/page.html", host))[2]["ETag"]
    assert (await client.page("/page.html", host, **{"If-None-Match": tag}))[0] == 304
    status, text, headers = await client.page("/page.html", host, method="HEAD")
    assert (status, text, headers["Content-Length"]) == (200, "", "7")


@pytest.mark.parametrize(("kind", "status"), [("standard_protection", 401), ("none", 200)])
async def test_a_protected_project_asks_for_a_login_at_a_deployments_own_address(client, kind, status):
    kinds = {found.token: found for found in client.sandbox.twins[0].resource_types}
    settings = {"name": "robot", "vercelAuthentication": {"deploymentType": kind}}
    await kinds["vercel:index/project:Project"].update(client.project, {}, settings)
    assert (await client.page("/", await served(client)))[0] == status


async def test_unknown_names_are_no_deployment(client):
    status, text, _ = await client.page("/", "nobody.vercel.app")
    assert (status, "DEPLOYMENT_NOT_FOUND" in text) == (404, True)
