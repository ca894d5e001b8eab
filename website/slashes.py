"""Addresses of folders without the slash at their end, for platforms that lead visitors of these astray."""

from __future__ import annotations

from collections.abc import Iterable

from website.rules import url_encoded
from website.site import Site


def folders(site: Site) -> list[str]:
    """Percent-encoded paths such as ``/posts``, sorted: those that the site answers with the way to ``/posts/``."""
    paths = (f"/{path.removesuffix('/index.html')}" for path in site.files if path.endswith("/index.html"))
    return sorted(url_encoded(path) for path in paths if site.answer(path).location == url_encoded(f"{path}/"))


def packed(paths: Iterable[str], room: int) -> list[list[str]]:
    """Put the paths, in their order, into groups of at most ``room`` characters, three more for each path."""
    groups: list[list[str]] = []
    used = room
    for path in paths:
        needed = len(path) + 3
        if used + needed > room:
            groups.append([])
            used = 0
        groups[-1].append(path)
        used += needed
    return groups
