"""A site's files and ``_redirects`` in Firebase's terms: which path holds which file, redirects and rewrites.

Firebase answers in this order: redirects, a file of exactly this path, a folder's ``index.html`` (without the slash it
redirects to it), rewrites, ``404.html`` (https://firebase.google.com/docs/hosting/full-config#hosting_priority_order).
So a redirect that files come before must leave out the paths of these files. ``cleanUrls`` stays off, because with it
Firebase redirects ``/x.html`` to ``/x``; a page is put under both paths instead, which costs nothing to send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from publisher.platforms.firebase.patterns import LONGEST, below, exact, literal, without
from website import SPLAT, File, Redirect, Site

_INDEX = "index.html"
#: Firebase keeps these URLs for itself: https://firebase.google.com/docs/hosting/reserved-urls
_RESERVED = "/__/"
_CAPTURED = ":splat"
#: What Firebase (path-to-regexp) would take for more than text in a location that has a captured segment.
_SYNTAX = re.compile(r":(?=\w)|[()*\\]")


@dataclass(frozen=True)
class Rewrite:
    """One rewrite, and the file that it leads to."""

    regex: str
    file: File
    url: str
    """The URL path it is for, or the folder and ``*`` below which it holds."""
    line: int


@dataclass
class Routing:
    """What a version is made of, but for its headers."""

    paths: dict[str, File]
    """Key of Firebase's manifest (``/about``) → file."""
    redirects: list[dict[str, Any]] = field(default_factory=list)
    rewrites: list[Rewrite] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    """What Firebase cannot express, by file and line."""

    def key_of(self, file: File) -> str | None:
        """A key under which this file is served: its own path unless a rule has put another file there."""
        own = f"/{file.path}"
        if self.paths.get(own) is file:
            return own
        return next((key for key, found in self.paths.items() if found is file), None)

    def as_config(self) -> dict[str, Any]:
        """The rewrites and redirects of Firebase's ServingConfig."""
        rewrites = [{"regex": rewrite.regex, "path": self.key_of(rewrite.file)} for rewrite in self.rewrites]
        return {"redirects": self.redirects, "rewrites": rewrites}


def routing_of(site: Site) -> Routing:
    """Compile the site; what cannot be expressed is named in ``mistakes``."""
    return _Compiler(site).compiled()


def pages_twice(files: Mapping[str, File]) -> dict[str, File]:
    """Path → file, each page under its clean URL too unless a file has that very name."""
    paths = {f"/{path}": file for path, file in files.items()}
    for path, file in files.items():
        clean = path.removesuffix(".html")
        if clean != path and clean and not clean.endswith("/") and clean not in files:
            paths[f"/{clean}"] = file
    return paths


