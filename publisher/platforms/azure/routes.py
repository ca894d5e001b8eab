"""The site's rules as ``staticwebapp.config.json``: routes, of which the first that fits counts.

An address needs a route only where the platform, by itself or by the wildcard routes, would answer it in another way
than the site says. So what the site says (``Site.answer``) is compared, address by address, with what the platform does
by its documentation, and each difference becomes a route.

Documentation: https://learn.microsoft.com/azure/static-web-apps/configuration (routes, wildcards, response overrides,
trailing slash, restrictions).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from publisher.platforms.azure.addresses import NOWHERE, core, seldom_asked
from publisher.platforms.azure.media_types import MediaTypes, extension, media_types
from website import Answer, Site, url_encoded

#: "Max file size is 20 KB": https://learn.microsoft.com/azure/static-web-apps/configuration#restrictions, and in force
#: (https://github.com/Azure/static-web-apps/issues/661). Taken as 1,000 bytes each.
LARGEST = 20_000
NAME = "staticwebapp.config.json"

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """How an address is answered; headers are those beside the global ones, and none of a redirect."""

    status: int
    file: str | None = None
    location: str | None = None
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True)
class Wildcard:
    """A route for all addresses below a prefix, or with one of some extensions."""

    prefix: str
    outcome: Outcome
    extensions: tuple[str, ...] = ()
    serves_files: bool = True
    """Files that are there are served; else the outcome holds for every address."""

    def fits(self, address: str) -> bool:
        """Whether the address is one of the route's."""
        return address.startswith(self.prefix) and (not self.extensions or extension(address) in self.extensions)

    @property
    def pattern(self) -> str:
        """As it stands in ``route``, decoded."""
        if not self.extensions:
            return f"{self.prefix}*"
        ends = [end.removeprefix(".") for end in self.extensions]
        return f"{self.prefix}*.{ends[0] if len(ends) == 1 else '{' + ','.join(ends) + '}'}"


@dataclass(frozen=True)
class Configuration:
    """What is put into the package beside the files of the site."""

    content: bytes
    leading: int
    """Routes that lead somewhere else."""
    other: int
    """Routes with headers, and such as say that nothing is there."""
    types: MediaTypes

    @property
    def fits(self) -> bool:
        """Whether the platform takes a file of this size."""
        return len(self.content) <= LARGEST


def configuration(site: Site) -> Configuration:
    """The most exact configuration that fits; where none does, the smallest.

    Left out, in this order, until it fits: own answers for addresses nobody links to, and a route for each single
    file where one for its folder or extension can stand (an address that is not there then gets their headers too).
    """
    compiler = _Compiler(site)
    asked = core(site)
    found = compiler.compiled(asked | seldom_asked(site), fold=False)
    for fold in (False, True):
        if not found.fits:
            found = compiler.compiled(asked, fold=fold)
    return found


