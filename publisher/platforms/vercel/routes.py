"""The site's rules as routes of Vercel's Build Output: ``.vercel/output/config.json``.

Which file answers which address is decided here and written down address by address, so that nothing rests on what
Vercel does by itself for clean URLs and folders. Routes run from the top; those before ``filesystem`` before files.
https://vercel.com/docs/build-output-api/configuration
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from publisher.errors import PlatformRefused
from website import Redirect, Site, url_encoded
from website.resolution import file_at
from website.rules import SPLAT

Route = dict[str, Any]
#: https://vercel.com/docs/limits#routes-created-per-deployment
MAX_ROUTES = 2048
#: Characters of one ``src``: https://openapi.vercel.sh/vercel.json (routes, src, maxLength).
_MAX_SOURCE = 4096
#: What Vercel sends by itself: https://vercel.com/docs/headers/cache-control-headers#default-cache-control-value
_DEFAULT_CACHE_CONTROL = "public,max-age=0,must-revalidate"
#: Extensions whose Content-Type is beyond doubt; for all others it is said.
_PLAIN_TYPES = frozenset({".html", ".css", ".png", ".jpg", ".jpeg", ".gif"})
#: End of a file's name → what of it stands in the clean address.
_SHOWN = {"/index.html": "/", ".html": ""}


def config(site: Site) -> bytes:
    """The configuration of a release. Raises PlatformRefused with everything that Vercel cannot express."""
    routes = [
        *_headers(site),
        *_redirects(site, forced=True),
        *_pages(site),
        {"handle": "filesystem"},
        *_redirects(site, forced=False),
        *_not_found(site),
    ]
    problems = [*_problems(site, len(routes))]
    if problems:
        raise PlatformRefused("\n".join(problems))
    found = {"version": 3, "routes": routes, "overrides": dict(_types(site))}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def _redirects(site: Site, *, forced: bool) -> Iterator[Route]:
    for rule in site.rules.redirects:
        if rule.force is not forced:
            continue
        if rule.status == 200:
            yield from _rewrite(site, rule)
        else:
            splat = rule.source.endswith("/*")
            target = rule.target.replace(SPLAT, "$1") if splat else rule.target
            yield {"src": f"^{_source(rule)}$", "status": rule.status, "headers": {"Location": target}}


def _rewrite(site: Site, rule: Redirect) -> Iterator[Route]:
    """Every address that a rewrite reaches is written down; the rest of its folder is not there."""
    source = _pattern(rule.source[:-1]) + "/*" if rule.source.endswith("/*") else ""
    if not source or SPLAT not in rule.target:
        path = file_at(rule.target, site.files) or file_at(f"{rule.target}/", site.files)
        yield _serving(site, f"^{_source(rule)}$", path) if path else _lost(site, f"^{_source(rule)}$")
        return
    for path, splats in _reached(site, rule).items():
        for expression in _alternatives(source, splats, ""):
            yield _serving(site, expression, path)
    yield _lost(site, f"^{_source(rule)}$")


def _serving(site: Site, source: str, path: str) -> Route:
    headers = {"Cache-Control": site.files[path].cache_control}
    return {"src": source, "dest": _target(f"/{path}"), "headers": headers}


def _reached(site: Site, rule: Redirect) -> Mapping[str, list[str]]:
    """Path of a file → what may stand for the splat to reach it."""
    found: dict[str, list[str]] = defaultdict(list)
    before, _, after = rule.target.partition(SPLAT)
    for path in site.files:
        for ending in ("", ".html", "index.html", "/index.html"):
            address = f"/{path}".removesuffix(ending)
            splat = address[len(before) : len(address) - len(after)]
            if f"/{path}" == f"{before}{splat}{after}{ending}" and _leads(rule, splat, path, site):
                found[path].append(splat)
    return found


def _leads(rule: Redirect, splat: str, path: str, site: Site) -> bool:
    target = rule.match(f"{rule.source[:-1]}{splat}") if not splat.startswith("/") else None
    return target is not None and (file_at(target, site.files) or file_at(f"{target}/", site.files)) == path


def _headers(site: Site) -> Iterator[Route]:
    """Each header gets one value at each address, so that the order of routes decides nothing."""
    everywhere = {name.lower(): (name, value) for name, value in site.rules.floor}
    by_value: dict[str, dict[str, str]] = defaultdict(dict)
    names = {name.lower(): name for rule in site.rules.headers for name, _ in rule.headers} | {
        lower: name for lower, (name, _) in everywhere.items()
    }
    for lower, name in names.items():
        rules = [rule for rule in site.rules.headers if any(own.lower() == lower for own, _ in rule.headers)]
        patterns = [rule.pattern for rule in rules]
        if lower in everywhere:
            by_value[_but("/*", patterns)][name] = everywhere[lower][1]
        for number, rule in enumerate(rules):
            value = next(value for own, value in reversed(rule.headers) if own.lower() == lower)
            by_value[_but(rule.pattern, patterns[number + 1 :])][name] = value
    for source, headers in by_value.items():
        yield {"src": source, "headers": headers, "continue": True}


def _but(pattern: str, later: Iterable[str]) -> str:
    """Expression for addresses of ``pattern`` that no later pattern is for."""
    others = "".join(f"(?!{_whole(other)}$)" for other in dict.fromkeys(later))
    return f"^{others}{_whole(pattern)}$"


def _whole(pattern: str) -> str:
    return f"{_pattern(pattern[:-1])}.*" if pattern.endswith("/*") else _pattern(pattern)


def _pages(site: Site) -> Iterator[Route]:
    """Folders without their slash, pages by their clean addresses, and the caching of files by their own."""
    folders = {path.rpartition("/")[0] for path in site.files if path.endswith("/index.html")}
    bare = [folder for folder in sorted(folders) if file_at(f"/{folder}", site.files) is None]
    for source in _alternatives("/", bare, ""):
        yield {"src": source, "status": 301, "headers": {"Location": "/$1/"}}
    for (ending, cache_control), places in _clean(site).items():
        for source in _alternatives("", places, _SHOWN[ending]):
            yield {"src": source, "dest": f"$1{ending}", "headers": {"Cache-Control": cache_control}}
    for cache_control, paths in _exact(site).items():
        for source in _alternatives("/", paths, ""):
            yield {"src": source, "headers": {"Cache-Control": cache_control}, "continue": True}


def _clean(site: Site) -> Mapping[tuple[str, str], list[str]]:
    """Ending and Cache-Control → what stands before the ending in the address of a file."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, file in site.files.items():
        for ending, shown in _SHOWN.items():
            start = f"/{path}".removesuffix(ending)
            if start != f"/{path}" and file_at(start + shown, site.files) == path:
                found[ending, file.cache_control].append(start)
    return found


