"""The addresses of a site that Static Web Apps must be told of, or may have to be, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from website import SPLAT, Redirect, Site

#: Stands for "any path that is not there"; no file and no rule has it.
NOWHERE = "0-nowhere-0"


def core(site: Site) -> set[str]:
    """Addresses that visitors use: files, clean URLs, folders with and without slash, and what rules name exactly."""
    found = {address for path in site.files for address in _of_file(path)}
    for rule in site.rules.redirects:
        found.add(rule.source.removesuffix("*"))
    found |= {rule.pattern for rule in site.rules.headers if not rule.pattern.endswith("/*")}
    return _with_splats(site, found)


def seldom_asked(site: Site) -> set[str]:
    """Addresses nobody links to, yet that the platform answers in its own way: ``/page/`` and ``/folder/index``."""
    stems = [path.removesuffix(".html") for path in site.files if path.endswith(".html")]
    named = [stem for stem in stems if stem and not stem.endswith("/")]
    inner = {f"/{stem}" for stem in named if stem.rpartition("/")[2] == "index"}
    return _with_splats(site, inner) | {f"/{stem}/" for stem in named if f"/{stem}" not in inner}


def _of_file(path: str) -> Iterator[str]:
    yield f"/{path}"
    if path == "index.html" or path.endswith("/index.html"):
        folder = path.removesuffix("index.html")
        yield f"/{folder}"
        if folder:
            yield f"/{folder[:-1]}"
    elif path.endswith(".html") and not f"/{path}".endswith("/.html"):
        yield f"/{path.removesuffix('.html')}"


def _with_splats(site: Site, found: set[str]) -> set[str]:
    """And the sources that rules with ``:splat`` lead from to one of them.

    Rules may lead on to one another. A rule that leads on to itself (``/en/*`` to ``/:splat``) has sources without
    end (``/en/en/page``), so each one is taken once on a way.
    """
    rules = [rule for rule in site.rules.redirects if SPLAT in rule.target and is_own(rule)]
    everything = set(found)
    begun: list[tuple[frozenset[int], set[str]]] = [(frozenset(), found)]
    while begun:
        taken, targets = begun.pop()
        for number, rule in enumerate(rules):
            more = set() if number in taken else {*_sources(rule, targets)} - everything
            if more:
                everything |= more
                begun.append((taken | {number}, more))
    return everything


def is_own(rule: Redirect) -> bool:
    """Whether ``:splat`` stands in the path of this site's own addresses and nowhere else in the target."""
    parts = urlsplit(rule.target)
    return not parts.netloc and not parts.scheme and SPLAT not in parts.query + parts.fragment


def leads_anywhere(site: Site, rule: Redirect) -> bool:
    """Whether a redirect with ``:splat`` leads to an answer even where the path is none of a file.

    A rewrite never does: it leads to files.
    """
    if rule.status == 200:
        return False
    return site.answer(unquote(urlsplit(rule.target.replace(SPLAT, NOWHERE)).path)).status != 404


def _sources(rule: Redirect, targets: Iterable[str]) -> Iterator[str]:
    path = rule.target if rule.status == 200 else unquote(urlsplit(rule.target).path)
    first, *rest = (re.escape(part) for part in path.split(SPLAT))
    pattern = re.compile(f"{first}(?P<splat>.*){'(?P=splat)'.join(rest)}", re.DOTALL)
    folder = rule.source.removesuffix("*")
    for target in targets:
        match = pattern.fullmatch(target)
        if match and not match["splat"].startswith("/"):
            yield f"{folder}{match['splat']}"
