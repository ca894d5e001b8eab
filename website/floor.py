"""The floor of security headers: what every answer carries, and what content may make of it.

Content may raise a header of the floor and never lower it. Each header has its own order of strictness; for one
without a known order content can only repeat the floor's value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from website.csp import parse_policy, weaknesses
from website.errors import OptionsError, printable

DEFAULT_FLOOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "Content-Security-Policy": (
            "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
            "frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": (
            "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), "
            "usb=()"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
    }
)
"""For a site whose scripts, styles, fonts and images are its own. Graded A+ by the MDN HTTP Observatory's rules
(https://github.com/mdn/mdn-http-observatory); no upgrade-insecure-requests, which would break plain-http previews."""

HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of https://www.rfc-editor.org/rfc/rfc9110#name-tokens"""
HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
"""Visible ASCII, spaces within: nothing that could end a header line."""


class Lowered(Exception):
    """Content asks for less than the floor; the text says in what, without a final stop."""


def raised(name: str, floor: str, value: str) -> str:
    """The value to send when content asks for ``value`` where the floor has ``floor``; raises Lowered."""
    if value == floor:
        return floor
    rule = _RULES.get(name.lower())
    if rule is None:
        raise Lowered("there is no order of strictness for this header, so content can only repeat the stack's value")
    try:
        return rule(floor, value)
    except ValueError as error:
        raise Lowered(f"it cannot be compared with the stack's value: {error}") from None


def checked_floor(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The stack's floor, later spellings of a name replacing earlier ones; raises OptionsError with every mistake."""
    floor: dict[str, tuple[str, str]] = {}
    mistakes = []
    for name, value in given.items():
        key = name.lower()
        mistake = _floor_mistake(key, name, value)
        if mistake:
            mistakes.append(f"  - {printable(name)}: {mistake}.")
        spelling = floor.pop(key, (name, ""))[0]
        floor[key] = (spelling, value)
    if mistakes:
        raise OptionsError("\n".join(["security headers of the stack that cannot be used:", *mistakes]))
    return tuple(floor.values())


def _floor_mistake(key: str, name: str, value: str) -> str | None:
    if not HEADER_NAME.fullmatch(name):
        return "the name has characters that no header may have. Correct it"
    if not HEADER_VALUE.fullmatch(value):
        return "the value is empty or has characters other than visible ASCII. Correct it or take the header out"
    try:
        _RULES.get(key, _any)(value, value)
    except ValueError as error:
        return f"the value is not one that browsers know: {error}"
    return None


def _any(_floor: str, value: str) -> str:
    return value


def _transport_security(floor: str, value: str) -> str:
    have, want = _directives(floor), _directives(value)
    if int(want.get("max-age", "-1")) < int(have.get("max-age", "-1")):
        raise Lowered("its max-age is shorter than the stack's")
    for flag in ("includesubdomains", "preload"):
        if flag in have and flag not in want:
            raise Lowered(f"it lacks {flag}, which the stack has")
    return value.strip()


def _directives(value: str) -> dict[str, str]:
    """Directives of https://www.rfc-editor.org/rfc/rfc6797#section-6.1."""
    pairs = (part.strip().partition("=") for part in value.split(";") if part.strip())
    found = {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
    if not found.get("max-age", "").isdecimal():
        raise ValueError("max-age must be a number of seconds")
    return found


def _content_security_policy(floor: str, value: str) -> str:
    found = weaknesses(parse_policy(floor), parse_policy(value))
    if found:
        raise Lowered("; ".join(found))
    return value.strip()


def _nosniff(_floor: str, value: str) -> str:
    if value.strip().lower() != "nosniff":
        raise ValueError("the only value is nosniff")
    return "nosniff"


#: What each policy tells: own pages, other sites, other sites over plain http; 2 the address, 1 the host, 0 nothing.
#: https://www.w3.org/TR/referrer-policy/#referrer-policies
_REFERRER: Final = {
    "no-referrer": (0, 0, 0),
    "same-origin": (2, 0, 0),
    "strict-origin": (1, 1, 0),
    "strict-origin-when-cross-origin": (2, 1, 0),
    "origin": (1, 1, 1),
    "origin-when-cross-origin": (2, 1, 1),
    "no-referrer-when-downgrade": (2, 2, 0),
    "unsafe-url": (2, 2, 2),
}


def _referrer_policy(floor: str, value: str) -> str:
    """Of a list of policies browsers take the last one they know, so each of them must hold."""
    limit = _known(_REFERRER, floor.split(",")[-1])
    for word in value.split(","):
        if any(told > most for told, most in zip(_known(_REFERRER, word), limit, strict=True)):
            raise Lowered(f"{word.strip()} tells other sites more than the stack allows")
    return value.strip()


def _known(table: Mapping[str, tuple[int, ...]], word: str) -> tuple[int, ...]:
    key = word.strip().lower()
    if key not in table:
        raise ValueError(f"use one of {', '.join(table)}")
    return table[key]


def _ordered(*strictest_first: str) -> Callable[[str, str], str]:
    table = {word: (place,) for place, word in enumerate(strictest_first)}

    def compare(floor: str, value: str) -> str:
        if _known(table, value) > _known(table, floor):
            raise Lowered(f"{value.strip()} allows more than the stack's value")
        return value.strip()

    return compare


_FEATURE: Final = re.compile(r"\s*([a-z][a-z0-9*_.-]*)\s*=\s*(\*|self|\([^()]*\))\s*")


def _permissions_policy(floor: str, value: str) -> str:
    """Features that content does not name keep the floor's value: the two are joined."""
    have, want = _features(floor), _features(value)
    for name, allowed in want.items():
        limit = have.get(name)
        if limit is not None and "*" not in limit and not allowed <= limit:
            raise Lowered(f"{name} is allowed to more origins than the stack allows")
    return ", ".join(f"{name}={_allowlist(allowed)}" for name, allowed in {**have, **want}.items())


def _features(value: str) -> dict[str, frozenset[str]]:
    """Allow lists by feature: https://www.w3.org/TR/permissions-policy-1/#structured-header-serialization."""
    features = {}
    for part in value.split(","):
        match = _FEATURE.fullmatch(part)
        if match is None:
            raise ValueError(
                'write feature=(), feature=(self "https://other.example") or feature=*, with commas between'
            )
        features[match[1]] = frozenset(match[2].strip("()").split())
    return features


def _allowlist(allowed: frozenset[str]) -> str:
    return "*" if "*" in allowed else f"({' '.join(sorted(allowed, key=lambda origin: (origin != 'self', origin)))})"


_RULES: Final[Mapping[str, Callable[[str, str], str]]] = {
    "strict-transport-security": _transport_security,
    "content-security-policy": _content_security_policy,
    "x-content-type-options": _nosniff,
    "x-frame-options": _ordered("deny", "sameorigin"),
    "referrer-policy": _referrer_policy,
    "permissions-policy": _permissions_policy,
    "cross-origin-opener-policy": _ordered(
        "same-origin", "noopener-allow-popups", "same-origin-allow-popups", "unsafe-none"
    ),
    "cross-origin-resource-policy": _ordered("same-origin", "same-site", "cross-origin"),
    "cross-origin-embedder-policy": _ordered("require-corp", "credentialless", "unsafe-none"),
}
