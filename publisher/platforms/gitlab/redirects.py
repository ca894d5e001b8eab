"""The site's redirects in the words of GitLab Pages, and what those words cannot say.

Pages looks for a file first, then through ``_redirects`` from the top. It knows 301, 302 and 200, and no force: a file
that a forced rule covers is left out of its place, and where another of its addresses must still show it, a rewrite
leads there. Matching ignores case and slashes at the end, and ``/docs/*`` is for ``/docs`` and ``/docs-old`` too, so
what is written is followed here as Pages follows it, and compared with the site.

https://docs.gitlab.com/user/project/pages/redirects/
https://gitlab.com/gitlab-org/gitlab-pages/-/blob/master/internal/redirects/matching.go
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from website import Redirect, Site
from website.resolution import Resolution, file_at, resolve
from website.rules import SPLAT, url_encoded

#: https://docs.gitlab.com/administration/instance_limits/#gitlab-pages (defaults, in force on gitlab.com)
MAX_BYTES = 64 * 1024
MAX_RULES = 1000
#: Slashes in one path of a rule: defaultMaxPathSegments in internal/redirects/redirects.go.
MAX_SLASHES = 25
#: Where files lie that a forced rule took from their own place.
AWAY = ".taken-by-a-redirect"
_STATUSES = frozenset({200, 301, 302})
_NAMED = re.compile(r":[A-Za-z]+")
_PLACEHOLDER = re.compile(r":[A-Za-z]+")
_WAY_OUT = "or take gitlab out of `hosts`"


@dataclass(frozen=True)
class Line:
    """One line of GitLab's ``_redirects``."""

    source: str
    target: str
    status: int
    pattern: re.Pattern[str] = field(compare=False)
    origin: Redirect | None = None
    """The site's rule that it stands for."""

    def __str__(self) -> str:
        return f"{self.source} {self.target} {self.status}"


@dataclass(frozen=True)
class Compiled:
    """What is published for the site's redirects, and what GitLab cannot do of them."""

    lines: tuple[Line, ...]
    places: Mapping[str, str]
    """Path of a file in the site → where it is put; the same path for most."""
    problems: tuple[str, ...]

    def text(self) -> bytes:
        """The file ``_redirects``."""
        return "".join(f"{line}\n" for line in self.lines).encode()


def compiled(site: Site) -> Compiled:
    """Translate the redirects of a site; problems name file and line."""
    places = _places(site)
    problems = [problem for rule in site.rules.redirects for problem in _rule_problems(rule)]
    problems += _clean_url_problems(places)
    if problems:
        return Compiled((), places, tuple(problems))
    lines = tuple(_lines(site, places))
    found = Compiled(lines, places, ())
    return Compiled(lines, places, (*_limit_problems(found), *_differences(site, found)))


def _addresses(path: str, site: Site) -> Iterator[str]:
    """URL paths that show a file if no redirect is in the way."""
    yield f"/{path}"
    for suffix in ("index.html", ".html"):
        short = f"/{path}".removesuffix(suffix)
        if path.endswith(suffix) and short != f"/{path}" and file_at(short, site.files) == path:
            yield short


def _forced(url_path: str, site: Site) -> bool:
    return any(rule.force and rule.match(url_path) is not None for rule in site.rules.redirects)


def _places(site: Site) -> dict[str, str]:
    if not any(rule.force for rule in site.rules.redirects):
        return {path: path for path in site.files}
    return {
        path: f"{AWAY}/{path}" if any(_forced(url, site) for url in _addresses(path, site)) else path
        for path in site.files
    }


def _lines(site: Site, places: Mapping[str, str]) -> Iterator[Line]:
    for path, place in places.items():
        if place != path:
            for url in _addresses(path, site):
                if not _forced(url, site):
                    yield _line(url, _file_target(place), 200)
    for forced in (True, False):
        for rule in site.rules.redirects:
            if rule.force is forced:
                yield from _rule_lines(rule, site, places)


def _rule_lines(rule: Redirect, site: Site, places: Mapping[str, str]) -> Iterator[Line]:
    if rule.status != 200:
        target = rule.target.replace("$", "$$") if rule.source.endswith("/*") else rule.target
        yield _line(rule.source, target, rule.status, rule)
    elif SPLAT not in rule.target:
        path = file_at(rule.target, site.files) or file_at(f"{rule.target}/", site.files) or ""
        yield _line(rule.source, _file_target(places.get(path, path)), 200, rule)
    else:
        yield from _irregular(rule, places)
        before, _, after = rule.target.partition(SPLAT)
        yield _line(rule.source, f"{_encoded(before)}{SPLAT}{_encoded(after)}", 200, rule)


