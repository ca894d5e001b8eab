"""What goes from the visitor to a platform and back, header by header."""

from __future__ import annotations

import pytest

from components.worker_limits import WorkerLimits
from tests.real.edge_worker.origins import PAGES, Platform
from tests.real.edge_worker.running import visiting


@pytest.fixture
def pair():
    return Platform("one"), Platform("two")


async def test_head_has_the_headers_of_get_and_no_body(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        get, head = await visitor.ask("/about.html"), await visitor.ask("/about.html", "HEAD")
    assert head.body == b""
    ignored = {"date"}
    assert {k.lower(): v for k, v in get.headers.items() if k.lower() not in ignored} == {
        k.lower(): v for k, v in head.headers.items() if k.lower() not in ignored
    }
    assert [request.method for request in pair[0].seen] == ["GET", "HEAD"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_but_reading_is_passed_on(tmp_path, pair, method):
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask("/", method)
        options = await visitor.ask("/", "OPTIONS")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    assert pair[0].seen == []


@pytest.mark.parametrize(
    ("wanted", "part"),
    [("bytes=0-9", slice(0, 10)), ("bytes=100000-", slice(100_000, None)), ("bytes=-5", slice(-5, None))],
)
async def test_a_range_is_answered_with_that_range(tmp_path, pair, wanted, part):
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask("/medium.bin", Range=wanted)
    assert (answer.status, answer.body) == (206, PAGES["/medium.bin"][part])
    assert answer.headers["Content-Range"].endswith("/300000")


async def test_a_download_is_resumed_at_the_platform_it_began_at_and_begun_anew_at_another(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        tag = (await visitor.ask("/medium.bin")).headers["ETag"]
        resumed = await visitor.ask("/medium.bin", Range="bytes=10-", If_Range=tag)
        pair[0].mood = "503"
        anew = await visitor.ask("/medium.bin", Range="bytes=10-", If_Range=tag)
    assert (resumed.status, resumed.body) == (206, PAGES["/medium.bin"][10:])
    assert (anew.status, anew.body) == (200, PAGES["/medium.bin"])


async def test_what_the_visitor_has_already_is_confirmed_by_the_platform_that_gave_it_only(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        tag = (await visitor.ask()).headers["ETag"]
        same = await visitor.ask(If_None_Match=tag)
        weak = await visitor.ask(If_None_Match=f'"other", W/{tag}')
        pair[0].mood = "503"
        other = await visitor.ask(If_None_Match=tag)
    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
    assert weak.status == 304
    assert (other.status, other.body) == (200, PAGES["/"])


async def test_dates_are_no_condition_for_platforms_date_one_file_differently(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask(If_Modified_Since="Tue, 24 Nov 2099 00:00:00 GMT")
    assert answer.status == 200
    assert "If-Modified-Since" not in pair[0].seen[0].headers


async def test_a_platform_sees_no_cookie_no_credentials_and_no_address(tmp_path, pair):
    own = {"Cookie": "a=1", "Authorization": "Basic x", "X-Forwarded-For": "192.0.2.1", "CF-Connecting-IP": "192.0.2.1"}
    async with visiting(tmp_path, *pair) as visitor:
        await visitor.ask(**own, Accept="text/html", User_Agent="visitor")
    seen = pair[0].seen[0].headers
    assert {"Accept": "text/html", "User-Agent": "visitor", "Host": "site.one.example"}.items() <= dict(seen).items()
    assert not set(own) & set(seen)


async def test_a_visitor_sees_nothing_of_the_platform_but_the_file(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask()
    assert not {"Set-Cookie", "Server", "Alt-Svc", "X-Hop", "Connection"} & set(answer.headers)
    assert answer.headers["Cache-Control"] == "public, max-age=60"


async def test_the_releases_headers_are_added_where_the_platform_sends_none(tmp_path, pair):
    pair[0].headers = {"X-Frame-Options": "SAMEORIGIN"}
    async with visiting(tmp_path, *pair) as visitor:
        own, missing, block = await visitor.ask(), await visitor.ask("/nope"), await visitor.ask("/blog/")
    assert (own.headers["X-Frame-Options"], own.headers["X-Content-Type-Options"]) == ("SAMEORIGIN", "nosniff")
    assert missing.headers["X-Frame-Options"] == "DENY"
    assert block.headers["X-Blog"] == "yes"


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/blog", 301, "/blog/"),
        ("/blog?x=1", 301, "/blog/?x=1"),
        ("/http", 301, "/about.html?a=1"),
        ("/elsewhere", 302, "https://partner.example/x"),
    ],
)
async def test_no_redirect_names_a_platform(tmp_path, pair, path, status, location):
    """``/blog`` is what GitLab Pages does with a folder: 302 to ``//HOST/blog/``."""
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask(path)
    assert (answer.status, answer.headers["Location"], answer.headers["X-Served-From"]) == (status, location, "one")


@pytest.mark.parametrize("path", ["//partner.example/x", "/%2e%2e/about.html", "/%", "/a%00b", "/x" * 2000])
async def test_strange_paths_never_leave_the_site(tmp_path, pair, path):
    async with visiting(tmp_path, *pair) as visitor:
        answer = await visitor.ask(path)
    assert answer.status in {200, 404}
    assert "Location" not in answer.headers


async def test_compressed_bodies_pass_as_they_are(tmp_path, pair):
    import gzip

    async with visiting(tmp_path, *pair, limits=WorkerLimits()) as visitor:
        for path in ("/about.html", "/big.bin"):
            answer = await visitor.ask(path, Accept_Encoding="gzip")
            assert answer.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(answer.body) == PAGES[path]
