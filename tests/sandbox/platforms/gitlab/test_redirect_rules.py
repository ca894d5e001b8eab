from __future__ import annotations

import pytest

from sandbox.platforms.gitlab.redirect_rules import first_match, location, read, status_page


# https://gitlab.com/gitlab-org/gitlab-pages/-/blob/master/internal/redirects/matching_test.go
@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("/foo/ /bar/", "/foo/", "/bar/"),
        ("/foo/ /bar/", "/foo", "/bar/"),
        ("/foo /bar/", "/foo/", "/bar/"),
        ("/foo /bar/", "/foo/bar", None),
        ("/foo/ /bar/", "/foo//", "/bar/"),
        ("/foo/ /bar/", "//foo", "/bar/"),
        ("/foo/bar /baz/", "/foo//bar", "/baz/"),
        ("/foo/*/bar /foo/:splat/qux", "/foo/baz/bar", "/foo/baz/qux"),
        ("/foo/*/bar /foo/:splat/qux", "/foo/hello/world/bar", "/foo/hello/world/qux"),
        ("/foo/*/bar /foo/:splat/qux", "/foo/baz/bar/", "/foo/baz/qux"),
        ("/foo/* /qux/:splat", "/foo/baz/bar/", "/qux/baz/bar/"),
        ("/*/baz/bar /qux/:splat", "/foo/baz/bar", "/qux/foo"),
        ("/foo/* /qux/:splat", "/foo/", "/qux/"),
        ("/foo/* /qux/:splat", "/foo", "/qux/"),
        ("/*/foo /qux/:splat", "/foo", "/qux/"),
        ("/foo*bar /qux/:splat", "/foobazbar", None),
        ("/* /qux/:splat", "/foo/bar", "/qux/foo/bar"),
        ("/foo/*/bar/*/baz /qux/:splat", "/foo/hello/bar/world/baz", "/qux/hello"),
        ("/foo/* /qux/:splat/:splat", "/foo/hello", "/qux/hello/hello"),
        ("/foo/ /qux/:splat", "/foo/", "/qux/"),
        ("/foo/:year/:month/:day/bar /qux/:year-:month-:day", "/foo/2021/08/16/bar", "/qux/2021-08-16"),
        ("/foo/:placeholder/bar /foo/:placeholder/qux", "/foo/hello/world/bar", None),
        ("/foo/:placeholder /qux/:placeholder", "/foo/", None),
        ("/foo/:placeholder /qux/bar:placeholder", "/foo/baz", "/qux/barbaz"),
        ("/:foo /:foobar", "/baz", "/"),
        ("/foo/:foo/:foobar /qux/:foo/:foobar", "/foo/baz/quux", "/qux/baz/quux"),
        ("/foo/:placeholder/bar/:placeholder/baz /qux/:placeholder", "/foo/hello/bar/world/baz", "/qux/hello"),
        ("/foo/*/bar/:splat /qux/:splat", "/foo/hello/bar/world", "/qux/hello"),
        ("/foo/ /qux/:placeholder", "/foo/", "/qux/"),
    ],
)
def test_matching_is_pages_own(rule, path, expected):
    found = first_match(read(rule.encode()), path)
    assert (found and found[1]) == expected


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("/a /b 301", None),
        ("/a https://example.org/b 302", None),
        ("a /b", "url path must start with forward slash /"),
        ("/a b", "url path must start with forward slash /"),
        ("/a //example.org", "no domain-level redirects to outside sites"),
        ("/a /\\example.org", "no domain-level redirects to outside sites"),
        ("/a /b 404", "status not supported"),
        ("/a /b 301!", "force! not supported"),
        ("/a id=:id /b", "params not supported"),
        ("/100% /b", "unable to parse URL"),
        ("/a" * 26 + " /b", "url path cannot contain more than 25 forward slashes"),
    ],
)
def test_rules_that_pages_passes_over(line, error):
    rules = read(line.encode())
    assert rules[0].error() == error
    assert status_page(rules).splitlines()[1] == (f"rule 1: error: {error}" if error else "rule 1: valid")


def test_a_line_that_is_no_rule_spoils_the_whole_file():
    rules = read(b"/a /b\n/lonely\n")
    assert rules == "failed to parse _redirects file"
    assert first_match(rules, "/a") is None
    assert status_page(rules) == "parse error: failed to parse _redirects file\n"
    assert read(b"/a /b\n" + b"#" * 64 * 1024) == "_redirects file too large"


def test_only_the_first_thousand_rules_count():
    rules = read(b"".join(b"/a%d /b\n" % number for number in range(1001)).replace(b"%", b""))
    assert first_match(rules, "/a999") == (301, "/b")
    assert first_match(rules, "/a1000") is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/a b", "/a%20b"),
        ("/a%20b?c=%20#d", "/a%20b?c=%20#d"),
        ("/é", "/%C3%A9"),
        ("/a/../b/", "/b/"),
        ("/a//b", "/a/b"),
        ("/a(b)", "/a(b)"),
        ("/a (b)", "/a%20%28b%29"),
        ("https://example.org//a", "https://example.org//a"),
        ("/100%", None),
    ],
)
def test_locations_are_written_as_go_writes_them(target, expected):
    assert location(target) == expected
