"""Netlify's reading of ``_redirects`` and ``_headers``; written apart from the publisher's, as a check.

https://docs.netlify.com/routing/redirects/ and https://docs.netlify.com/routing/headers/. What the documentation leaves
open, two header blocks that fit the same path, is taken at its worst here: their values are joined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True)
class RedirectLine:
    """One redirect."""

    source: str
    target: str
    status: int
    force: bool

    def applied(self, path: str) -> str | None:
        """Target for a decoded path, or None."""
        if self.source.endswith("/*"):
            base = self.source[:-1]
            if not path.startswith(base):
                return None
            return self.target.replace(":splat", path[len(base) :].lstrip("/"))
        return self.target if path == self.source else None


def read_redirects(text: str) -> list[RedirectLine]:
    """Lines that are rules; what is none is passed over, as Netlify does."""
    rules = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split() if not line.lstrip().startswith("#") else []
        if len(words) < 2:
            continue
        status = words[2] if len(words) > 2 else "301"
        found = re.fullmatch(r"(\d{3})(!?)", status)
        if found:
            rules.append(RedirectLine(unquote(words[0]), words[1], int(found.group(1)), found.group(2) == "!"))
    return rules


HeaderBlock = tuple[str, list[tuple[str, str]]]


def read_headers(text: str) -> list[HeaderBlock]:
    """Blocks in their order: decoded pattern, and (name, value) pairs."""
    blocks: list[HeaderBlock] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            blocks.append((unquote(line.strip()), []))
        elif blocks and ":" in line:
            name, _, value = line.strip().partition(":")
            blocks[-1][1].append((name.strip(), value.strip()))
    return blocks


def headers_of(path: str, blocks: list[HeaderBlock]) -> dict[str, str]:
    """Headers for a decoded path; a name that several blocks give has all their values."""
    found: dict[str, tuple[str, list[str]]] = {}
    for pattern, pairs in blocks:
        fits = path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
        for name, value in pairs if fits else []:
            found.setdefault(name.lower(), (name, []))[1].append(value)
    return {name: ", ".join(values) for name, values in found.values()}
