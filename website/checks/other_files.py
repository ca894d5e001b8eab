"""URLs in files that are no pages: stylesheets, sitemaps, feeds and the web app manifest, each with its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import turbohtml

_URL_ATTRIBUTES: Final = ("href", "src", "url")
_URL_ELEMENTS: Final = frozenset({"loc", "link", "icon", "logo"})
"""Whose text is a URL, in sitemaps, RSS and Atom."""
_URL_KEYS: Final = frozenset({"src", "start_url", "scope", "url", "action"})
"""https://www.w3.org/TR/appmanifest/#web-application-manifest"""


class Unreadable(Exception):
    """The file is not in its own format; ``line`` tells where, the text why."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        super().__init__(text)


def urls_of(media_type: str, content: bytes) -> Iterator[tuple[str, int]]:
    """URLs of a file with their lines; nothing for a type that has none. Raises Unreadable."""
    kind = media_type.partition(";")[0]
    text = content.decode("utf-8-sig", "replace")
    if kind == "text/css":
        yield from _located(_of_stylesheet(text), text)
    elif kind in {"application/xml", "application/rss+xml", "application/atom+xml"}:
        yield from _located(_of_xml(text), text)
    elif kind == "application/manifest+json":
        yield from _located(_of_manifest(text), text)


def _of_stylesheet(text: str) -> Iterator[str]:
    style = turbohtml.Element("style")
    style.text = text
    yield from (url for _, _, url in style.links())


def _of_xml(text: str) -> Iterator[str]:
    try:
        document = turbohtml.parse_xml(text)
    except turbohtml.HTMLParseError as error:
        raise Unreadable(error.error.line, f"{error.error.code.replace('-', ' ')}. Correct the XML.") from error
    for element in document.iter_elements():
        yield from (value for name in _URL_ATTRIBUTES if (value := element.attr(name)))
        if element.tag in _URL_ELEMENTS and element.text.strip():
            yield element.text.strip()


def _of_manifest(text: str) -> Iterator[str]:
    try:
        yield from _of_value(json.loads(text))
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 0
        raise Unreadable(line, "is no JSON. Correct it.") from error


def _of_value(value: Any) -> Iterator[str]:
    for inner in value if isinstance(value, list) else ():
        yield from _of_value(inner)
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in _URL_KEYS and isinstance(inner, str):
            yield inner
        yield from _of_value(inner)


def _located(urls: Iterator[str], text: str) -> Iterator[tuple[str, int]]:
    """Each URL with the line where it next stands as it is; one that is written otherwise gets the line before it."""
    position, line = 0, 1
    for url in urls:
        found = text.find(url, position)
        if found >= 0:
            line += text.count("\n", position, found)
            position = found
        yield url, line