def _irregular(rule: Redirect, places: Mapping[str, str]) -> Iterator[Line]:
    """A line for each file that the rewrite reaches and Pages would not: index pages, and files taken away."""
    before, _, after = rule.target.partition(SPLAT)
    for path, place in places.items():
        index = path.endswith("/index.html")
        if not index and place == path:
            continue
        urls = [f"/{path.removesuffix('/index.html')}"] if index else []
        urls += [f"/{path}", f"/{path.removesuffix('.html')}"] if place != path else []
        for url in dict.fromkeys(urls):
            splat = url[len(before) : len(url) - len(after)]
            if url.startswith(before) and url.endswith(after) and splat and not splat.startswith("/"):
                yield _line(rule.source[:-1] + splat, _file_target(place), 200, rule)


def _file_target(path: str) -> str:
    """A path as the target of a rewrite."""
    return "/" + _encoded(path.removeprefix("/"))


def _encoded(path: str) -> str:
    """``:``, ``$`` and ``*`` have a meaning in a target, so they are encoded too."""
    return quote(path, safe="/!&'()+,;=@~-._")


def _line(source: str, target: str, status: int, origin: Redirect | None = None) -> Line:
    parts = []
    for segment in filter(None, source.split("/")):
        parts.append("/*(?P<splat>.*)/*" if segment == "*" else "/+" + re.escape(segment))
    return Line(source, target, status, re.compile("(?i)" + "".join(parts) + "/*", re.DOTALL), origin)


def _rule_problems(rule: Redirect) -> Iterator[str]:
    where = f"_redirects:{rule.line}: gitlab cannot"
    if rule.status not in _STATUSES:
        yield (
            f"{where} send status {rule.status}, because GitLab Pages knows 301, 302 and 200 only. Write "
            f"{301 if rule.status == 308 else 302}, {_WAY_OUT}."
        )
    segments = rule.source.removesuffix("/*").split("/")
    odd = any(char in "%?#" or char.isspace() for char in rule.source)
    if odd or "" in segments[1:-1] or any(_PLACEHOLDER.fullmatch(part) or part == "*" for part in segments):
        yield (
            f"{where} match {rule.source!r}, because in a source of GitLab Pages spaces, %, ?, #, empty folders and "
            f"folders like :name have another meaning. Rename the path, {_WAY_OUT}."
        )
    if rule.status == 200:
        return
    reason = _target_problem(rule)
    if reason:
        yield f"{where} redirect to {rule.target}, because {reason}. Change the target, {_WAY_OUT}."


def _target_problem(rule: Redirect) -> str | None:
    splat = rule.source.endswith("/*")
    if any(not splat or name != SPLAT for name in _NAMED.findall(rule.target)):
        return "GitLab Pages takes a colon and letters in a target for a placeholder"
    if re.search(r"%(?![0-9A-Fa-f]{2})", rule.target):
        return "a % without two hex digits makes GitLab Pages drop the rule"
    path = urlsplit(rule.target).path
    cleaned = posixpath.normpath(path) + ("/" if path.endswith("/") and len(path) > 1 else "")
    if rule.target.startswith("/") and cleaned.replace("//", "/") != path:
        return "GitLab Pages takes // and /../ out of the target's path"
    if splat and "//" in path:
        return "GitLab Pages takes // out of a target with a splat"
    return None


def _clean_url_problems(places: Mapping[str, str]) -> Iterator[str]:
    folders = _folders(places.values())
    for path, place in places.items():
        bare = path.removesuffix(".html")
        if path == place and bare != path and bare in folders and bare not in places:
            yield (
                f"{path}: gitlab cannot serve it as /{bare}, because there is a folder {bare}/, which GitLab Pages "
                f"redirects to /{bare}/. Make it {bare}/index.html, rename the folder, {_WAY_OUT}."
            )


