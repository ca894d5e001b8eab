from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.website.conftest import Load, Mistakes
from website import Redirect
from website.redirects import parse_redirects


def only(line: str) -> Redirect:
    (rule,), problems = parse_redirects(line.encode())
    assert problems == []
    return rule


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/old /new", Redirect("/old", "/new", 301, False, 1)),
        ("  /old\t/new   302  # moved", Redirect("/old", "/new", 302, False, 1)),
        ("/old /new 301!", Redirect("/old", "/new", 301, True, 1)),
        ("/old https://example.com/a?b=c#d 308", Redirect("/old", "https://example.com/a?b=c#d", 308, False, 1)),
        ("/old http://example.com:8080/:splat/x 307", None),
        ("/a/* /b/:splat", Redirect("/a/*", "/b/:splat", 301, False, 1)),
        (
            "/a/* https://example.com/:splat?from=a",
            Redirect("/a/*", "https://example.com/:splat?from=a", 301, False, 1),
        ),
        ("/* /index.html 200", Redirect("/*", "/index.html", 200, False, 1)),
        ("/caf%C3%A9 /th%C3%A9", Redirect("/café", "/th%C3%A9", 301, False, 1)),
        ("/café /thé", Redirect("/café", "/th%C3%A9", 301, False, 1)),
        ("/my%20page /app%20page.html 200", Redirect("/my page", "/app page.html", 200, False, 1)),
        ("/old.html /new?x=1", Redirect("/old.html", "/new?x=1", 301, False, 1)),
    ],
)
def test_a_line_is_read(line: str, expected: Redirect | None) -> None:
    if expected is None:
        assert parse_redirects(line.encode())[1]
    else:
        assert only(line) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/alone", "needs a source and a target"),
        ("nonsense", "needs a source and a target"),
        ("old /new", "begins with one slash"),
        ("//host /new", "begins with one slash"),
        ("https://example.com/* /new", "begins with one slash"),
        ("/old?id=1 /new", "cannot hold a query"),
        ("/store id=:id /blog/:id 301", "conditions are not known"),
        ("/old /new 301 Country=de", "conditions (Country="),
        ("/old /new 301 more", "more than source, target and status"),
        ("/old /new 404", "is not a status"),
        ("/old /new 303", "is not a status"),
        ("/old /new 301!!", "is not a status"),
        ("/old /new ³01", "is not a status"),
        ("/news/:year /blog/:year", "placeholders"),
        ("/news/* /blog/:year", "placeholders"),
        ("/a*b /new", "only stand at the end"),
        ("/a/*/b /new", "only stand at the end"),
        ("/old /new/:splat", "does not end in /*"),
        ("/old/* /new/*", "Use :splat"),
        ("/old new", "must be a path"),
        ("/old javascript:alert(1)", "must be a path"),
        ("/old //evil.example", "two slashes"),
        ("/old /\\evil.example", "two slashes"),
        ("/old /a\\b", "backslash"),
        ("/old/* https://:splat/", "must be a path"),
        ("/old/* https://example.com:splat/", "must be a path"),
        ("/old https://user:pw@example.com/", "must be a path"),
        ("/old https://bücher.example/", "xn--"),
        ("/old https:///path", "must be a path"),
        ("/app https://example.com/ 200", "serves a file of this site"),
        ("/app /index.html?x=1 200", "no query"),
        ("/a%0d%0ab /new", "invisible character"),
        ("/a%ff /new", "not UTF-8"),
        ("/a/../b /new", "browsers resolve"),
        ("/old /new\r/other", "invisible character"),
    ],
)
def test_a_line_that_is_no_rule_is_refused_with_place_and_next_step(line: str, reason: str) -> None:
    rules, (problem,) = parse_redirects(f"# first\n{line}\n".encode())
    assert rules == ()
    assert reason in str(problem)
    assert str(problem).startswith("_redirects:2: ")
    assert str(problem).endswith(".")


