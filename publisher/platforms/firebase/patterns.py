"""RE2 patterns of URL paths, for Firebase's configuration.

Whether Firebase matches the path as it stands in the request or decoded is not documented; Google's own emulator does
the first for headers and rewrites and the second for redirects (superstatic 10, lib/middleware). So each character
that is percent-encoded in a URL is written in both forms. RE2 has no look-ahead, hence ``without``.
Syntax: https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from website import url_encoded

#: Characters of one pattern; not a limit of Firebase, but what a person can still look at.
LONGEST = 4_000
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def literal(text: str) -> str:
    """Pattern of a decoded piece of a path."""
    return "".join(map(_character, text))


def _character(char: str) -> str:
    encoded = url_encoded(char)
    plain = _SPECIAL.sub(r"\\\g<0>", char)
    return plain if encoded == char else f"(?:{plain}|{encoded})"


def exact(path: str) -> str:
    """The path and no other."""
    return f"^{literal(path)}$"


def below(folder: str) -> str:
    """``folder`` (ends with a slash) and everything below it."""
    return f"^{literal(folder)}.*$"


def among(paths: Collection[str]) -> Iterator[str]:
    """Patterns that together match these paths and no others, none longer than about ``LONGEST``."""
    waiting = [sorted(set(paths))] if paths else []
    while waiting:
        some = waiting.pop()
        pattern = f"^{_any_of(some)}$"
        if len(pattern) <= LONGEST or len(some) == 1:
            yield pattern
        else:
            middle = len(some) // 2
            waiting += [some[middle:], some[:middle]]


def _any_of(texts: Sequence[str]) -> str:
    """Pattern of sorted, different texts; what they begin with is written once."""
    shared = _beginning(texts[0], texts[-1])
    rests = [text[len(shared) :] for text in texts]
    if rests == [""]:
        return literal(shared)
    longer = [rest for rest in rests if rest]
    branches = [_any_of(list(group)) for _, group in groupby(longer, key=lambda rest: rest[0])]
    return f"{literal(shared)}(?:{'|'.join(branches)}){'?' if len(longer) < len(rests) else ''}"


def _beginning(one: str, other: str) -> str:
    """What both begin with."""
    different = (place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return one[: next(different, min(len(one), len(other)))]


@dataclass
class _Node:
    """One character deeper into what is left out."""

    here: bool = False
    """The text that ends here is left out."""
    all_below: bool = False
    """So is everything that begins with it."""
    children: dict[str, _Node] = field(default_factory=dict)

    def add(self, text: str, *, all_below: bool) -> None:
        node = self
        for char in text:
            node = node.children.setdefault(char, _Node())
        node.here = True
        node.all_below = node.all_below or all_below

    def others(self, first: str = "") -> str | None:
        """Pattern of all texts but those left out, none that begins with a character of ``first``; None for none."""
        if self.all_below:
            return None
        stop = "".join(rf"\{char}" if char in r"\]^-[" else char for char in sorted({*self.children, *first}))
        branches = [] if self.here else ["$"]
        branches.append(f"[^{stop}].*" if stop else ".+")
        for char, child in sorted(self.children.items()):
            rest = None if char in first else child.others()
            if rest is not None:
                branches.append(_SPECIAL.sub(r"\\\g<0>", char) + rest)
        return f"(?:{'|'.join(branches)})"


def without(texts: Collection[str], beginnings: Collection[str], *, not_first: str = "") -> str | None:
    """Pattern (with its own end) of all texts but ``texts`` and what starts with one of ``beginnings``; None for none.

    What it matches does not begin with a character of ``not_first`` and is not empty if there is one.
    """
    root = _Node(here=bool(not_first))
    for text in texts:
        for form in {text, url_encoded(text)}:
            root.add(form, all_below=False)
    for text in beginnings:
        for form in {text, url_encoded(text)}:
            root.add(form, all_below=True)
    return root.others(not_first)