def _exact(site: Site) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path, file in site.files.items():
        if file.cache_control.replace(" ", "") != _DEFAULT_CACHE_CONTROL:
            found[file.cache_control].append(path)
    return found


def _types(site: Site) -> Iterator[tuple[str, dict[str, str]]]:
    for path, file in site.files.items():
        if PurePosixPath(path).suffix.lower() not in _PLAIN_TYPES:
            yield path, {"contentType": file.media_type}


def _not_found(site: Site) -> Iterator[Route]:
    if site.rules.not_found:
        yield {"handle": "error"}
        yield _lost(site, "^/.*$")


def _lost(site: Site, source: str) -> Route:
    page = site.rules.not_found
    if page is None:
        return {"src": source, "status": 404}
    headers = {"Cache-Control": site.files[page].cache_control}
    return {"src": source, "status": 404, "dest": _target(f"/{page}"), "headers": headers}


def _alternatives(start: str, places: Iterable[str], end: str) -> Iterator[str]:
    """Expressions for ``start``, one of the places as the first group, and ``end``; as many as their length needs."""
    chosen: list[str] = []
    room = _MAX_SOURCE - len(f"^{start}(){end}$")
    for place in places:
        text = _pattern(place)
        if chosen and sum(map(len, chosen)) + len(chosen) + len(text) > room:
            yield f"^{start}({'|'.join(chosen)}){end}$"
            chosen = []
        chosen.append(text)
    if chosen:
        yield f"^{start}({'|'.join(chosen)}){end}$"


def _source(rule: Redirect) -> str:
    """Expression for a redirect's addresses; the splat, without slashes in front, is the first group."""
    if rule.source.endswith("/*"):
        return f"{_pattern(rule.source[:-1])}/*(.*)"
    return _pattern(rule.source)


def _pattern(text: str) -> str:
    """Expression for a decoded path as it stands in a request: percent-encoded, or as it is."""
    return "".join(re.escape(char) if url_encoded(char) == char else _either(char) for char in text)


def _either(char: str) -> str:
    encoded = "".join(f"%{_digit(byte >> 4)}{_digit(byte & 15)}" for byte in char.encode())
    return f"(?:{encoded}|{re.escape(char)})"


def _digit(value: int) -> str:
    digit = f"{value:X}"
    return digit if digit.isdigit() else f"[{digit}{digit.lower()}]"


def _target(path: str) -> str:
    return url_encoded(path)


def _problems(site: Site, routes: int) -> Iterator[str]:
    if routes > MAX_ROUTES:
        yield (
            f"_redirects, _headers: vercel cannot take {routes:,} routes, because a deployment has {MAX_ROUTES:,}. "
            "Use fewer rules, or take vercel out of `hosts`."
        )
    for rule in site.rules.redirects:
        if re.search(rf"\$[\w&<{{]|{SPLAT}\w", rule.target):
            yield (
                f"_redirects:{rule.line}: vercel cannot send visitors to {rule.target}, because a letter or digit "
                "after $ or :splat would be read as a part of its name. Write %24 for $, put a / or - after :splat, or "
                "take vercel out of `hosts`."
            )
