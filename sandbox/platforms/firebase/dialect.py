"""Firebase's ServingConfig: what the API takes, and what it means; written apart from the publisher's, as a check.

https://firebase.google.com/docs/hosting/full-config and
https://firebase.google.com/docs/reference/hosting/rest/v1beta1/sites.versions#ServingConfig. Where these say nothing,
Google's emulator superstatic 10 is followed: a regular expression is searched for, not matched as a whole; redirects
see the decoded path, headers and rewrites the one of the request; a capture that is empty or unknown lets the redirect
not apply; the last of several values of a header wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from sandbox.platforms.firebase.account import ApiError

_FIELDS = {"headers", "redirects", "rewrites", "cleanUrls", "trailingSlashBehavior", "appAssociation", "i18n"}
#: Parts of Perl's syntax that RE2 has not: https://github.com/google/re2/wiki/Syntax
_NOT_RE2 = re.compile(r"\(\?(?:[=!>(#|]|<[=!]|P=|P>|&)|\\[1-9gkKRX]|[*+?}]\+")
_CAPTURE = re.compile(r":(\w+)(\*?)")


def _refuse(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)


def check_config(config: Any) -> None:
    """Refuse what is no ServingConfig."""
    if not isinstance(config, dict):
        raise _refuse("Invalid value at 'version.config'")
    for name in config:
        if name not in _FIELDS:
            raise _refuse(
                f"Invalid JSON payload received. Unknown name \"{name}\" at 'version.config': Cannot find field."
            )
    for rule in config.get("headers") or []:
        pattern_of(_checked(rule, "headers", {"headers"}))
        if not isinstance(rule.get("headers"), dict) or not all(map(_is_text, rule["headers"].values())):
            raise _refuse("headers: a map of names to values is required")
    for rule in config.get("redirects") or []:
        pattern_of(_checked(rule, "redirects", {"location", "statusCode"}))
        if not isinstance(rule.get("statusCode"), int) or not 300 <= rule["statusCode"] <= 399:
            raise _refuse("redirects: statusCode must be a valid 3xx status code")
        if not _is_text(rule.get("location")) or not rule["location"]:
            raise _refuse("redirects: location is required")
    for rule in config.get("rewrites") or []:
        pattern_of(_checked(rule, "rewrites", {"path"}))
        if not str(rule.get("path", "")).startswith("/"):
            raise _refuse("rewrites: path must begin with /; the sandbox has no functions and no Cloud Run")
    if config.get("trailingSlashBehavior") not in {None, "TRAILING_SLASH_BEHAVIOR_UNSPECIFIED", "ADD", "REMOVE"}:
        raise _refuse("Invalid value at 'version.config.trailing_slash_behavior'")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _checked(rule: Any, kind: str, own: set[str]) -> Mapping[str, Any]:
    if not isinstance(rule, dict) or not set(rule) <= {"glob", "regex", *own}:
        raise _refuse(f"Invalid JSON payload received. Unknown name in 'version.config.{kind}': Cannot find field.")
    if ("glob" in rule) == ("regex" in rule):
        raise _refuse(f"{kind}: exactly one of glob and regex is required")
    return rule


def pattern_of(rule: Mapping[str, Any]) -> re.Pattern[str]:
    """Pattern of a rule; raises ApiError for a regular expression that RE2 does not know."""
    if "glob" in rule:
        return _from_glob(str(rule["glob"]))
    return _from_re2(str(rule["regex"]))


@lru_cache(maxsize=4096)
def _from_re2(text: str) -> re.Pattern[str]:
    classes_aside = re.sub(r"\\.|\[\^?\]?[^\]]*\]", lambda found: found[0] if found[0][0] == "\\" else "", text)
    if _NOT_RE2.search(classes_aside):
        raise _refuse(f"regex: invalid RE2 expression {text[:100]!r}")
    try:
        return re.compile(text)
    except re.error as error:
        raise _refuse(f"regex: invalid RE2 expression {text[:100]!r}: {error}") from None


@lru_cache(maxsize=4096)
def _from_glob(text: str) -> re.Pattern[str]:
    plain = text.lstrip("!")
    body = "".join(_glob_parts(plain if plain.startswith(("/", "*")) else f"/{plain}"))
    negated = (len(text) - len(plain)) % 2 == 1
    return re.compile(rf"\A(?!{body}\Z).*\Z" if negated else rf"\A{body}\Z")


def _glob_parts(text: str) -> Iterator[str]:
    """A glob of the documented forms: ``**``, ``*``, ``?``, ``@(a|b)``, ``{a,b}``, ``:name``, ``:name*``."""
    token = re.compile(r"/\*\*(?=/|\Z)|\*\*|\*|\?|[@+?!*]\(([^)]*)\)|\{([^}]*)\}|:(\w+)(\*?)|.")
    for found in token.finditer(text):
        piece, group, braces, name = found[0], found[1], found[2], found[3]
        if piece == "/**":
            yield "(?:/.*)?"
        elif piece == "**":
            yield ".*"
        elif piece == "*":
            yield "[^/]*"
        elif piece == "?":
            yield "[^/]"
        elif group is not None or braces is not None:
            choices = group.split("|") if group is not None else braces.split(",")
            inner = "|".join("".join(_glob_parts(choice)) for choice in choices)
            yield {"!": f"(?!(?:{inner})(?:/|$))[^/]*", "+": f"(?:{inner})+"}.get(piece[0], f"(?:{inner})")
        elif name:
            yield f"(?P<{name}>{'.*' if found[4] else '[^/]+'})"
        else:
            yield re.escape(piece)


@dataclass(frozen=True)
class Config:
    """A checked configuration, ready to be asked."""

    redirects: tuple[tuple[re.Pattern[str], str, int], ...]
    rewrites: tuple[tuple[re.Pattern[str], str], ...]
    headers: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...]
    clean_urls: bool
    slashes: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Config:
        """Read a configuration that ``check_config`` has let pass."""
        return cls(
            tuple((pattern_of(rule), rule["location"], rule["statusCode"]) for rule in config.get("redirects") or ()),
            tuple((pattern_of(rule), rule["path"]) for rule in config.get("rewrites") or ()),
            tuple((pattern_of(rule), rule["headers"]) for rule in config.get("headers") or ()),
            bool(config.get("cleanUrls")),
            config.get("trailingSlashBehavior") or "TRAILING_SLASH_BEHAVIOR_UNSPECIFIED",
        )

    def redirect(self, decoded: str) -> tuple[int, str] | None:
        """Status and location of the first redirect that applies to a decoded path."""
        for pattern, location, status in self.redirects:
            found = pattern.search(decoded)
            filled = _filled(location, found) if found else None
            if filled is not None:
                return status, filled
        return None

    def rewrite(self, raw: str) -> str | None:
        """Path of the file of the first rewrite that fits the path of the request."""
        return next((path for pattern, path in self.rewrites if pattern.search(raw)), None)

    def headers_of(self, raws: Iterable[str]) -> dict[str, str]:
        """Headers for the paths of an answer, the weakest first; the last value of a header counts."""
        values: dict[str, tuple[str, str]] = {}
        for raw in raws:
            for pattern, headers in self.headers:
                if pattern.search(raw):
                    values.update({name.lower(): (name, value) for name, value in headers.items()})
        return dict(values.values())


def _filled(location: str, found: re.Match[str]) -> str | None:
    """The location with what was captured, or None where a segment of it was not."""
    if not re.search(r"(?:\A|/):", location):
        return location
    values = {str(number): text for number, text in enumerate((found[0], *found.groups()))} | found.groupdict()
    missing = False

    def value(name: re.Match[str]) -> str:
        nonlocal missing
        text = values.get(name[1])
        missing = missing or not text
        return quote(text or "", safe="/!$&'()*+,;=:@~-._")

    filled = _CAPTURE.sub(value, location)
    return None if missing else filled