class _Compiler:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._routing = Routing(pages_twice(site.files))
        self._urls = dict(_urls(self._routing.paths))
        self._taken: set[str] = set()
        """Exact URLs that a rule of status 200 answers."""
        self._taken_below: list[str] = []
        """Folders below which a rule of status 200 answers everything."""
        self._closed: list[str] = []
        """Those of them below which some URLs are answered with 404."""

    def compiled(self) -> Routing:
        for path in self._site.files:
            if path.endswith(f"/{_INDEX}.html") and path.removesuffix(".html") not in self._site.files:
                self._refuse(path, f"serve {path} under its clean URL", "that names the index of its folder", "Rename")
        rules = self._site.rules.redirects
        for rule in [*(rule for rule in rules if rule.force), *(rule for rule in rules if not rule.force)]:
            if rule.source.startswith(_RESERVED):
                self._refuse_rule(rule, "answer this path", f"it keeps URLs below {_RESERVED} for itself", "Change it")
            elif rule.status == 200:
                self._in_place(rule)
            else:
                self._redirect(rule)
        self._check_rewrites()
        return self._routing

    def _check_rewrites(self) -> None:
        for rewrite in self._routing.rewrites:
            if self._routing.key_of(rewrite.file) is None:
                where, why = f"_redirects:{rewrite.line}", "a forced rule has put another file in its place"
                self._refuse(where, f"serve {rewrite.file.path}", why, "Delete one of the two rules")

    def _refuse(self, where: str, what: str, why: str, advice: str) -> None:
        text = f"{where}: firebase cannot {what}, because {why}. {advice}, or take firebase out of `hosts`."
        self._routing.mistakes.append(text)

    def _refuse_rule(self, rule: Redirect, what: str, why: str, advice: str) -> None:
        self._refuse(f"_redirects:{rule.line}", what, why, advice)

    def _is_taken(self, url: str) -> bool:
        return url in self._taken or any(url.startswith(folder) for folder in self._taken_below)

    # Redirects

    def _redirect(self, rule: Redirect) -> None:
        if rule.source.endswith("/*"):
            self._redirect_below(rule, rule.source[:-1])
        elif not self._is_taken(rule.source) and (rule.force or rule.source not in self._urls):
            self._add(rule, exact(rule.source), rule.target)

    def _add(self, rule: Redirect, regex: str, location: str) -> None:
        if len(regex) > LONGEST:
            self._refuse_rule(
                rule,
                "redirect what has no file",
                f"it redirects before it looks for files, and too many lie below {rule.source[:-1]} to be left out",
                "Redirect folders that have no files, or force the rule with !",
            )
            return
        self._routing.redirects.append({"regex": regex, "location": location, "statusCode": rule.status})

    def _redirect_below(self, rule: Redirect, folder: str) -> None:
        left_out = {*self._taken} if rule.force else {*self._taken, *self._urls}
        tails = {url.removeprefix(folder) for url in left_out if url.startswith(folder)}
        beginnings = [taken.removeprefix(folder) for taken in self._taken_below if taken.startswith(folder)]
        if any(folder.startswith(taken) for taken in self._taken_below):
            return
        if SPLAT not in rule.target:
            self._add_without_splat(rule, folder, tails, beginnings)
        elif reason := _unsafe(rule.target):
            advice = "Write the address without :splat, or percent-encode the character"
            self._refuse_rule(rule, f"send to {rule.target}", reason, advice)
        else:
            self._add_with_splat(rule, folder, tails, beginnings)

    def _add_without_splat(self, rule: Redirect, folder: str, tails: set[str], beginnings: list[str]) -> None:
        if not tails and not beginnings:
            self._add(rule, below(folder), rule.target)
            return
        others = without(tails, beginnings)
        if others is not None:
            self._add(rule, f"^{literal(folder)}{others}$", rule.target)

    def _add_with_splat(self, rule: Redirect, folder: str, tails: set[str], beginnings: list[str]) -> None:
        """The splat is taken without leading slashes; an empty one is written out, for a capture of nothing is none."""
        start = literal(folder)
        several = "/+" if "" in tails else "/*"
        self._add(rule, f"^{start}{several}$", rule.target.replace(SPLAT, ""))
        if not tails and not beginnings:
            self._add(rule, f"^{start}/*(?P<splat>[^/].*)$", rule.target)
            return
        self._add(rule, f"^{start}/+(?P<splat>[^/].*)$", rule.target)
        others = without(tails, beginnings, not_first="/")
        if others is not None:
            self._add(rule, f"^{start}(?P<splat>{others})$", rule.target)

    # Status 200

    def _in_place(self, rule: Redirect) -> None:
        if rule.source.endswith("/*"):
            self._in_place_below(rule, rule.source[:-1])
        elif not self._is_taken(rule.source):
            self._in_place_exactly(rule, rule.source)

    def _in_place_exactly(self, rule: Redirect, url: str) -> None:
        file = self._file_of(rule.target)
        if file is None or (not rule.force and url in self._urls):
            return
        self._taken.add(url)
        if url not in self._urls:
            self._rewrite(exact(url), file, rule)
        elif self._redirected_before(rule, url):
            return
        elif not url.endswith(("/", f"/{_INDEX}", f"/{self._site.rules.not_found}")):
            self._routing.paths[url] = file
        elif self._urls[url] is not file:
            self._refuse_rule(
                rule,
                f"serve another file at {url}",
                "the same file is shown under other URLs there (a folder's index, or the page for what is not found)",
                "Change that file itself",
            )

    def _redirected_before(self, rule: Redirect, url: str) -> bool:
        earlier = (other for other in self._site.rules.redirects if other.force and other.line < rule.line)
        return any(other.match(url) is not None for other in earlier)

    def _in_place_below(self, rule: Redirect, folder: str) -> None:
        if any(folder.startswith(taken) for taken in self._taken_below):
            return
        if rule.force and not self._hides(rule, folder):
            advice = f"Delete the files below {folder}, or the !"
            self._refuse_rule(rule, f"hide the files below {folder}", "it serves a file that is there", advice)
            return
        if SPLAT in rule.target:
            self._each_in_place(rule, folder)
        elif (file := self._file_of(rule.target)) is not None:
            self._rewrite_below(rule, folder, file)
        self._taken_below.append(folder)

    def _hides(self, rule: Redirect, folder: str) -> bool:
        """Whether what lies below the folder is what the forced rule serves there anyway."""
        there = {url: file for url, file in self._urls.items() if url.startswith(folder) and not self._is_taken(url)}
        if any(file is not self._file_of(rule.match(url) or "") for url, file in there.items()):
            return False
        self._routing.paths.update({url: file for url, file in there.items() if not url.endswith("/")})
        return True

    def _rewrite_below(self, rule: Redirect, folder: str, file: File) -> None:
        closed = [other.removeprefix(folder) for other in self._closed if other.startswith(folder)]
        regex = below(folder) if not closed else f"^{literal(folder)}{without((), closed)}$"
        if len(regex) > LONGEST:
            self._refuse_rule(
                rule, "tell it from the rules above", "the pattern would be too long", "Shorten the rules"
            )
            return
        self._rewrite(regex, file, rule)

    def _each_in_place(self, rule: Redirect, folder: str) -> None:
        """Each file that the splat can lead to is put under its new path; all else below the folder is not found."""
        before, _, after = rule.target.partition(SPLAT)
        if SPLAT in after:
            self._refuse_rule(
                rule, f"serve {rule.target}", "the splat stands in it twice", "Write a rule for each page"
            )
            return
        for target in self._urls:
            splat = target[len(before) : len(target) - len(after)]
            fits = target.startswith(before) and target.endswith(after) and before + splat + after == target
            url = folder + splat
            if not fits or splat.startswith("/") or url in self._urls or self._is_taken(url):
                continue
            file = self._file_of(target)
            if file is not None and url.endswith(("/", f"/{_INDEX}")):
                self._rewrite(exact(url), file, rule, url)
            elif file is not None:
                self._routing.paths[url] = file
        self._closed.append(folder)

    def _rewrite(self, regex: str, file: File, rule: Redirect, url: str = "") -> None:
        self._routing.rewrites.append(Rewrite(regex, file, url or rule.source, rule.line))

    def _file_of(self, url: str) -> File | None:
        """The file that a target of status 200 names."""
        return self._urls.get(url) or self._urls.get(f"{url}/")


def _urls(paths: Mapping[str, File]) -> Iterator[tuple[str, File]]:
    """Every URL path that a file answers, be it by the redirect to its folder, and the file."""
    for path, file in paths.items():
        if path.endswith(f"/{_INDEX}"):
            folder = path.removesuffix(_INDEX)
            yield folder, file
            if folder != "/" and folder.removesuffix("/") not in paths:
                yield folder.removesuffix("/"), file
        yield path, file


def _unsafe(target: str) -> str | None:
    """Why a location with a splat would be misread, or None."""
    before, _, after = target.partition(SPLAT)
    if not before.endswith("/") or SPLAT in after:
        return "it puts what was captured only where a segment of the path begins, and once"
    if after[:1] and re.match(r"[\w?+]", after):
        return f"{after[0]!r} behind :splat would belong to the name of what was captured"
    if found := _SYNTAX.search(before + after):
        return f"{found[0]!r} has a meaning of its own in a location with :splat"
    return None