class _Compiler:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._types = media_types(site.files)
        self._stored = {self._types.stored(path): path for path in site.files}
        nowhere = site.answer(f"/{NOWHERE}")
        page = nowhere.file or site.files["index.html"]
        self._global = {**site.rules.headers_for(f"/{NOWHERE}"), "Cache-Control": page.cache_control}
        self._fallback = (
            nowhere.file.path if nowhere.status == 200 and nowhere.file and not _forced_root(site) else None
        )

    def compiled(self, asked: Collection[str], *, fold: bool) -> Configuration:
        made = {f"/{name}" for name in self._types.stored_as.values()}
        around = {also for address in asked for also in _also_fitted(address)}
        addresses = sorted({*asked, *made, *around}, key=_order)
        wanted = {address: self._said(address) for address in addresses}
        wildcards = self._wildcards()
        if fold:
            wildcards += self._folded(wanted, wildcards)
        alone = {address for address, outcome in wanted.items() if self._done(address, wildcards) != outcome}
        alone |= {also for address in alone for also in _also_fitted(address)}
        routes = [route for address in wanted if address in alone for route in self._exact(address, wanted[address])]
        for wildcard in wildcards:
            routes += [{"route": pattern, **self._action(wildcard)} for pattern in _written(wildcard.pattern)]
        content = json.dumps(self._document(routes), ensure_ascii=False, separators=(",", ":")).encode()
        leading = sum(1 for route in routes if "redirect" in route or "rewrite" in route)
        return Configuration(content, leading, len(routes) - leading, self._types)

    def _document(self, routes: list[dict[str, Any]]) -> dict[str, Any]:
        document: dict[str, Any] = {"globalHeaders": self._global, "mimeTypes": dict(self._types.by_extension)}
        if self._fallback is not None:
            document["navigationFallback"] = {"rewrite": self._target(self._fallback)}
        if self._site.rules.not_found is not None:
            document["responseOverrides"] = {"404": {"rewrite": self._target(self._site.rules.not_found)}}
        return {**document, "routes": routes}

    def _target(self, path: str) -> str:
        return url_encoded(f"/{self._types.stored(path)}")

    def _said(self, address: str) -> Outcome:
        """What the site says; a redirect by a splat to what is not there is a 404 here."""
        answer = self._site.answer(address)
        if answer.location is not None:
            if NOWHERE not in answer.location:
                return Outcome(answer.status, location=answer.location)
            answer = Answer(404, self._not_found(), None, {})
        headers = self._site.rules.headers_for(address)
        if answer.file is not None:
            headers["Cache-Control"] = answer.file.cache_control
        path = answer.file.path if answer.file is not None and answer.status != 404 else None
        return Outcome(answer.status, path, headers=self._beside(headers))

    def _not_found(self) -> Any:
        page = self._site.rules.not_found
        return self._site.files[page] if page is not None else None

    def _beside(self, headers: Headers) -> Headers:
        return {name: value for name, value in headers.items() if self._global.get(name) != value}

    def _done(self, address: str, wildcards: Sequence[Wildcard]) -> Outcome | None:
        """What the platform does by itself and by wildcards; None where its documentation does not say."""
        wildcard = next((found for found in wildcards if found.fits(address)), None)
        if wildcard is not None and not wildcard.serves_files:
            return wildcard.outcome
        found = self._served(address)
        if found is None or found.location is not None or wildcard is None:
            return found
        return Outcome(found.status, found.file, headers=wildcard.outcome.headers)

    def _served(self, address: str) -> Outcome | None:
        """https://learn.microsoft.com/azure/static-web-apps/configuration#trailing-slash (setting left out)."""
        name = address.removeprefix("/")
        if name in self._stored:
            path = self._stored[name]
            return Outcome(200, path) if path == name else Outcome(200, name)
        if not name or name.endswith("/"):
            if f"{name}index.html" in self._stored:
                return Outcome(200, f"{name}index.html")
            return None if f"{name[:-1]}.html" in self._stored else self._unknown()
        page, folder = f"{name}.html" in self._stored, f"{name}/index.html" in self._stored
        if page and (folder or extension(name) or name == "index" or name.endswith("/index")):
            return None
        if page or folder:
            return Outcome(200, f"{name}.html" if page else f"{name}/index.html")
        return self._unknown()

    def _unknown(self) -> Outcome:
        return Outcome(404) if self._fallback is None else Outcome(200, self._fallback)

    def _wildcards(self) -> list[Wildcard]:
        """One for each prefix that the rules name, the longest first, unless the next shorter one says the same."""
        rules = self._site.rules
        named = {rule.source[:-1] for rule in rules.redirects if rule.source.endswith("/*")}
        named |= {rule.pattern[:-1] for rule in rules.headers if rule.pattern.endswith("/*")}
        found: list[Wildcard] = []
        for prefix in sorted(named, key=len):
            outcome = self._said(f"{prefix}{NOWHERE}")
            around = next((other for other in reversed(found) if prefix.startswith(other.prefix)), None)
            if outcome != (around.outcome if around else self._unknown()):
                same = (outcome.status, outcome.file) == (self._unknown().status, self._unknown().file)
                found.append(Wildcard(prefix, outcome, serves_files=same))
        return sorted(found, key=lambda wildcard: (-len(wildcard.prefix), wildcard.prefix))

    def _folded(self, wanted: Mapping[str, Outcome], before: Sequence[Wildcard]) -> list[Wildcard]:
        """Wildcards that stand for many files: folders whose files all have the same headers, then extensions."""
        plain = {
            address: outcome.headers
            for address, outcome in wanted.items()
            if outcome.location is None and not any(wildcard.fits(address) for wildcard in before)
            if self._served(address) == Outcome(outcome.status, outcome.file)
        }
        folders = _uniform_folders(plain)
        rest = {
            address: headers
            for address, headers in plain.items()
            if not any(address.startswith(folder) for folder in folders)
        }
        unknown = self._unknown()
        found = [
            Wildcard(folder, Outcome(unknown.status, unknown.file, headers=headers))
            for folder, headers in folders.items()
        ]
        for headers, ends in _uniform_extensions(rest):
            found.append(Wildcard("/", Outcome(unknown.status, unknown.file, headers=headers), ends))
        return found

    def _exact(self, address: str, outcome: Outcome) -> list[dict[str, Any]]:
        action: dict[str, Any] = {}
        if outcome.location is not None:
            action = {"redirect": outcome.location, "statusCode": outcome.status}
        elif outcome.status == 404:
            action = {"statusCode": 404}
        elif outcome.file is not None and self._served(address) != Outcome(200, outcome.file):
            action = {"rewrite": self._target(outcome.file)}
        if outcome.headers:
            action["headers"] = dict(outcome.headers)
        return [{"route": text, **action} for text in _written(address)]

    def _action(self, wildcard: Wildcard) -> dict[str, Any]:
        outcome = wildcard.outcome
        headers = {"headers": dict(outcome.headers)} if outcome.headers else {}
        if wildcard.serves_files:
            return headers
        if outcome.location is not None:
            return {"redirect": outcome.location, "statusCode": outcome.status}
        if outcome.status == 404:
            return {"statusCode": 404, **headers}
        return {"rewrite": self._target(outcome.file or ""), **headers}


