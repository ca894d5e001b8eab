from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from publisher.errors import VerifyFailed
from publisher.journal import Journal
from publisher.progress import Silence
from publisher.verification import PublicOrigin, Thoroughness, url_paths, verify
from website import Manifest, read_verified

QUICK = Thoroughness(deadline=0.2, pause=0.01)
SITE = {
    "index.html": "<p>home",
    "posts/index.html": "<p>posts",
    "a b.html": "<p>space",
    "404.html": "<p>lost",
    "_redirects": "/old /index.html 301\n/docs/* /posts/ 302\n",
}


class Origin:
    """Serves a site as the release says, except where a test spoils it."""

    def __init__(self, site):
        self.site = site
        self.asked = []
        self.hosts = set()
        self.spoil = lambda path, response: response

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.hosts.add(request.headers["Host"])
        answer = self.site.answer(request.path)
        if answer.location:
            return web.Response(status=answer.status, headers={"Location": answer.location})
        body = read_verified(answer.file) if answer.file else b""
        return self.spoil(request.path, web.Response(status=answer.status, body=body, headers=dict(answer.headers)))


async def verified(origin, site, changed=(), how=QUICK, journal=None, **promises):
    app = web.Application()
    app.router.add_get("/{path:.*}", origin.handle)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        public = PublicOrigin("example", str(server.make_url("/")).rstrip("/"), "site.example", **promises)
        return await verify(http, public, site, changed, Silence(), journal or Journal(), how)


async def test_a_right_origin_is_asked_twice_for_every_path_with_the_host_header(make_site):
    site = make_site(SITE)
    origin = Origin(site)
    paths = await verified(origin, site)
    assert origin.hosts == {"site.example"}
    assert len(origin.asked) == 2 * paths
    assert {"/", "/posts/", "/a b.html", "/old", "/.well-known/release.json"} <= set(origin.asked)


async def test_an_origin_that_needs_a_moment_is_waited_for(make_site):
    site = make_site(SITE)
    origin = Origin(site)
    late = iter([503, 503])

    def spoil(path, response):
        status = next(late, None) if path == "/" else None
        return web.Response(status=status) if status else response

    origin.spoil = spoil
    assert await verified(origin, site, how=Thoroughness(deadline=5, pause=0.01)) > 0


@pytest.mark.parametrize(
    ("path", "spoiled", "text"),
    [
        ("/", web.Response, r"/: 0 bytes with digest"),
        ("/posts/", lambda: web.Response(status=404), r"/posts/: status 404, expected 200"),
        ("/a b.html", lambda: web.Response(text="<p>spacE"), r"/a b.html: 8 bytes"),
    ],
)
async def test_what_differs_is_listed_by_path(make_site, path, spoiled, text):
    site = make_site(SITE)
    origin = Origin(site)
    origin.spoil = lambda asked, response: spoiled() if asked == path else response
    with pytest.raises(VerifyFailed, match=text) as error:
        await verified(origin, site)
    assert site.release_id in str(error.value)
    assert "run again to verify" in str(error.value)


async def test_a_missing_security_header_is_a_difference(make_site):
    site = make_site(SITE)
    origin = Origin(site)

    def spoil(path, response):
        response.headers.popall("X-Content-Type-Options", None)
        return response

    origin.spoil = spoil
    with pytest.raises(VerifyFailed, match="header X-Content-Type-Options is None, expected 'nosniff'"):
        await verified(origin, site)


async def test_a_404_that_answers_200_is_a_difference(make_site):
    site = make_site(SITE)
    origin = Origin(site)
    origin.spoil = lambda path, response: web.Response(text="<p>lost") if "no-such-page" in path else response
    with pytest.raises(VerifyFailed, match="status 200, expected 404"):
        await verified(origin, site)


async def test_an_origin_without_an_answer_is_named(make_site):
    site = make_site(SITE)
    async with aiohttp.ClientSession() as http:
        nowhere = PublicOrigin("example", "http://127.0.0.1:9", "site.example")
        with pytest.raises(VerifyFailed, match="no answer"):
            await verify(http, nowhere, site, (), Silence(), Journal(), QUICK)


def test_a_large_site_is_asked_for_what_changed_and_the_same_sample_every_time(make_site):
    site = make_site({f"p{n}.html": f"<p>{n}" for n in range(60)} | SITE)
    how = Thoroughness(all_below=50, sample=5)
    paths = url_paths(site, {"p7.html", "gone.html"}, how)
    assert paths == url_paths(site, {"p7.html", "gone.html"}, how)
    assert {"/p7.html", "/", "/.well-known/release.json"} <= set(paths)
    assert "/gone.html" not in paths
    assert len(paths) < 20


async def test_the_journal_has_a_line_for_the_verification(make_site, tmp_path):
    site = make_site(SITE)
    await verified(Origin(site), site, journal=Journal(tmp_path / "journal"))
    assert json.loads((tmp_path / "journal").read_text())["operation"] == "verify"


@pytest.mark.parametrize(
    ("header", "promises"),
    [("X-Content-Type-Options", {"custom_headers": False}), ("Cache-Control", {"cache_control": False})],
)
async def test_a_header_that_the_platform_cannot_send_is_not_asked_of_it(make_site, header, promises):
    site = make_site(SITE)
    origin = Origin(site)

    def spoil(path, response):
        response.headers[header] = "of the platform"
        return response

    origin.spoil = spoil
    with pytest.raises(VerifyFailed, match=f"header {header} is 'of the platform'"):
        await verified(origin, site)
    assert await verified(origin, site, **promises) > 0


async def test_the_content_type_is_asked_of_every_platform(make_site):
    site = make_site(SITE)
    origin = Origin(site)

    def spoil(path, response):
        response.headers["Content-Type"] = "text/plain"
        return response

    origin.spoil = spoil
    with pytest.raises(VerifyFailed, match="header Content-Type"):
        await verified(origin, site, custom_headers=False, cache_control=False)


async def test_a_release_that_is_remembered_without_its_bytes_is_verified_by_its_cut_digests(make_site):
    site = make_site(SITE)
    origin = Origin(site)
    remembered = Manifest.of(site).site()
    assert await verified(origin, remembered) > 0
    origin.spoil = lambda path, response: web.Response(text="<p>other") if path == "/posts/" else response
    with pytest.raises(VerifyFailed, match="/posts/: 8 bytes"):
        await verified(origin, remembered)


@pytest.mark.parametrize(("any_splat", "invented"), [(True, 2), (False, 1)])
def test_a_redirect_by_splat_is_asked_with_a_page_and_where_it_is_promised_with_an_invented_path(
    make_site, any_splat, invented
):
    rules = "/blog/* /posts/:splat 301\n/app/* /posts/:splat 200\n/all/* /posts/ 301\n"
    site = make_site({**SITE, "posts/a.html": "a", "_redirects": rules})
    paths = url_paths(site, (), Thoroughness(), any_splat=any_splat)
    assert "/blog/a.html" in paths
    splats = [path for path in paths if path.endswith("/probe-of-the-splat") and not path.startswith("/all/")]
    assert len(splats) == invented
    assert "/all/probe-of-the-splat" in paths
