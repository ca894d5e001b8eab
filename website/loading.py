"""Reads a site from its source: everything that is published, checked as a whole before anything is sent."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from website.caching import DEFAULT_CACHE_RULES, compile_rules
from website.errors import ContentError, OptionsError, Problem, printable
from website.file import File, read_verified
from website.floor import DEFAULT_FLOOR, HEADER_VALUE, checked_floor
from website.hashing import digests
from website.headers import NAME as HEADERS
from website.headers import OF_THE_FILE, parse_headers
from website.media import media_type
from website.names import RULE_FILES
from website.redirects import NAME as REDIRECTS
from website.redirects import endless_loops, parse_redirects
from website.release import digest_of, release_file
from website.resolution import file_at, resolve
from website.rules import SPLAT, HeaderRule, Rules
from website.site import Site
from website.source import Checkout, fetch
from website.walk import Found, Walk

_INDEX = "index.html"
_NOT_FOUND = "404.html"


@dataclass(frozen=True)
class SiteOptions:
    """What the stack says about the site."""

    floor: Mapping[str, str] = field(default_factory=lambda: DEFAULT_FLOOR)
    """Security headers of every answer; content can raise and not lower them."""
    cache_rules: tuple[tuple[str, str], ...] = DEFAULT_CACHE_RULES
    """(glob, Cache-Control); the first glob that fits a file counts. ``website.caching`` has the syntax."""


def load_site(source: str, *, ref: str | None = None, options: SiteOptions = SiteOptions(), cache: Path) -> Site:
    """Read and check the site at ``source``: a folder, or a Git URL with a branch, tag or commit behind ``#``.

    ``ref`` says the same as the part behind ``#``. ``cache`` is a folder for what can be made again; nothing else is
    written. Raises SourceError, OptionsError, ContentError with all mistakes, or ChangedWhileReading.
    """
    floor = _checked_options(options)
    checkout = fetch(source, ref, cache)
    with _collector_paused():
        return _load(checkout, options, floor)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection: tens of thousands of objects are made here and none is garbage, yet all are searched."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _load(checkout: Checkout, options: SiteOptions, floor: tuple[tuple[str, str], ...]) -> Site:
    walk = Walk(checkout.folder)
    known, spoiled = digests(walk.files, checkout.stat_cache)
    problems = [*walk.problems, *spoiled]
    problems += _page_problems(walk.files, {problem.path for problem in problems})
    rules = _read_rules(walk.files, known, floor, problems)
    files = _files(walk.files, known, options, rules.headers)
    rules = _of_urls(rules)
    problems += _redirect_problems({file.path for file in files}, rules)
    if problems:
        raise ContentError(sorted(problems))
    return _site(checkout.folder, checkout.commit, files, rules)


def _site(folder: Path, commit: str | None, files: Sequence[File], rules: Rules) -> Site:
    digest = digest_of(files, rules)
    release_id = f"r{digest[:16]}"
    by_path = {file.path: file for file in files}
    own = release_file(release_id, len(files), sum(file.size for file in files))
    by_path[own.path] = own
    return Site(folder, commit, MappingProxyType(dict(sorted(by_path.items()))), rules, release_id, digest)


def _checked_options(options: SiteOptions) -> tuple[tuple[str, str], ...]:
    wrong = [
        f"  - {printable(glob)}: the Cache-Control is empty or not visible ASCII. Correct it."
        for glob, value in options.cache_rules
        if not HEADER_VALUE.fullmatch(value)
    ]
    if wrong:
        raise OptionsError("\n".join(["cache rules of the stack that cannot be used:", *wrong]))
    return checked_floor(options.floor)


def _page_problems(files: Sequence[Found], reported: Collection[str]) -> list[Problem]:
    """No front page, or an empty one; unless something else was reported of it already."""
    if not files and not reported:
        return [Problem(".", 0, f"the folder is empty. Build the site first, so that it holds at least {_INDEX}.")]
    if _INDEX in reported:
        return []
    sizes = {found.path: found.stat.st_size for found in files}
    if _INDEX not in sizes:
        return [
            Problem(_INDEX, 0, "is missing: the site would have no front page. Is this the folder of the built site?")
        ]
    if sizes[_INDEX] == 0:
        return [Problem(_INDEX, 0, "is empty. Build the site again, or write the front page.")]
    return []


def _read_rules(
    files: Sequence[Found], known: Mapping[str, str], floor: tuple[tuple[str, str], ...], problems: list[Problem]
) -> Rules:
    content = {
        path: read_verified(File(path, known[path], state.st_size, "", "", Path(location)))
        for path, location, state in files
        if path in RULE_FILES and path in known
    }
    redirects, wrong_redirects = parse_redirects(content.get(REDIRECTS, b""))
    headers, wrong_headers = parse_headers(content.get(HEADERS, b""), dict(floor))
    problems += [*wrong_redirects, *wrong_headers]
    not_found = _NOT_FOUND if any(found.path == _NOT_FOUND for found in files) else None
    return Rules(redirects, headers, floor, not_found)


def _files(
    found: Sequence[Found], known: Mapping[str, str], options: SiteOptions, headers: Sequence[HeaderRule]
) -> list[File]:
    cache_control = compile_rules(options.cache_rules)
    files = [
        File(path, known[path], state.st_size, media_type(path), cache_control(path), Path(location))
        for path, location, state in found
        if path in known and path not in RULE_FILES
    ]
    overriding = [rule for rule in headers if any(name.lower() in OF_THE_FILE for name, _ in rule.headers)]
    return [_overridden(file, overriding) for file in files] if overriding else files


def _overridden(file: File, rules: Sequence[HeaderRule]) -> File:
    """The file with Cache-Control and Content-Type of the last rule that fits any of its URLs."""
    urls = {f"/{file.path}", f"/{file.path}".removesuffix(_INDEX), f"/{file.path}".removesuffix(".html")}
    said: dict[str, str] = {}
    for rule in rules:
        if any(map(rule.matches, urls)):
            said.update((name.lower(), value) for name, value in rule.headers)
    media, control = said.get("content-type", file.media_type), said.get("cache-control", file.cache_control)
    return File(file.path, file.sha256, file.size, media, control, file.source)


def _of_urls(rules: Rules) -> Rules:
    """The rules without the headers that went into the files."""
    kept = []
    for rule in rules.headers:
        headers = tuple((name, value) for name, value in rule.headers if name.lower() not in OF_THE_FILE)
        if headers:
            kept.append(HeaderRule(rule.pattern, headers, rule.line))
    return Rules(rules.redirects, tuple(kept), rules.floor, rules.not_found)


def _redirect_problems(paths: Collection[str], rules: Rules) -> list[Problem]:
    problems = [
        Problem(
            REDIRECTS, rule.line, f"{printable(rule.target)} is not in the site. Correct the target of this rewrite."
        )
        for rule in rules.redirects
        if rule.status == 200 and SPLAT not in rule.target and not _is_page(rule.target, paths)
    ]
    return problems + endless_loops(rules.redirects, lambda url: resolve(url, paths, rules).location)


def _is_page(url_path: str, paths: Collection[str]) -> bool:
    return file_at(url_path, paths) is not None or file_at(f"{url_path}/", paths) is not None
