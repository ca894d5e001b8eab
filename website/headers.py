"""Reads ``_headers``: a path on a line of its own, and below it indented ``Name: value`` lines.

https://docs.netlify.com/manage/routing/headers/#syntax-for-the-headers-file
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from website.errors import Problem, printable
from website.floor import HEADER_NAME, HEADER_VALUE, Lowered, raised
from website.rulefile import Mistake, decoded_path, lines_of
from website.rules import HeaderRule

NAME: Final = "_headers"
OF_THE_FILE: Final = frozenset({"cache-control", "content-type"})
"""Headers that become a property of the files a pattern fits, whatever URL they are asked by."""

_FRAMING: Final = "is made by the server for each answer, and a fixed value would break answers. Delete the line"
_STATE: Final = "would give visitors of a shared, cached page one and the same cookie. Delete the line"
_REFUSED: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("content-length", "transfer-encoding", "content-encoding", "content-range", "connection", "keep-alive", "te"),
        _FRAMING,
    ),
    **dict.fromkeys(("trailer", "upgrade", "date", "age", "etag", "last-modified", "accept-ranges"), _FRAMING),
    **dict.fromkeys(("host", "server", "via", "allow", "status", "proxy-connection", "proxy-authenticate"), _FRAMING),
    **dict.fromkeys(("set-cookie", "set-cookie2"), _STATE),
    "location": "is a redirect. Write it into _redirects",
    "refresh": "is a redirect. Write it into _redirects",
    "vary": "decides what caches may share, which each platform sets for itself. Delete the line",
    "alt-svc": "would lead visitors past the platform. Delete the line",
    "basic-auth": "is known to Netlify only, and a password in content is public elsewhere. Delete the line",
    "public-key-pins": "is obsolete and can lock visitors out. Delete the line",
}
_MEDIA_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;\s*[\w-]+=[\w.\"+-]+)*", re.ASCII)


@dataclass
class _Block:
    pattern: str
    line: int
    headers: dict[str, tuple[str, str]] = field(default_factory=dict)


def parse_headers(content: bytes, floor: Mapping[str, str]) -> tuple[tuple[HeaderRule, ...], list[Problem]]:
    """Rules in the order of the file with their final values, and every line that is none or would lower the floor."""
    reader = _Reader({name.lower(): (name, value) for name, value in floor.items()})
    for number, text in lines_of(NAME, content, reader.problems):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        try:
            reader.take(text, number)
        except Mistake as mistake:
            reader.problems.append(Problem(NAME, number, f"{mistake}."))
    return reader.rules(), sorted(reader.problems)


class _Reader:
    def __init__(self, floor: Mapping[str, tuple[str, str]]) -> None:
        self._floor = floor
        self._blocks: list[_Block] = []
        self._block: _Block | None = None
        self.problems: list[Problem] = []

    def take(self, text: str, number: int) -> None:
        if text[0] in " \t":
            self._header(text.strip(), number)
            return
        self._block = _Block("", number)
        self._block.pattern = _pattern(text.strip())
        self._blocks.append(self._block)

    def rules(self) -> tuple[HeaderRule, ...]:
        if not self.problems:  # else what stood below the path may be among them
            empty = [block.line for block in self._blocks if not block.headers]
            text = "has no headers below it. Add some, indented, or delete it."
            self.problems += [Problem(NAME, line, text) for line in empty]
        return tuple(HeaderRule(block.pattern, tuple(block.headers.values()), block.line) for block in self._blocks)

    def _header(self, text: str, number: int) -> None:
        if self._block is None:
            raise Mistake("this header stands below no path. Put a path above it, e.g. /*, without a space in front")
        name, value = _split(text)
        key = name.lower()
        if key in _REFUSED:
            raise Mistake(f"{name} {_REFUSED[key]}")
        name, value = self._with_floor(key, name, value)
        self._add(self._block.headers, key, name, value)

    def _add(self, headers: dict[str, tuple[str, str]], key: str, name: str, value: str) -> None:
        """Add a header, or a further element of it: https://www.rfc-editor.org/rfc/rfc9110#section-5.3."""
        if key not in headers:
            headers[key] = (name, value)
        elif key in self._floor or key in OF_THE_FILE:
            raise Mistake(f"{name} stands twice below this path. Delete one of the two")
        else:
            headers[key] = (headers[key][0], f"{headers[key][1]}, {value}")

    def _with_floor(self, key: str, name: str, value: str) -> tuple[str, str]:
        if key == "content-type" and not _MEDIA_TYPE.fullmatch(value):
            raise Mistake("Content-Type is not a media type. Write type/subtype, e.g. application/json")
        if key not in self._floor:
            return name, value
        spelling, least = self._floor[key]
        try:
            return spelling, raised(key, least, value)
        except Lowered as error:
            raise Mistake(
                f"{spelling} would be weaker than the stack's floor: {error}. Content can only raise it: do that, or "
                "change securityHeaders of the stack"
            ) from None


def _pattern(text: str) -> str:
    if not text.startswith("/") or text.startswith("//"):
        raise Mistake(
            "a line without indentation must be a path that begins with one slash: /*, /assets/* or /page.html. "
            "Indent it if it is a header"
        )
    if " " in text or "\t" in text:
        raise Mistake("a path has no spaces. Encode them as %20, and put headers on lines of their own")
    if "*" in text.removesuffix("/*") or "/:" in text:
        raise Mistake(
            "* can only stand at the end of a path, as /*, and placeholders (/:name) are not known everywhere"
        )
    if "?" in text or "#" in text:
        raise Mistake("a path cannot hold a query (?) or a fragment (#). Cut it off")
    return decoded_path(text)


def _split(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not HEADER_NAME.fullmatch(name):
        raise Mistake("this is not `Name: value`. Correct it, or begin the line with # if it is a comment")
    if not HEADER_VALUE.fullmatch(value):
        raise Mistake(f"{printable(name)} has no value, or one with characters other than visible ASCII. Correct it")
    return name, value