def test_a_second_rule_for_a_source_is_refused_naming_the_first() -> None:
    rules, (problem,) = parse_redirects(b"/a /b\n\n/%61 /c\n")
    assert [rule.target for rule in rules] == ["/b"]
    assert str(problem) == (
        "_redirects:3: /a has a rule in line 1 already, and the first one wins. Delete one of the two."
    )


def test_all_lines_are_reported_and_the_good_ones_kept() -> None:
    rules, problems = parse_redirects(b"/a /b\nbad\n\xff\xfe\n/c /d\r\nworse worse worse\n")
    assert [(rule.source, rule.line) for rule in rules] == [("/a", 1), ("/c", 4)]
    assert [problem.line for problem in problems] == [2, 3, 5]


def test_a_huge_file_is_not_read_as_rules() -> None:
    _, (problem,) = parse_redirects(b"#" * 2_000_000)
    assert "at most 1,048,576" in str(problem)
    assert "Shorten it" in str(problem)


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        ("/a/* /b/:splat", "/a/x/y", "/b/x/y"),
        ("/a/* /b/:splat", "/a/", "/b/"),
        ("/a/* /b/:splat", "/a", None),
        ("/a/* /b/:splat", "/ab", None),
        ("/a/* /:splat", "/a//evil.example", "/evil.example"),
        ("/a/* /:splat", "/a/\\evil.example", "/%5Cevil.example"),
        ("/a/* /b/:splat", "/a/ü?", "/b/%C3%BC%3F"),
        ("/a/* https://example.com/:splat", "/a/@evil", "https://example.com/@evil"),
        ("/a/* /b/:splat 200", "/a/ü", "/b/ü"),
        ("/a /b", "/a/", None),
    ],
)
def test_where_a_rule_leads(line: str, path: str, expected: str | None) -> None:
    assert only(line).match(path) == expected


SEGMENT = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
PATH = st.lists(SEGMENT, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(PATH, PATH, st.sampled_from([301, 302, 307, 308]), st.booleans(), st.booleans())
def test_a_rule_that_is_written_is_read_back(source: str, target: str, status: int, force: bool, splat: bool) -> None:
    tail, end = ("/*", "/:splat") if splat else ("", "")
    rule = only(f"{quote(source)}{tail} {quote(target)}{end} {status}{'!' if force else ''}")
    assert (rule.source, unquote(rule.target)) == (source + tail, target + end)
    assert (rule.status, rule.force) == (status, force)


@given(st.binary(max_size=200))
def test_no_content_of_the_file_can_stop_the_reader(content: bytes) -> None:
    rules, problems = parse_redirects(content)
    for rule in rules:
        assert rule.target.isascii() or rule.status == 200
        assert not set(rule.target) & set("\r\n\0")
    assert all(problem.path == "_redirects" for problem in problems)


@given(st.text(max_size=30))
def test_a_splat_never_leads_to_another_host(splat: str) -> None:
    location = only("/go/* /:splat").match(f"/go/{splat}")
    assert location is not None
    assert location.isascii()
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ("/a /a", 1),
        ("/a /b\n/b /a", 1),
        ("/a /b\n/b /c?x=1\n/c /a#y", 3),
        ("/* /x/:splat", 1),
        ("/a/* /b/:splat\n/b/c/* /a/c/:splat", 2),
        ("/index.html / 301!\n/ /index.html 301!", 1),
    ],
)
def test_an_endless_loop_is_refused_by_line(mistakes: Mistakes, rules: str, line: int) -> None:
    text = mistakes({"_redirects": rules})
    assert f"_redirects:{line}: this rule leads back to itself or never ends" in text
    assert "Change its target" in text


@pytest.mark.parametrize("rules", ["/a /b\n/b /c\n/c /", "/old/* /:splat", "/* /index.html 200", "/blog /blog/"])
def test_chains_that_end_are_allowed(load: Load, rules: str) -> None:
    assert load({"_redirects": rules}).rules.redirects


def test_a_rewrite_to_a_file_that_is_not_there_is_refused(mistakes: Mistakes) -> None:
    text = mistakes({"_redirects": "/app/* /app.html 200"})
    assert "_redirects:1: /app.html is not in the site. Correct the target" in text
