from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.website.conftest import Load
from website.caching import (
    DEFAULT_CACHE_RULES,
    IMMUTABLE,
    ONE_HOUR,
    REVALIDATE,
    compile_glob,
    compile_rules,
    has_content_hash,
)

default = compile_rules(DEFAULT_CACHE_RULES)


@pytest.mark.parametrize(
    "path",
    [
        *("app.3f2a9c1b.js", "app-BZ3kf9Qa.css", "_astro/page.DGHx8s_P.js", "main.1a2b3c4d5e6f7a8b9c0d.chunk.js"),
        *(
            "chunk-7QK2XW3A.js",
            "fonts/inter-8a4c1d9e.woff2",
            "app.3f2a9c1b.js.map",
            "css/site.min.9e107d9d372bb6826bd81d35.css",
        ),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.png",
    ],
)
def test_a_name_with_a_content_hash_is_kept_for_a_year(path: str) -> None:
    assert has_content_hash(path)
    assert default(path) == IMMUTABLE


@pytest.mark.parametrize(
    "path",
    [
        *("photo-20240101.jpg", "jquery-3.7.1.min.js", "photo-20240101a.jpg", "img-1699999999999999.jpg", "style.css"),
        *("notes-Chapter1.pdf", "shot-iPhone15.jpg", "shot-iPhone5S.jpg", "bootstrap.bundle.min.js", "deadbeef.js"),
        *("report-SUMMER24.pdf", "a/backgrounds.jpg", "550e8400-e29b-41d4-a716-a1b2c3d4e5f6.jpg", "JavaScript.svg"),
        *("application.css", "video-1080p60f.mp4", "internationalization.js", "facade-decade.js", "v2-final-FINAL.png"),
    ],
)
def test_a_date_a_version_or_a_word_is_not_a_hash(path: str) -> None:
    assert not has_content_hash(path)
    assert default(path) == ONE_HOUR


def test_a_page_is_always_asked_for_anew() -> None:
    assert (
        default("index.html") == default("a/b.html") == default("app.3f2a9c1b.html") == default("a.htm") == REVALIDATE
    )


@pytest.mark.parametrize(
    ("glob", "fits", "fails"),
    [
        ("*.css", ["a.css", "b/c.css"], ["a.css.map", "css"]),
        ("/assets/*", ["assets/a.js"], ["assets/b/a.js", "x/assets/a.js"]),
        ("assets/**", ["assets/a.js", "assets/b/c.js"], ["assets", "my-assets/a"]),
        ("**/img/*.png", ["img/a.png", "a/b/img/c.png"], ["img/b/c.png", "ximg/a.png"]),
        ("page-?.html", ["page-1.html", "a/page-2.html"], ["page-10.html", "page-/.html"]),
        ("**", ["a", "a/b"], []),
        ("a.b", ["a.b"], ["aXb"]),
        ("assets/{hash}", ["assets/app.3f2a9c1b.js"], ["assets/app.js", "app.3f2a9c1b.js"]),
    ],
)
def test_globs(glob: str, fits: list[str], fails: list[str]) -> None:
    test = compile_glob(glob)
    assert all(map(test, fits))
    assert not any(map(test, fails))


def test_the_first_rule_that_fits_counts(load: Load) -> None:
    cache_control = compile_rules((("*.pdf", "no-store"), ("**", "no-cache")))
    assert (cache_control("a.pdf"), cache_control("a.txt")) == ("no-store", "no-cache")
    assert compile_rules(())("a") == ONE_HOUR


@given(st.text(max_size=40))
def test_any_name_can_be_asked(path: str) -> None:
    assert has_content_hash(path) in {True, False}