def _folders(paths: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition("/")[0]
    return folders


def _limit_problems(found: Compiled) -> Iterator[str]:
    many, size = len(found.lines), len(found.text())
    if many > MAX_RULES or size > MAX_BYTES:
        yield (
            f"_redirects: gitlab cannot take {many:,} rules of {size:,} bytes, because GitLab Pages reads "
            f"{MAX_RULES:,} rules and {MAX_BYTES:,} bytes at the most. Take rules away, {_WAY_OUT}."
        )
    for line in found.lines:
        if max(line.source.count("/"), urlsplit(line.target).path.count("/")) > MAX_SLASHES:
            number = line.origin.line if line.origin else 0
            yield (
                f"_redirects:{number}: gitlab cannot use {line.source}, because GitLab Pages takes {MAX_SLASHES} "
                f"slashes in a path at the most. Shorten it, {_WAY_OUT}."
            )


def _differences(site: Site, found: Compiled) -> Iterator[str]:
    """What Pages would answer otherwise than the site, at the addresses that rules are about."""
    place_of = {place: path for path, place in found.places.items()}
    folders = _folders(place_of)
    for rule, url in _asked(site, found):
        line = _first(url, found.lines)
        wanted = resolve(url, site.files, site.rules)
        if wanted.status == 301 and wanted.location == url_encoded(f"{url}/") and url[1:] in folders:
            continue  # a folder without its slash: Pages redirects as well, with 302
        if _followed(url, place_of, folders, found) == _essence(wanted):
            continue
        yield _difference(rule, url, line)


def _asked(site: Site, found: Compiled) -> Iterator[tuple[Redirect | None, str]]:
    for rule in site.rules.redirects:
        if rule.source.endswith("/*"):
            yield rule, rule.source[:-1]
            yield rule, f"{rule.source[:-1]}probe-of-the-splat"
        else:
            yield rule, rule.source
    for path, place in found.places.items():
        if place != path:
            for url in _addresses(path, site):
                yield None, url
    yield None, f"/no-such-page-{site.release_id}"


def _first(url: str, lines: Iterable[Line]) -> Line | None:
    return next((line for line in lines if line.pattern.fullmatch(url)), None)


def _followed(
    url: str, place_of: Mapping[str, str], folders: set[str], found: Compiled
) -> tuple[int, str | None, str | None]:
    """Pages' answer as status, path of the site, location: the file, then the first line that fits."""
    shown = _shown(url, place_of, folders)
    if shown is not None:
        return shown
    line = _first(url, found.lines)
    if line is None:
        return 404, None, None
    fit = line.pattern.fullmatch(url)
    splat = (fit.groupdict().get("splat") if fit else None) or ""
    if line.status == 200:
        return _shown(unquote(line.target).replace("$$", "$").replace(SPLAT, splat), place_of, folders) or (
            404,
            None,
            None,
        )
    if not line.source.endswith("/*"):
        return line.status, None, line.target
    return line.status, None, line.target.replace("$$", "$").replace(SPLAT, url_encoded(splat))


def _shown(url: str, place_of: Mapping[str, str], folders: set[str]) -> tuple[int, str | None, str | None] | None:
    name = url.removeprefix("/")
    if name.removesuffix("/") in folders or not name:
        if name and not name.endswith("/"):
            return 302, None, f"//…/{name}/"
        index = f"{name}index.html"
        return (200, place_of[index], None) if index in place_of else None
    for place in (name, f"{name.removesuffix('/')}.html"):
        if place in place_of:
            return 200, place_of[place], None
    return None


def _essence(wanted: Resolution) -> tuple[int, str | None, str | None]:
    return wanted.status, None if wanted.status == 404 else wanted.path, wanted.location


def _difference(rule: Redirect | None, url: str, line: Line | None) -> str:
    where = f"_redirects:{rule.line}" if rule else "_redirects"
    taker = line.origin if line is not None and line.origin is not rule else None
    if taker is not None:
        return (
            f"{where}: gitlab cannot answer {url} as the site says, because line {taker.line} ({taker.source}) takes "
            "it there: GitLab Pages ignores case and a slash at the end, and a splat is for names that begin like its "
            f"folder too. Put the more exact rule above line {taker.line}, {_WAY_OUT}."
        )
    return (
        f"{where}: gitlab cannot answer {url} as the site says, because GitLab Pages serves a file or folder there "
        f"first, and /name/ by name.html. Force the rule with !, rename the file, {_WAY_OUT}."
    )
