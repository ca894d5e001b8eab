"""How GitLab Pages reads ``_redirects`` and answers by it; written apart from the publisher's, as a check.

Parser: github.com/tj/go-redirects. Checks and matching: internal/redirects of gitlab-pages
(https://gitlab.com/gitlab-org/gitlab-pages/-/tree/master/internal/redirects), with its own test cases in the tests.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

MAX_BYTES = 64 * 1024
_MAX_RULES = 1000
_MAX_SLASHES = 25
_NAME = re.compile(r":([a-z]+)", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?):(//[^/?#]*)?", re.IGNORECASE)
_GO_PATH = "$&+,/:;=@-_.~"
_GO_RAW = re.compile(r"(?:[A-Za-z0-9\-_.~$&+,/:;=@!'()*\[\]]|%[0-9A-Fa-f]{2})*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Rule:
    """One line, as the parser understands it."""

    source: str
    target: str
    status: int
    force: bool
    params: bool

    def error(self) -> str | None:
        """Why Pages passes over the rule, in its own words; None for a valid one."""
        for url in (self.source, self.target):
            found = _url_error(url, domains=url is self.target)
            if found:
                return found
        if self.params:
            return "params not supported"
        if self.status not in {200, 301, 302}:
            return "status not supported"
        return "force! not supported" if self.force else None

    def match(self, path: str) -> str | None:
        """Where a decoded path leads, or None."""
        templated = "*" in self.target or _NAME.search(self.target)
        if _slashed(self.source) == _slashed(path) and not templated:
            return self.target
        found = _pattern(self.source).fullmatch(path)
        return None if found is None else _collapsed(_expanded(self.target, found))


def read(text: bytes) -> Sequence[Rule] | str:
    """The rules of the file, or why none of them counts."""
    if len(text) > MAX_BYTES:
        return "_redirects file too large"
    rules = []
    for line in text.decode("utf-8", "replace").split("\n"):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        rule = _rule(fields)
        if rule is None:
            return "failed to parse _redirects file"
        rules.append(rule)
    return rules


def _rule(fields: list[str]) -> Rule | None:
    params = [field for field in fields[1:] if "=" in field and not field.startswith(("/", "http"))]
    words = [field for field in fields if field not in params]
    if len(words) < 2:
        return None
    status = words[2] if len(words) > 2 else "301"
    found = re.fullmatch(r"(\d+)(!?)", status)
    return Rule(words[0], words[1], int(found[1]), bool(found[2]), bool(params)) if found else None


def status_page(rules: Sequence[Rule] | str) -> str:
    """What ``/_redirects`` shows."""
    if isinstance(rules, str):
        return f"parse error: {rules}\n"
    lines = [f"{len(rules)} rules"]
    for number, rule in enumerate(rules[:_MAX_RULES], start=1):
        wrong = rule.error()
        lines.append(f"rule {number}: error: {wrong}" if wrong else f"rule {number}: valid")
    return "\n".join(lines) + "\n"


def first_match(rules: Sequence[Rule] | str, path: str) -> tuple[int, str] | None:
    """Status and new address of the first valid rule that fits a decoded path."""
    if isinstance(rules, str) or path.startswith("/.well-known/acme-challenge/"):
        return None
    for rule in rules[:_MAX_RULES]:
        target = None if rule.error() else rule.match(path)
        if target is not None:
            return rule.status, target
    return None


def location(target: str) -> str | None:
    """Location that Go's ``url.Parse``, ``URL.String`` and ``http.Redirect`` make; None where the first says no."""
    address, fragment_mark, fragment = target.partition("#")
    address, query_mark, query = address.partition("?")
    prefix = _ADDRESS.match(address)
    path = address[prefix.end() :] if prefix else address
    if _BROKEN_ESCAPE.search(path):
        return None
    written = path if _GO_RAW.fullmatch(path) else quote(unquote(path), safe=_GO_PATH)
    if prefix is None:
        cleaned = posixpath.normpath(written).replace("//", "/")
        written = cleaned + ("/" if written.endswith("/") and not cleaned.endswith("/") else "")
    found = (prefix[0] if prefix else "") + written + query_mark + query + fragment_mark + fragment
    return re.sub(r"[^\x00-\x7f]", lambda char: quote(char[0]), found)


def decoded(target: str) -> str | None:
    """Path of a rewrite's target, as Go's ``url.Parse`` finds it."""
    path = target.partition("#")[0].partition("?")[0]
    return None if _BROKEN_ESCAPE.search(path) else unquote(path)


def _url_error(url: str, *, domains: bool) -> str | None:
    if _BROKEN_ESCAPE.search(url.partition("?")[0]) or re.search(r"[\x00-\x1f\x7f]", url):
        return "unable to parse URL"
    address = _ADDRESS.match(url)
    if address and not domains:
        return "no domain-level redirects in this sandbox for a source"
    path = decoded(url[address.end() :] if address else url) or ""
    if url.startswith("//") or path.startswith("/\\"):
        return "no domain-level redirects to outside sites"
    if not address and not path.startswith("/"):
        return "url path must start with forward slash /"
    return (
        f"url path cannot contain more than {_MAX_SLASHES} forward slashes" if path.count("/") > _MAX_SLASHES else None
    )


def _slashed(path: str) -> str:
    return path.removesuffix("/") + "/"


def _pattern(source: str) -> re.Pattern[str]:
    """Names that appear twice keep the first one's value, as in Go's ``Expand``."""
    parts, names = [], set()
    for segment in filter(None, source.split("/")):
        name = "splat" if segment == "*" else (_NAME.fullmatch(segment) or [None, None])[1]
        if name is None:
            parts.append("/+" + re.escape(segment))
            continue
        group = "(.*)" if segment == "*" else "([^/]+)"
        if name not in names:
            group = f"(?P<{name}>{group[1:]}"
        names.add(name)
        parts.append(f"/*{group}/*" if segment == "*" else f"/+{group}")
    return re.compile("".join(parts) + "/*", re.IGNORECASE)


def _expanded(target: str, found: re.Match[str]) -> str:
    """Placeholders and Go's own ``$name`` are put in; what has no value becomes nothing, and ``$$`` a dollar."""
    values = found.groupdict()
    template = _NAME.sub(r"${\1}", target)

    def value(mark: re.Match[str]) -> str:
        if mark[0] == "$$":
            return "$"
        name = mark[1] or mark[2] or ""
        if name.isdigit():
            return found[int(name)] or "" if int(name) <= (found.re.groups or 0) else ""
        return values.get(name) or ""

    return re.sub(r"\$\$|\$\{(\w+)\}|\$(\w+)", value, template)


def _collapsed(target: str) -> str:
    address = _ADDRESS.match(target)
    kept = address.end() if address else 0
    return target[:kept] + re.sub(r"//+", "/", target[kept:])
