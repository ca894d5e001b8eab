"""What ``_redirects`` and ``_headers`` have in common: numbered lines of UTF-8, and URL paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from website.errors import Problem

LARGEST: Final = 1 << 20
"""Bytes of a rule file; beyond it the file is taken for something else."""


class Mistake(Exception):
    """What is wrong with one line, as a sentence without its final stop."""


def lines_of(name: str, content: bytes, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; those that are not clean UTF-8 text are added to ``problems`` and left out.

    Only LF and CRLF end a line: a lone CR or any other control character would travel on into a response.
    """
    if len(content) > LARGEST:
        problems.append(Problem(name, 0, f"has {len(content):,} bytes; at most {LARGEST:,} can be rules. Shorten it."))
        return
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = raw.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError:
            problems.append(Problem(name, number, "is not UTF-8 text. Save the file as UTF-8."))
            continue
        if any(char != "\t" and not (char.isprintable()) for char in text):
            problems.append(Problem(name, number, "holds an invisible character. Type the line again."))
            continue
        yield number, text


def decoded_path(path: str) -> str:
    """A URL path from a rule, percent-decoded; raises Mistake where that leaves no plain path."""
    try:
        plain = unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        raise Mistake("the percent-encoding of the path is not UTF-8. Encode each byte of the UTF-8 form") from None
    if not plain.isprintable() or "\\" in plain:
        raise Mistake("the path holds a backslash or, percent-encoded, an invisible character. Delete it")
    if any(segment in {".", ".."} for segment in plain.split("/")):
        raise Mistake("the path holds . or .. as a folder, which browsers resolve before they ask. Write it out")
    return plain
