"""Response headers in Firebase's terms.

Of several rules that fit a path and name the same header, the last one wins. Firebase does not document it; it was
observed there by others (https://github.com/firebase/firebase-tools/issues/9467, .../8917) and is what Google's own
emulator does. Rules are matched against the path that was asked for, also where a rewrite or the 404 page answers.

So the rules are, in this order: what holds everywhere (the floor, and type and caching of the 404 page, for no other
rule may fit a path that is not there); type and caching of what is served otherwise, by exact paths; ``_headers``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from publisher.platforms.firebase.patterns import among, below, exact
from publisher.platforms.firebase.routing import Rewrite, Routing
from website import File, Site

_EVERYWHERE = "^/.*$"
_INDEX = "index.html"

Properties = tuple[str, str]
"""Content-Type and Cache-Control."""


def header_rules(site: Site, routing: Routing) -> list[dict[str, Any]]:
    """``headers`` of Firebase's ServingConfig."""
    rules = site.rules
    usual = _properties(site.files[rules.not_found or _INDEX])
    spelling: dict[str, str] = {}
    found = [_rule(_EVERYWHERE, [*rules.floor, *_named(usual)], spelling)]
    families = [rewrite for rewrite in routing.rewrites if rewrite.url.endswith("/*")]
    found += [_rule(family.regex, _named(_properties(family.file)), spelling) for family in reversed(families)]
    for properties, urls in _exceptions(routing, families, usual).items():
        found += [_rule(regex, _named(properties), spelling) for regex in among(urls)]
    for rule in rules.headers:
        regex = below(rule.pattern[:-1]) if rule.pattern.endswith("/*") else exact(rule.pattern)
        found.append(_rule(regex, rule.headers, spelling))
    return found


def _properties(file: File) -> Properties:
    return file.media_type, file.cache_control


def _named(properties: Properties) -> list[tuple[str, str]]:
    return [("Content-Type", properties[0]), ("Cache-Control", properties[1])]


def _rule(regex: str, headers: Any, spelling: dict[str, str]) -> dict[str, Any]:
    """One rule; a header is spelled the same way in all of them."""
    return {"regex": regex, "headers": {spelling.setdefault(name.lower(), name): value for name, value in headers}}


def _exceptions(routing: Routing, families: list[Rewrite], usual: Properties) -> dict[Properties, list[str]]:
    """Paths whose type or caching the rules for families and for everything would get wrong."""
    found: dict[Properties, list[str]] = defaultdict(list)
    folders = [(family.url[:-1], _properties(family.file)) for family in families]
    for url, file in _served(routing):
        given = next((properties for folder, properties in folders if url.startswith(folder)), usual)
        if _properties(file) != given:
            found[_properties(file)].append(url)
    return found


def _served(routing: Routing) -> Iterator[tuple[str, File]]:
    """Every single URL path that is answered with a file, and the file."""
    for url, file in routing.paths.items():
        yield url, file
        if url.endswith(f"/{_INDEX}"):
            yield url.removesuffix(_INDEX), file
    for rewrite in routing.rewrites:
        if not rewrite.url.endswith("/*"):
            yield rewrite.url, rewrite.file