def _forced_root(site: Site) -> bool:
    return any(rule.source == "/*" and rule.force for rule in site.rules.redirects)


def _also_fitted(address: str) -> tuple[str, ...]:
    """Other addresses that an exact route fits: https://learn.microsoft.com/azure/static-web-apps/configuration#exact-route."""
    folder = address.removesuffix("/index.html")
    return () if folder == address else (folder, f"{folder}/") if folder else ("/",)


def _order(address: str) -> tuple[bool, str]:
    """A route for ``/a/index.html`` fits ``/a/`` and ``/a`` too, so it comes behind theirs."""
    return address.endswith("/index.html"), address


def _written(pattern: str) -> list[str]:
    """A pattern as it may be compared: decoded, and as it stands in a request. The documentation does not say which."""
    wildcard = pattern.find("*")
    plain = pattern if wildcard < 0 else pattern[:wildcard]
    return list(dict.fromkeys([pattern, url_encoded(plain) + pattern[len(plain) :]]))


def _uniform_folders(plain: Mapping[str, Headers]) -> dict[str, Headers]:
    """The outermost folders of which all addresses have the same headers, and some."""
    found: dict[str, Headers | None] = {}
    for address, headers in plain.items():
        parts = address.split("/")[1:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/" + "/".join(parts[:depth]) + "/"
            found[folder] = headers if found.get(folder, headers) == headers else None
    uniform = {folder: headers for folder, headers in found.items() if headers}
    return {
        folder: headers
        for folder, headers in sorted(uniform.items())
        if not any(folder != other and folder.startswith(other) for other in uniform)
    }


def _uniform_extensions(plain: Mapping[str, Headers]) -> Iterable[tuple[Headers, tuple[str, ...]]]:
    """Extensions by the headers that most of their files have."""
    counts: dict[str, Counter[tuple[tuple[str, str], ...]]] = {}
    for address, headers in plain.items():
        end = extension(address)
        if end and end.removeprefix(".").isalnum():
            counts.setdefault(end, Counter())[tuple(headers.items())] += 1
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for end, found in sorted(counts.items()):
        most = max(sorted(found), key=found.__getitem__)
        if most and found[most] > 1:
            groups.setdefault(most, []).append(end)
    return [(dict(headers), tuple(ends)) for headers, ends in groups.items()]
