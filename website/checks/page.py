"""Reads a page as browsers do: its links, its ids, and where its markup is not what it says.

Parsing, link extraction and the rules of authoring are turbohtml's (https://turbohtml.readthedocs.io), which follows
the HTML standard. It reports what its tokenizer meets; elements that are not closed, and end tags of nothing, are read
off the places of the tags.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import turbohtml
from turbohtml import Document, Element
from turbohtml.conformance import check

#: Elements that have no end tag: https://html.spec.whatwg.org/multipage/syntax.html#void-elements
_VOID: Final = "area, base, br, col, embed, hr, img, input, link, meta, source, track, wbr, param"
_NOT_VOID: Final = f":not({_VOID})"
#: Elements whose end tag may be left out: https://html.spec.whatwg.org/multipage/syntax.html#optional-tags
_OPEN_ENDED: Final = frozenset(
    {
        *("html", "head", "body", "li", "dt", "dd", "p", "rt", "rp", "optgroup", "option", "colgroup", "caption"),
        *("thead", "tbody", "tfoot", "tr", "td", "th"),
    }
)
_END_TAGS_OF_THE_FRAME: Final = frozenset({"html", "head", "body"})

#: What of turbohtml's conformance rules has a check of its own.
_OWN_CHECKS: Final = {
    "missing-title": ("titles", "the page has no title. Write <title>…</title> into its head."),
    "missing-lang": ("lang", "the page does not say its language. Write <html lang=…>."),
    "img-missing-alt": (
        "alt",
        'the picture has no alt text. Describe it for those who cannot see it, or write alt="" if it is decoration.',
    ),
}
_AS_WRITTEN: Final = frozenset({"unknown-named-character-reference"})
"""Parse errors after which browsers show what is written, and which the W3C's validator lets pass."""
_MARKUP: Final = frozenset({"duplicate-id"})
"""Conformance codes that are mistakes of the markup: browsers do something else than what is written."""

#: Where a URL is followed by the visitor; everywhere else the browser loads it with the page.
_FOLLOWED: Final = frozenset(
    {
        *(("a", "href"), ("area", "href"), ("a", "ping"), ("area", "ping"), ("form", "action")),
        *(("button", "formaction"), ("input", "formaction"), ("meta", "content"), ("blockquote", "cite")),
        *(("q", "cite"), ("del", "cite"), ("ins", "cite")),
    }
)
_FORMS: Final = frozenset({("form", "action"), ("button", "formaction"), ("input", "formaction")})
#: Values of rel with which a browser fetches what a <link> names.
#: https://html.spec.whatwg.org/multipage/links.html#linkTypes
_FETCHED: Final = frozenset(
    {"stylesheet", "icon", "manifest", "preload", "modulepreload", "prefetch", "apple-touch-icon", "mask-icon"}
)


@dataclass(frozen=True, slots=True)
class Link:
    """A URL as it stands in a page."""

    url: str
    element: Element
    attribute: str | None
    """None for the text of a ``<style>``."""

    @property
    def loads(self) -> bool:
        """Whether the browser fetches it with the page, or sends to it what a visitor typed."""
        kind = (self.element.tag, self.attribute or "")
        if self.element.tag == "link":
            return not _FETCHED.isdisjoint((self.element.attr("rel") or "").lower().split())
        return kind not in _FOLLOWED or kind in _FORMS


class Page:
    """One HTML file. ``content`` are its bytes; they are served as UTF-8, whatever the page says."""

    def __init__(self, content: bytes) -> None:
        self._spoiled: int | None = None
        text = self._decoded(content)
        self._text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._document: Document = turbohtml.parse(self._text, source_locations=True)

    def _decoded(self, content: bytes) -> str:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._spoiled = content.count(b"\n", 0, error.start) + 1
            return content.decode("utf-8-sig", "replace")

    @cached_property
    def base(self) -> str:
        """What ``<base href>`` says, empty without one."""
        return self._document.base_url("")

    @cached_property
    def ids(self) -> list[str]:
        """Everything that a fragment can name: ids, and names of anchors."""
        found = [element.attr("id") for element in self._document.select("[id]")]
        found += [element.attr("name") for element in self._document.select("a[name]")]
        return [name for name in found if name]

    def links(self) -> Iterator[Link]:
        """Every URL of the page, in the order of the document, those in its styles included."""
        for element, attribute, url in self._document.links():
            yield Link(url, element, attribute)

    def line(self, link: Link) -> int:
        """Where a link stands; that is not where its tag begins if that has several lines."""
        place = link.element.source_location
        if place is None:
            return link.element.source_line or 0
        if link.attribute in place.attrs:
            return place.attrs[link.attribute].start_line
        start = self._text.find(link.url, place.start_tag.end_offset) if link.attribute is None else -1
        end = place.end_tag.start_offset if place.end_tag else len(self._text)
        return self._text.count("\n", 0, start) + 1 if 0 <= start < end else place.start_tag.start_line

    def mistakes(self) -> Iterator[tuple[str, int, str]]:
        """Check, line and text of everything that is wrong with the markup."""
        if self._spoiled is not None:
            yield "html", self._spoiled, "a byte is not UTF-8, and pages are served as UTF-8. Save the file as UTF-8."
        for error in self._document.errors:
            check_name = "authoring" if error.code in _AS_WRITTEN else "html"
            yield check_name, error.line, f"{error.code.replace('-', ' ')}. Correct the markup."
        yield from self._tags()
        yield from self._authoring()

    def _tags(self) -> Iterator[tuple[str, int, str]]:
        """Elements without the end tag that they need; end tags of nothing, looked for where there are too many."""
        ends: list[tuple[int, int]] = []
        for element in self._document.select(_NOT_VOID):
            place = element.source_location
            if place is None:
                continue
            if place.end_tag is not None:
                ends.append((place.end_tag.start_line, place.end_tag.start_col))
            elif element.tag not in _OPEN_ENDED and not self._closes_itself(element, place.start_tag.end_offset):
                text = f"<{element.tag}> is not closed where it should be. Add </{element.tag}>."
                yield "html", place.start_tag.start_line, text
        if len(ends) != self._text.count("</"):
            yield from self._stray(frozenset(ends))

    def _closes_itself(self, element: Element, end: int) -> bool:
        """Whether ``<path/>`` stands there, in SVG or MathML."""
        return element.namespace is not turbohtml.Namespace.HTML and self._text[end - 2] == "/"

    def _stray(self, ends: Container[tuple[int, int]]) -> Iterator[tuple[str, int, str]]:
        for token in turbohtml.tokenize(self._text):
            if token.type is not turbohtml.TokenType.END_TAG or (token.line, token.col) in ends:
                continue
            if token.tag not in _END_TAGS_OF_THE_FRAME:
                yield "html", token.line, f"</{token.tag}> ends nothing that is open there. Delete or move it."

    def _authoring(self) -> Iterator[tuple[str, int, str]]:
        if not any(isinstance(node, turbohtml.Doctype) for node in self._document.children):
            yield "authoring", 1, "the page has no <!doctype html>, so browsers show it as they did in the nineties."
        for message in check(self._document).messages:
            line = message.line or 1  # of an element that is not written out, such as <html>
            if message.code in _OWN_CHECKS:
                name, text = _OWN_CHECKS[message.code]
                yield name, line, text
            else:
                name = "html" if message.code in _MARKUP else "authoring"
                yield name, line, f"{message.message}."
