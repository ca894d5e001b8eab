"""The scoring of the HTTP Observatory for what a static site can have: headers, cookies, CORS, and the way to HTTPS.

https://github.com/mdn/mdn-http-observatory (src/grader/charts.js, src/analyzer/tests), version 1.4.8. The package
itself is held against this in tests/real/test_observatory.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from website.csp import parse_policy

#: A score under it gets no credit for what goes beyond the required.
EXTRA_CREDIT = 90
GRADES = ((100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-"), (60, "C+"), (50, "C"))
_SIX_MONTHS = 15_768_000
_PRIVATE = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
_UNSAFE = {"origin", "origin-when-cross-origin", "unsafe-url", "no-referrer-when-downgrade"}


def modifiers(headers: Mapping[str, str], *, redirects: bool = True) -> dict[str, int]:
    """Rule → what it adds to or takes from 100. ``redirects``: whether plain HTTP leads to HTTPS on the same host."""
    found = {name.lower(): value for name, value in headers.items()}
    policy = directives(found.get("content-security-policy"))
    return {
        "csp": _csp(policy),
        "cookies": 0 if "set-cookie" not in found else -40,
        "cors": -50 if found.get("access-control-allow-credentials", "").lower() == "true" else 0,
        "redirection": 0 if redirects else -20,
        "referrer": _referrer(found.get("referrer-policy")),
        "hsts": _hsts(found.get("strict-transport-security")),
        "nosniff": 0 if found.get("x-content-type-options", "").lower() == "nosniff" else -5,
        "frames": _frames(policy, found.get("x-frame-options")),
        "corp": 10 if found.get("cross-origin-resource-policy", "") in {"same-origin", "same-site"} else 0,
    }


def score(headers: Mapping[str, str], *, redirects: bool = True) -> int:
    """Score of a page; 100 and more is A+."""
    found = modifiers(headers, redirects=redirects).values()
    base = 100 + sum(value for value in found if value < 0)
    return base + sum(value for value in found if value > 0) if base >= EXTRA_CREDIT else max(0, base)


def grade(points: int) -> str:
    """The letter for a score."""
    return next((letter for least, letter in GRADES if points >= least), "D or worse")


def directives(header: str | None) -> dict[str, set[str]]:
    """Directive → its sources in lower case; none for ``'none'``."""
    if not header:
        return {}
    return {name.lower(): {one.lower() for one in sources} for name, sources in parse_policy(header).items()}


def _csp(policy: Mapping[str, set[str]]) -> int:
    if not policy:
        return -25
    scripts = policy.get("script-src", policy.get("default-src", {"*"}))
    styles = policy.get("style-src", policy.get("default-src", {"*"}))
    objects = policy.get("object-src", policy.get("default-src", {"*"}))
    if scripts & {"'unsafe-inline'", "data:", "*", "https:", "http:"} or objects & {"*", "https:", "http:"}:
        return -20
    if "'unsafe-eval'" in scripts | styles:
        return -10
    if "'unsafe-inline'" in styles:
        return 0
    return 5 if policy.get("default-src", {"*"}) else 10


def _referrer(header: str | None) -> int:
    if header is None:
        return 0
    known = [one for one in re.split(r"[,\s]+", header.lower()) if one in _PRIVATE | _UNSAFE]
    return 5 if known and known[-1] in _PRIVATE else -5


def _hsts(header: str | None) -> int:
    age = re.search(r"max-age\s*=\s*\"?(\d+)", header or "", re.I)
    if age is None:
        return -20
    return 0 if int(age[1]) >= _SIX_MONTHS else -10


def _frames(policy: Mapping[str, set[str]], header: str | None) -> int:
    if policy.get("frame-ancestors", {"*"}) != {"*"}:
        return 5
    return 0 if (header or "").lower() in {"deny", "sameorigin"} else -20
