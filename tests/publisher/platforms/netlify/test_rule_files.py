"""What is written into Netlify's files means, read by the twin's own parser, what the site says."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from publisher.platforms.netlify.rule_files import headers_file, redirects_file
from sandbox.platforms.netlify.rules import headers_of, read_headers, read_redirects
from website import HeaderRule, Redirect, Rules, Site

SEGMENT = st.text("abé ü%&'", min_size=1, max_size=4).filter(lambda text: text.strip() == text)
PATH = st.lists(SEGMENT, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
REDIRECT = st.one_of(
    st.builds(Redirect, PATH, st.just("/to"), st.sampled_from([301, 302, 307, 308]), st.booleans(), st.just(1)),
    st.builds(Redirect, PATH.map("{}/*".format), st.just("/to/:splat"), st.just(302), st.booleans(), st.just(1)),
)


def site(redirects=(), headers=(), floor=()):
    rules = Rules(tuple(redirects), tuple(headers), tuple(floor), None)
    return Site(Path(), None, {}, rules, "r0123456789abcdef", "0" * 64)


@given(st.lists(REDIRECT, max_size=6), PATH)
def test_redirects_lead_to_the_same_place_in_the_same_order(redirects, path):
    read = read_redirects(redirects_file(site(redirects)).decode())
    assert [(rule.status, rule.force) for rule in read] == [(rule.status, rule.force) for rule in redirects]
    for ours, theirs in zip(redirects, read, strict=True):
        assert (theirs.applied(path) is None) == (ours.match(path) is None)


@given(PATH, st.dictionaries(st.sampled_from(["X-A", "X-B", "X-C"]), st.just("1"), min_size=1), PATH)
def test_headers_are_given_to_the_same_paths(pattern, headers, path):
    rule = HeaderRule(pattern + "/*", tuple(headers.items()), 1)
    floor = (("X-Frame-Options", "DENY"),)
    found = site(headers=[rule], floor=floor)
    blocks = read_headers(headers_file(found).decode())
    for asked in (path, pattern, f"{pattern}/below"):
        assert headers_of(asked, blocks) == found.rules.headers_for(asked)
