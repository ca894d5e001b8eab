"""Cache-Control by file name: globs, and which names carry a digest of their content."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

REVALIDATE: Final = "public, max-age=0, must-revalidate"
ONE_HOUR: Final = "public, max-age=3600, must-revalidate"
IMMUTABLE: Final = "public, max-age=31536000, immutable"

HASH: Final = "{hash}"
"""Stands in a glob for a name part that holds a content hash."""

DEFAULT_CACHE_RULES: Final[tuple[tuple[str, str], ...]] = (
    ("*.html", REVALIDATE),
    ("*.htm", REVALIDATE),
    (HASH, IMMUTABLE),
    ("**", ONE_HOUR),
)
"""The first glob that fits a file gives its Cache-Control. HTML comes first: a page's address cannot change with it."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CODE: Final = frozenset({"js", "mjs", "cjs", "css", "map", "wasm"})
_GLOB_PART: Final = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_REGEX_OF: Final = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def compile_glob(glob: str) -> Callable[[str], bool]:
    """A test of site paths against a glob.

    ``*`` and ``?`` stay within a folder, ``**`` crosses folders; a glob without a slash fits names at any depth. With
    ``{hash}`` in it, it fits only names that hold a content hash, e.g. ``assets/**/{hash}``.
    """
    plain = glob.removeprefix("/").replace(HASH, "*")
    if "/" not in glob:
        plain = f"**/{plain}"
    matches = re.compile("".join(_REGEX_OF.get(p) or re.escape(p) for p in _GLOB_PART.findall(plain))).fullmatch
    if HASH not in glob:
        return lambda path: matches(path) is not None
    return lambda path: has_content_hash(path) and matches(path) is not None


def compile_rules(rules: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    """A function from a site path to its Cache-Control: the value of the first glob that fits, else one hour."""
    compiled = [(compile_glob(glob), value) for glob, value in rules]

    def cache_control(path: str) -> str:
        for fits, value in compiled:
            if fits(path):
                return value
        return ONE_HOUR

    return cache_control


def has_content_hash(path: str) -> bool:
    """Tell whether the file name holds what looks like a digest, as bundlers write it.

    Cautious on purpose: a name taken for a hash by mistake is kept by browsers for a year, while a hash that is not
    recognised costs a request an hour. So dates, versions, UUIDs and words with a number are not hashes.
    """
    name = path.rpartition("/")[2]
    if len(name) < 10 or _UUID.search(name):
        return False
    *parts, extension = name.split(".")
    return any(_is_hash(text, extension) for text in _candidates(parts))


def _candidates(parts: list[str]) -> list[str]:
    """Where a hash may stand: a whole part between dots, or behind the last dash or underscore of a part."""
    found = []
    for position, part in enumerate(parts):
        tail = re.split(r"[-_]", part)[-1]
        if position > 0 or len(part) >= 16:
            found.append(part)
        if tail != part:
            found.append(tail)
        if len(part) > 9 and part[-9] in "-_":
            found.append(part[-8:])
    return found


def _is_hash(text: str, extension: str) -> bool:
    changes = _class_changes(text)
    if re.fullmatch(r"[0-9a-f]{8,128}|[0-9A-F]{8,128}", text):
        return changes >= (1 if len(text) >= 16 else 2)
    if re.fullmatch(r"[A-Z2-7]{8}", text):  # esbuild: 8 characters of base32
        return changes >= 3
    if re.fullmatch(r"[\w-]{8}", text, re.ASCII):  # Rollup and Vite: 8 characters of base64url
        return _kinds(text) >= 3 and changes >= (4 if extension in _CODE else 5)
    return False


def _kind(char: str) -> str:
    return "0" if char.isdigit() else "A" if char.isupper() else "a" if char.islower() else "-"


def _kinds(text: str) -> int:
    return len({_kind(char) for char in text})


def _class_changes(text: str) -> int:
    """How often neighbours differ between digit, capital, small letter and sign: often in digests, seldom in words."""
    return sum(_kind(left) != _kind(right) for left, right in pairwise(text))
