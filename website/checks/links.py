"""Where a link leads, judged as the published site answers: files, clean URLs, redirects, rewrites, the 404 page."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from website.errors import printable
from website.resolution import resolve
from website.rules import Rules, url_encoded

_LONGEST_CHAIN: Final = 20
_REMEMBERED: Final = 100_000
"""Judged links that are kept; a site's pages repeat most of theirs."""
_NOBODY: Final = "site.invalid"
"""Stands for the site's own name where none is known: https://www.rfc-editor.org/rfc/rfc6761#section-6.4"""
_LINE_BITS: Final = 32
_LARGEST_LINE: Final = (1 << _LINE_BITS) - 1
_WHITESPACE: Final = " \t\n\f\r"


class Target(NamedTuple):
    """What one link comes to."""

    problem: str | None = None
    """Why it leads nowhere, and what to do; None where it is right, or not ours to judge."""
    file: str | None = None
    """The file of this site that is shown in the end."""
    fragment: str = ""
    """Decoded; the part of the file that is meant."""
    insecure: bool = False
    """Another site's address, by plain http."""


ELSEWHERE: Final = Target()


class Judge:
    """Judges the links of one site. ``hosts`` are the names that it is served under, its own first."""

    def __init__(self, files: Collection[str], rules: Rules, hosts: Collection[str] = ()) -> None:
        self._files = files
        self._rules = rules
        self._hosts = frozenset(host.lower() for host in hosts) or frozenset({_NOBODY})
        self._origin = f"https://{next(iter(hosts), _NOBODY)}/"
        self._known: dict[tuple[str, str], Target] = {}
        self._folded: Mapping[str, str] | None = None

    def base(self, path: str, written: str = "") -> str:
        """What links of the file ``path`` are relative to; ``written`` is the page's own ``<base href>``."""
        own = urljoin(self._origin, url_encoded(f"/{path}"))
        return urljoin(own, written) if written else own

    def target(self, base: str, url: str) -> Target:
        """Judge ``url`` as it stands in a file whose links are relative to ``base``."""
        url = url.strip(_WHITESPACE)
        key = (self._frame(base, url), url)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._judged(base, url)
        return found

    def _frame(self, base: str, url: str) -> str:
        """As much of the base as the meaning of ``url`` depends on."""
        if url.startswith("/") and base.startswith(self._origin):
            return ""
        return base if not url or url[0] in "#?" else base.rpartition("/")[0]

    def _judged(self, base: str, url: str) -> Target:
        try:
            parts = urlsplit(urljoin(base, url))
            host = (parts.hostname or "").lower()
            _ = parts.port
        except ValueError:
            return Target(f"{_shown(url)} is no address that a browser can read. Correct it.")
        if parts.scheme == "file":
            return Target(f"{_shown(url)} leads to a file on the author's own disk. Link to a page of the site.")
        if parts.scheme not in {"http", "https"}:
            return ELSEWHERE
        if host in self._hosts:
            return self._within(url, parts.path, parts.fragment)
        if _is_own_machine(host):
            return Target(f"{_shown(url)} leads to the visitor's own machine. Link to the published address.")
        return Target(insecure=parts.scheme == "http")

    def _within(self, url: str, path: str, fragment: str) -> Target:
        """Follow a link to this site to the file it ends at."""
        for _ in range(_LONGEST_CHAIN):
            plain = _decoded(path or "/")
            if plain is None:
                return Target(f"{_shown(url)} is percent-encoded, but not in UTF-8. Encode the UTF-8 form.")
            found = resolve(plain, self._files, self._rules)
            if found.status == 404:
                return Target(self._nowhere(url, plain))
            if found.location is None:
                return Target(None, found.path, _decoded(fragment) or "")
            onwards = urlsplit(urljoin(urljoin(self._origin, url_encoded(plain)), found.location))
            if (onwards.hostname or "").lower() not in self._hosts:
                return ELSEWHERE
            path, fragment = onwards.path, onwards.fragment or fragment
        return Target(f"{_shown(url)} is redirected round and round. Correct the rules in _redirects.")

    def _nowhere(self, url: str, plain: str) -> str:
        by = "" if _decoded(urlsplit(url).path) == plain else f", which is {_shown(plain)} here,"
        other = self._like(plain)
        if other:
            return f"{_shown(url)}{by} is not in the site: {_shown(other)} is, and upper and lower case differ."
        return f"{_shown(url)}{by} is not in the site (404). Correct the link, or add the page or a redirect."

    def _like(self, plain: str) -> str | None:
        """The URL of a file that differs in case only."""
        if self._folded is None:
            self._folded = {path.casefold(): path for path in self._files}
        name = plain.removeprefix("/").casefold()
        for wanted in (name, f"{name}.html", f"{name}index.html", f"{name}/index.html"):
            if wanted in self._folded:
                return f"/{self._folded[wanted]}".removesuffix("index.html")
        return None


class Fragments:
    """Which parts of pages are linked to, and which there are; a few bytes for each, however many pages."""

    def __init__(self) -> None:
        self._pages: list[str] = []
        self._there: dict[str, array[int]] = {}
        self._wanted: dict[str, dict[str, array[int]]] = {}

    def page(self, path: str, names: Collection[str], wanted: Iterable[tuple[int, Target]]) -> None:
        """Remember the ids of a page, and its links to parts of pages, each with its line."""
        self._there[path] = array("q", map(hash, names))
        self._pages.append(path)
        place = (len(self._pages) - 1) << _LINE_BITS
        for line, target in wanted:
            if target.file is not None and _names_an_element(target.fragment):
                fragments = self._wanted.setdefault(target.file, {})
                fragments.setdefault(target.fragment, array("Q")).append(place | line)

    def missing(self) -> Iterator[tuple[str, int, str]]:
        """Path, line and text of each link to a part that is not there; files that were not read are not judged."""
        for file in self._wanted.keys() & self._there.keys():
            there = frozenset(self._there[file])
            for fragment, places in self._wanted[file].items():
                if hash(fragment) not in there:
                    text = f"#{fragment} is not in {file}: no element there has this id. Correct the link."
                    yield from (
                        (self._pages[place >> _LINE_BITS], place & _LARGEST_LINE, printable(text)) for place in places
                    )


def _names_an_element(fragment: str) -> bool:
    """Whether a fragment names an element.

    Not the top of the page (https://html.spec.whatwg.org/multipage/browsing-the-web.html#scrolling-to-a-fragment), not
    a text to look for (https://wicg.github.io/scroll-to-text-fragment/), not a route of a script.
    """
    return bool(fragment) and fragment.lower() != "top" and not fragment.startswith((":~:", "/", "!"))


def _decoded(text: str) -> str | None:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_own_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(text: str) -> str:
    short = text if len(text) <= 120 else f"{text[:117]}…"
    return printable(short)
