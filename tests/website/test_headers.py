from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.website.conftest import Load
from website import DEFAULT_FLOOR
from website.headers import parse_headers
from website.rules import HeaderRule, Rules


def only(text: str) -> HeaderRule:
    (rule,), problems = parse_headers(text.encode(), DEFAULT_FLOOR)
    assert problems == []
    return rule


def test_blocks_comments_and_blank_lines_are_read() -> None:
    rules, problems = parse_headers(
        b"# all\n/*\n  X-A: one: two\n\n  # more\n\tX-B:  three \n/caf%C3%A9/*\r\n  X-C: d\r\n", DEFAULT_FLOOR
    )
    assert problems == []
    assert rules == (
        HeaderRule("/*", (("X-A", "one: two"), ("X-B", "three")), 2),
        HeaderRule("/café/*", (("X-C", "d"),), 7),
    )


def test_a_header_given_twice_becomes_a_list() -> None:
    assert only("/*\n  Link: <a>\n  link: <b>").headers == (("Link", "<a>, <b>"),)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("  X-A: b", 1, "stands below no path"),
        ("/*\n", 1, "has no headers below it"),
        ("X-A: b", 1, "must be a path"),
        ("https://example.com/*\n  X-A: b", 1, "must be a path"),
        ("/* X-A: b", 1, "no spaces"),
        ("/*.js\n  X-A: b", 1, "only stand at the end"),
        ("/:year/x\n  X-A: b", 1, "only stand at the end"),
        ("/a?b\n  X-A: b", 1, "cannot hold a query"),
        ("/*\n  nonsense", 2, "not `Name: value`"),
        ("/*\n  X A: b", 2, "not `Name: value`"),
        ("/*\n  ! X-Frame-Options", 2, "not `Name: value`"),
        ("/*\n  X-A:", 2, "has no value"),
        ("/*\n  X-A: caf\u00e9", 2, "visible ASCII"),
        ("/*\n  X-A: a\rSet-Cookie: b", 2, "invisible character"),
        ("/*\n  X-A: a\x00b", 2, "invisible character"),
        ("/*\n  X-A: a\u2028Set-Cookie: b", 2, "invisible character"),
        ("/*\n  Content-Length: 5", 2, "made by the server"),
        ("/*\n  transfer-encoding: chunked", 2, "made by the server"),
        ("/*\n  Set-Cookie: a=secret", 2, "same cookie"),
        ("/*\n  Location: /x", 2, "_redirects"),
        ("/*\n  Basic-Auth: user:secret", 2, "Netlify only"),
        ("/*\n  Content-Type: html", 2, "not a media type"),
        ("/*\n  X-Frame-Options: SAMEORIGIN", 2, "weaker than the stack's floor"),
        ("/*\n  X-Frame-Options: DENY\n  x-frame-options: DENY", 3, "stands twice"),
        ("/*\n  Cache-Control: no-store\n  Cache-Control: no-cache", 3, "stands twice"),
    ],
)
def test_a_line_that_is_no_rule_is_refused_with_place_and_next_step(text: str, line: int, reason: str) -> None:
    _, (problem, *_) = parse_headers(text.encode(), DEFAULT_FLOOR)
    assert str(problem).startswith(f"_headers:{line}: ")
    assert reason in str(problem)
    assert "secret" not in str(problem)


def test_cache_control_and_content_type_belong_to_the_files(load: Load) -> None:
    site = load(
        {
            "_headers": "/docs/*\n  Cache-Control: no-store\n  X-A: b\n/about\n  Cache-Control: no-cache\n"
            "/.well-known/data\n  Content-Type: application/json\n",
            "docs/a.html": "x",
            "about.html": "x",
            ".well-known/data": "{}",
        }
    )
    assert site.files["docs/a.html"].cache_control == "no-store"
    assert site.files["about.html"].cache_control == "no-cache"
    assert site.files[".well-known/data"].media_type == "application/json"
    assert [rule.headers for rule in site.rules.headers] == [(("X-A", "b"),)]
    assert site.answer("/docs/a").headers["Cache-Control"] == "no-store"


def test_no_rule_of_the_content_delays_the_release_file(load: Load) -> None:
    site = load({"_headers": "/*\n  Cache-Control: public, max-age=86400"})
    assert site.files[".well-known/release.json"].cache_control == "public, max-age=0, must-revalidate"
    assert site.files["index.html"].cache_control == "public, max-age=86400"


NAME = st.from_regex(r"X-[A-Za-z]{1,8}", fullmatch=True).filter(
    lambda name: name.lower() not in map(str.lower, DEFAULT_FLOOR)
)
VALUE = st.from_regex(r"[!-~]([ -~]{0,10}[!-~])?", fullmatch=True)
PATTERN = st.from_regex(r"(/[a-z]{1,5}){1,3}(/\*)?", fullmatch=True)


@given(st.lists(st.tuples(PATTERN, st.dictionaries(NAME.map(str.lower), VALUE, min_size=1, max_size=3)), max_size=4))
def test_rules_that_are_written_are_read_back(blocks: list[tuple[str, dict[str, str]]]) -> None:
    lines = [line for pattern, headers in blocks for line in (pattern, *(f"  {n}: {v}" for n, v in headers.items()))]
    rules, problems = parse_headers("\n".join(lines).encode(), DEFAULT_FLOOR)
    assert problems == []
    assert [(rule.pattern, dict(rule.headers)) for rule in rules] == blocks


@given(
    st.lists(st.sampled_from([*"ab:;*/# =\n\r\t", "/*\n", "  X-Frame-Options: ", "DENY", "Set-Cookie: x", "\n  "])).map(
        "".join
    )
)
def test_whatever_the_file_says_no_header_can_be_injected_and_the_floor_holds(text: str) -> None:
    rules, _ = parse_headers(text.encode(), DEFAULT_FLOOR)
    headers = Rules((), rules, tuple(DEFAULT_FLOOR.items()), None).headers_for("/a/b")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers.keys() >= DEFAULT_FLOOR.keys()
    for name, value in headers.items():
        assert name.lower() != "set-cookie"
        assert not set(name + value) & set("\r\n\0")
