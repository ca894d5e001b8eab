from __future__ import annotations

import pytest

from tests.website.checks.checking import HOST, checked, page, places
from website.checks import site as site_module
from website.checks.secrets import Secrets
from website.checks.settings import Checks

TOKEN = "xoxb-123456789012-1234567890123-" + "AbCdEfGhIjKlMnOpQrStUvWx"
AROUND = {
    "about.html": page('<p id="team">us'),
    "posts/index.html": page('<a id="new" href="one">one</a>'),
    "posts/one.html": page('<a name="old">one</a>'),
    "_redirects": "/blog/* /posts/:splat 301\n/us /about#team 302\n/away https://example.net/ 302\n/app/* /about 200\n",
    "café au lait.html": page(""),
    "style.css": "a{color:red}",
    "a.png": b"\x89PNG",
}

RIGHT = [
    *(
        "/about",
        "/about.html",
        "about",
        "./about",
        "/posts/",
        "/posts",
        "posts/one",
        "/posts/index.html",
        "/",
        "",
        "?x=1",
    ),
    *("/us", "/away", "/blog/one", "/blog/", "/app/any/thing", "/caf%C3%A9%20au%20lait", "café au lait", "  about\n"),
    *(
        "/about#team",
        "/us#anything-is-replaced",
        "/posts/#new",
        "/posts#new",
        "/posts/one#old",
        "#",
        "#top",
        "/about#Top",
    ),
    *("/about#:~:text=us", "/about#/route", "/about?q=1#team", "/style.css", "/a.png#xywh=1,2", "//example.net/x"),
    *(f"https://{HOST}/about", "https://example.org/about#team", "https://example.net/nowhere", "mailto:a@example.org"),
    *(
        "tel:+1",
        "javascript:void(0)",
        "data:text/plain,x",
        "http://example.net/only-a-link",
        "/.well-known/release.json",
    ),
]
WRONG = {
    "/nothing": "is not in the site",
    "nothing.html": "is not in the site",
    "/about/": "is not in the site",
    "/posts/two": "is not in the site",
    "/blog/two": "is not in the site",
    "/About": "upper and lower case",
    "../../nothing": "/nothing",
    f"https://{HOST}/nothing": "is not in the site",
    f"http://{HOST}/nothing": "is not in the site",
    f"//{HOST}/nothing": "is not in the site",
    "/%ff": "not in UTF-8",
    "file:///home/me/a.html": "own disk",
    "http://localhost:4000/about": "own machine",
    "http://127.0.0.1/": "own machine",
    "http://[::1]:1313/": "own machine",
    "http://[broken/": "no address",
    "https://example.net:port/": "no address",
}


@pytest.mark.parametrize("url", RIGHT)
def test_a_link_that_the_published_site_answers_is_right(tmp_path, url):
    assert checked(tmp_path, {**AROUND, "index.html": page(f'<a href="{url}">x</a>')}).findings == ()


@pytest.mark.parametrize(("url", "said"), WRONG.items())
def test_a_link_that_leads_nowhere_is_an_error_with_its_line(tmp_path, url, said):
    report = checked(tmp_path, {**AROUND, "index.html": page(f'<p>\n<a\nclass="x"\nhref="{url}">x</a>')})
    assert places(report) == {("links", "index.html", 6)}
    assert report.findings[0].level == "error"
    assert said in report.findings[0].text


@pytest.mark.parametrize("url", ["#nothing", "/about#nothing", "/us2", "/posts#team", "/posts/one#new", "/about#Team"])
def test_a_link_to_a_part_that_is_not_there_is_an_error_with_its_line(tmp_path, url):
    files = {**AROUND, "_redirects": "/us2 /about#nobody 301\n", "index.html": page(f'\n<a href="{url}">x</a>')}
    assert places(checked(tmp_path, files)) == {("fragments", "index.html", 4)}


def test_a_redirect_to_nothing_is_an_error_in_its_line(tmp_path):
    report = checked(tmp_path, {**AROUND, "_redirects": "# moved\n/old /gone 301\n/fine /about 301\n"})
    assert places(report) == {("links", "_redirects", 2)}


