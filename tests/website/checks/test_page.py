from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.website.checks.checking import page
from website.checks.page import Page

CASES = [
    ("<p><div>x</p>\n</div>", {("html", 3)}),
    ("<div>\n<span>x</div>", {("html", 4)}),
    ("<p>a\n<p>b\n<ul><li>c<li>d</ul>\n<table><tr><td>e</table>", set()),
    ("x\n</section>", {("html", 4)}),
    ('<p id="a">\n<p id="a">', {("html", 4)}),
    ('<p class="a" class="b">', {("html", 3)}),
    ("a &amp; b &bogus; c", {("authoring", 3)}),
    ("a &copy 2026", {("html", 3)}),
    ('<script>document.write("</div>")</script><textarea></p></textarea>', set()),
    ("<!-- </div> -->", set()),
    ('<svg><path d="M0 0"/><g></g></svg>', set()),
    ("<svg>\n<g></svg>", {("html", 4)}),
    ("<b><i>x</i></b>", set()),
    ("<b>\n<i>x</b></i>", {("html", 4)}),
    ("<br><hr><input><img alt=x src=y>", set()),
    ('<img\n src="a.png">', {("alt", 3)}),
    ('<img alt="" src="a.png">', set()),
    ("<center>x</center>", {("authoring", 3)}),
    ("<h2></h2>", {("authoring", 3)}),
]


def found(text):
    content = text if isinstance(text, bytes) else text.encode()
    return {(check, line) for check, line, _ in Page(content).mistakes()}


@pytest.mark.parametrize(("body", "expected"), CASES)
def test_mistakes_of_the_markup_are_told_with_their_line_and_right_markup_is_not(body, expected):
    assert found(page(body)) == expected


def test_a_page_without_title_language_and_doctype_gets_a_warning_for_each():
    assert {check for check, _ in found("<p>x")} == {"titles", "lang", "authoring"}
    assert found("<!doctype html><title>x</title><p>y") == {("lang", 1)}
    assert found('<!doctype html><html lang="en"><title></title><p>y') == {("titles", 1)}


def test_a_page_that_is_not_utf_8_is_an_error_in_the_first_such_line():
    assert found(page("x").encode() + b"\n<!-- \xe9 -->\n") == {("html", 6)}


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_do_not_change_lines(ending):
    assert found(page("<div>\n<span>x</div>").replace("\n", ending)) == {("html", 4)}


def test_a_byte_order_mark_is_no_mistake():
    assert found(b"\xef\xbb\xbf" + page("x").encode()) == set()


TAGS = st.lists(
    st.tuples(st.sampled_from(["div", "nav", "main", "article", "section"]), st.integers(0, 3)),
    min_size=1,
    max_size=5,
    unique_by=lambda found: found[0],
)


@given(TAGS, st.data())
def test_well_nested_markup_has_no_mistake_and_one_missing_end_tag_is_found_in_its_line(tags, data):
    opening = ["\n" * lines + f"<{tag}>" for tag, lines in tags]
    closing = [f"</{tag}>" for tag, _ in reversed(tags)]
    assert not {line for check, line in found(page("".join(opening + closing))) if check == "html"}
    which = data.draw(st.integers(0, len(tags) - 1))
    del closing[len(tags) - 1 - which]
    line = 3 + sum(lines for _, lines in tags[: which + 1])
    assert {at for check, at in found(page("".join(opening + closing))) if check == "html"} == {line}


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(content):
    read = Page(content)
    lines = content.count(b"\n") + content.count(b"\r") + 1
    assert all(0 <= line <= lines for _, line, _ in read.mistakes())
    assert all(0 <= read.line(link) <= lines for link in read.links())
