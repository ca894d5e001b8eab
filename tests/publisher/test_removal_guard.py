from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.removal_guard import is_page, refusal


def pages(*numbers):
    return [f"{number}.html" for number in range(*numbers)]


def files(*numbers):
    return [f"{number}.png" for number in range(*numbers)]


#: The cases of octoDNS: https://github.com/octodns/octodns (tests/test_octodns_plan.py).
PASSED = {
    "nothing goes": (pages(20), pages(20)),
    "a first release": ([], pages(20)),
    "nothing goes and much comes": (pages(10), pages(100)),
    "few files": (pages(9), pages(1)),
    "exactly the limit": (pages(10), pages(7)),
    "exactly the limit of the pages, and many other files": ([*pages(10), *files(90)], [*pages(7), *files(90)]),
    "one page less than the limit": (pages(100), pages(71)),
    "a site without a page": (files(20), files(14)),
    "others in their place are no pages that stay": ([*pages(10), *files(10)], [*pages(8), *files(8)]),
}
STOPPED = {
    "more than the limit": (pages(10), pages(6), "remove 4 of 10 files (40%, the limit is 30%)"),
    "one file more than the limit": (pages(100), pages(69), "remove 31 of 100 files (31%"),
    "everything": (pages(10), [], "remove 10 of 10 files (100%"),
    "all pages, while the pictures stay": ([*pages(5), *files(500)], files(500), "remove 5 of 5 pages (100%"),
    "a third of the pages": ([*pages(9), *files(91)], [*pages(6), *files(91)], "remove 3 of 9 pages (33%"),
    "others in their place": (pages(10), pages(10, 40), "remove 10 of 10 files"),
}


@pytest.mark.parametrize("case", PASSED)
def test_a_release_that_drops_little_passes(case):
    assert refusal(*PASSED[case], "r1", None) == ""


@pytest.mark.parametrize("case", STOPPED)
def test_a_release_that_drops_much_is_stopped_until_it_is_allowed_by_its_own_id(case):
    old, new, says = STOPPED[case]
    said = refusal(old, new, "r1", None)
    assert f"release r1 would {says}" in said
    assert "ALLOW=r1" in said
    assert "set allowDeletes to r1" in said
    assert refusal(old, new, "r1", "r2") == said
    assert refusal(old, new, "r1", "r1") == ""


def test_three_of_what_would_go_are_named_in_their_order():
    assert "among them 0.html, 1.html, 2.html. Is the content" in refusal(pages(10), [], "r1", None)


@pytest.mark.parametrize(
    ("path", "page"),
    [("index.html", True), ("A.HTM", True), ("x.xhtml", True), ("html", False), ("a.html.gz", False), ("a.css", False)],
)
def test_pages_are_told_by_their_ending(path, page):
    assert is_page(path) == page


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_share_is_of_the_old_files_only(kept, removed):
    old = [str(number) for number in range(kept + removed)]
    new = [*old[:kept], *(f"new-{number}" for number in range(50))]
    total = kept + removed
    assert bool(refusal(old, new, "r1", None)) == (total >= 10 and removed / total > 0.30)
