from __future__ import annotations

import pytest

from tests.website.conftest import Load
from website import DEFAULT_FLOOR, REVALIDATE

CONTENT = {
    "index.html": "front",
    "about.html": "about",
    "docs/index.html": "docs",
    "docs/a.html": "a",
    "both.html": "page",
    "both/index.html": "folder",
    "file": "plain",
    "file.html": "page",
    "café.html": "coffee",
    "my dir/index.html": "spaces",
    "404.html": "lost",
    "_redirects": """
        /gone          /about 302
        /about         /docs/
        /docs/a        /about 301!
        /docs/a.html   /docs/ 307!
        /blog/2020/*   /about
        /blog/*        /docs/:splat
        /app/*         /about.html 200
        /copy/*        /docs/:splat 200
        /dir-rewrite   /docs 200
    """,
    "_headers": "/docs/*\n  X-Robots-Tag: none\n/about\n  X-Only: clean\n",
}


@pytest.mark.parametrize(
    ("path", "status", "file", "location"),
    [
        ("/", 200, "index.html", None),
        ("/index.html", 200, "index.html", None),
        ("/?utm=x", 200, "index.html", None),
        ("/about.html", 200, "about.html", None),
        ("/about", 200, "about.html", None),
        ("/docs/", 200, "docs/index.html", None),
        ("/docs", 301, None, "/docs/"),
        ("/my dir", 301, None, "/my%20dir/"),
        ("/both", 200, "both.html", None),
        ("/both/", 200, "both/index.html", None),
        ("/file", 200, "file", None),
        ("/café", 200, "café.html", None),
        ("/gone", 302, None, "/about"),
        ("/docs/a", 301, None, "/about"),
        ("/docs/a.html", 307, None, "/docs/"),
        ("/blog/2020/x", 301, None, "/about"),
        ("/blog/x", 301, None, "/docs/x"),
        ("/app/any/where", 200, "about.html", None),
        ("/copy/a", 200, "docs/a.html", None),
        ("/copy/none", 404, "404.html", None),
        ("/dir-rewrite", 200, "docs/index.html", None),
        ("/nothing", 404, "404.html", None),
        ("//about", 404, "404.html", None),
        ("/docs/../about", 404, "404.html", None),
        ("/_redirects", 404, "404.html", None),
        ("/.well-known/release.json", 200, ".well-known/release.json", None),
    ],
)
def test_what_every_platform_must_answer(
    load: Load, path: str, status: int, file: str | None, location: str | None
) -> None:
    answer = load(CONTENT).answer(path)
    assert (answer.status, answer.file and answer.file.path, answer.location) == (status, file, location)


def test_an_answer_with_a_file_has_the_floor_the_rules_and_its_own_headers(load: Load) -> None:
    headers = load(CONTENT).answer("/docs/").headers
    assert headers == {
        **DEFAULT_FLOOR,
        "X-Robots-Tag": "none",
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": REVALIDATE,
    }


def test_a_redirect_promises_no_headers_but_its_location(load: Load) -> None:
    assert load(CONTENT).answer("/docs/a.html?x=1").headers == {}


def test_header_rules_go_by_the_url_and_not_by_the_file(load: Load) -> None:
    site = load(CONTENT)
    assert site.answer("/about").headers["X-Only"] == "clean"
    assert "X-Only" not in site.answer("/about.html").headers


def test_a_404_page_carries_the_security_headers(load: Load) -> None:
    answer = load(CONTENT).answer("/nothing")
    assert answer.headers.items() >= DEFAULT_FLOOR.items()


def test_without_a_404_page_the_answer_has_no_file(load: Load) -> None:
    answer = load().answer("/nothing")
    assert (answer.status, answer.file, dict(answer.headers)) == (404, None, {})


def test_the_last_rule_that_fits_wins(load: Load) -> None:
    site = load({"_headers": "/*\n  X-A: all\n  X-B: all\n/docs/*\n  x-a: docs\n"})
    headers = site.rules.headers_for("/docs/x")
    assert (headers["X-A"], headers["X-B"]) == ("docs", "all")
    assert site.rules.headers_for("/")["X-A"] == "all"