def test_links_are_relative_to_the_page_and_to_what_it_says_itself(tmp_path):
    files = {
        **AROUND,
        "posts/two.html": page('<a href="one">x</a><a href="../about">x</a>'),
        "posts/three.html": page('<a href="about">x</a>', '<title>t</title><base href="/">'),
        "posts/four.html": page(
            '<a href="/nothing-of-ours">x</a>', '<title>t</title><base href="https://example.net/">'
        ),
        "posts/five.html": page('<a href="about">x</a><a href="/nothing-of-ours">x</a>'),
    }
    report = checked(tmp_path, files)
    assert [(found.place, found.check) for found in report.findings] == [("posts/five.html:3", "links")] * 2


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("x.css", "a{}\n@import 'gone.css';\n", 2),
        ("x.css", 'a{background:url(a.png)}\nb{\n background:url( "/gone.png" )}\n', 3),
        (
            "sitemap.xml",
            f"<urlset>\n<url><loc>https://{HOST}/about</loc></url>\n<url><loc>https://{HOST}/gone</loc></url>\n</urlset>",
            3,
        ),
        ("feed.atom", f'<feed>\n<link href="/about"/>\n<entry>\n<link href="https://{HOST}/gone"/></entry></feed>', 4),
        ("site.webmanifest", '{"start_url": "/",\n"icons": [{"src": "a.png"},\n{"src": "/gone.png"}]}', 3),
        ("x.html", page("<style>\na{background:url(a.png)}\nb{background:url(gone.png)}</style>"), 5),
        ("x.html", page('<p>\n<img alt="" srcset="a.png 1x, gone.png 2x">'), 4),
        ("x.html", page("", '<title>t</title><meta http-equiv="refresh" content="0; url=/gone">'), 2),
        ("x.html", page('<svg><use href="/gone.svg#a"/></svg>'), 3),
    ],
)
def test_urls_in_styles_feeds_sitemaps_and_manifests_are_judged_with_their_line(tmp_path, path, text, line):
    assert places(checked(tmp_path, {**AROUND, path: text})) == {("links", path, line)}


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [("feed.xml", "<feed>\n<a><b></a></feed>", 2), ("site.webmanifest", '{"a": 1,\n}', 2)],
)
def test_a_feed_or_manifest_that_cannot_be_read_is_an_error_with_its_line(tmp_path, path, text, line):
    assert places(checked(tmp_path, {path: text})) == {("html", path, line)}


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ('<img alt="" src="http://example.net/a.png">', [3]),
        ('\n<script src="http://example.net/a.js"></script>', [4]),
        ('<iframe title="t" src="http://example.net/"></iframe>', [3]),
        ('<form action="http://example.net/"></form>', [3]),
        ('<p style="background:url(http://example.net/a.png)">', [3]),
        ('<link rel="stylesheet" href="http://example.net/a.css">', [3]),
        ('<a href="http://example.net/">x</a>', []),
        ('<link rel="canonical" href="http://example.net/">', []),
        ('<blockquote cite="http://example.net/">x</blockquote>', []),
        ('<img alt="" src="https://example.net/a.png"><img alt="" src="//example.net/a.png">', []),
    ],
)
def test_what_is_loaded_by_plain_http_is_an_error_and_what_is_only_linked_to_is_none(tmp_path, body, lines):
    report = checked(tmp_path, {"x.html": page(body)})
    assert places(report) == {("mixed-content", "x.html", line) for line in lines}


def test_a_stylesheet_that_loads_by_plain_http_is_an_error(tmp_path):
    report = checked(tmp_path, {"x.css": "a{}\nb{background:url(http://example.net/a.png)}"})
    assert places(report) == {("mixed-content", "x.css", 2)}


def test_a_link_of_the_404_page_that_depends_on_the_address_is_a_warning(tmp_path):
    body = '<a href="/about">x</a>\n<a href="about">x</a><a href="#">x</a><a href="mailto:a@example.org">x</a>'
    report = checked(tmp_path, {**AROUND, "404.html": page(body)})
    assert places(report) == {("not-found-page", "404.html", 4)}
    assert report.errors == 0


@pytest.fixture(scope="session")
def secrets(tmp_path_factory):
    return Secrets(tmp_path_factory.mktemp("rules"))


def test_a_credential_is_an_error_with_its_line_and_is_never_shown(tmp_path, secrets):
    files = {"app.js": f'const a = 1;\nconst token = "{TOKEN}";\n', "x.html": page(f"<!-- {TOKEN} -->")}
    report = checked(tmp_path, files, secrets=secrets)
    assert places(report) == {("secrets", "app.js", 2), ("secrets", "x.html", 3)}
    assert report.errors == 2
    assert TOKEN[:20] not in str(report.as_json())


def test_a_line_can_say_that_it_holds_no_secret_and_ordinary_code_holds_none(tmp_path, secrets):
    files = {
        "app.js": f'const token = "{TOKEN}"; // kingfisher:ignore\nconst hash = "6f9f2ecb87ba344451ea";\n',
        "x.html": page("<p>Set <code>AWS_SECRET_ACCESS_KEY</code>, e.g. AKIAIOSFODNN7EXAMPLE."),
    }
    assert checked(tmp_path, files, secrets=secrets).findings == ()


def test_a_file_too_large_to_be_read_is_named_as_not_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(site_module, "LARGEST", 1000)
    report = checked(tmp_path, {"big.html": page('<a href="/gone">' + "x" * 1000)})
    assert report.findings == ()
    assert [(one.check, "big.html" in one.why) for one in report.not_run] == [("secrets", True)]


def test_levels_and_ignored_paths_are_the_stacks(tmp_path):
    files = {"x.html": page('<a href="/gone">x</a><img src="a.png">'), "old/x.html": page('<a href="/gone">x</a>')}
    ignore = [{"check": "links", "paths": "old/**"}]
    settings = Checks.model_validate({"levels": {"links": "warning", "alt": "off"}, "ignore": ignore})
    report = checked(tmp_path, {**files, "a.png": b""}, settings)
    assert [(found.place, found.check, found.level) for found in report.findings] == [("x.html:3", "links", "warning")]


def test_progress_ends_with_all_files(tmp_path):
    told = []
    report = checked(tmp_path, AROUND, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == report.files
