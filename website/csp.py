"""Compares Content Security Policies: in what does one allow more than the other.

Cautious: sources are compared as they are written, so a policy that is in truth stricter may be refused, never the
other way round. https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Policy = Mapping[str, frozenset[str]]

#: Which directives a fetch directive falls back on, nearest first: https://www.w3.org/TR/CSP3/#directive-fallback-list
_FALLBACKS: Final = {
    "script-src-elem": ("script-src",),
    "script-src-attr": ("script-src",),
    "style-src-elem": ("style-src",),
    "style-src-attr": ("style-src",),
    "worker-src": ("child-src", "script-src"),
    "frame-src": ("child-src",),
    "fenced-frame-src": ("frame-src", "child-src"),
}
_FETCH: Final = (
    *(
        "child-src",
        "connect-src",
        "default-src",
        "fenced-frame-src",
        "font-src",
        "frame-src",
        "img-src",
        "manifest-src",
    ),
    *("media-src", "object-src", "prefetch-src", "script-src", "script-src-attr", "script-src-elem", "style-src"),
    *("style-src-attr", "style-src-elem", "worker-src"),
)
_SUBSET: Final = frozenset({"base-uri", "form-action", "frame-ancestors", "sandbox", "trusted-types"})
_SUPERSET: Final = frozenset({"require-trusted-types-for"})
_REPORTING: Final = frozenset({"report-uri", "report-to"})


def parse_policy(value: str) -> Policy:
    """Directives with their sources, ``'none'`` as no source at all; raises ValueError with what cannot be read."""
    if "," in value:
        raise ValueError("a comma makes two policies of it, which cannot be compared. Write one")
    policy: dict[str, frozenset[str]] = {}
    for part in value.split(";"):
        words = part.split()
        if not words:
            continue
        name = words[0].lower()
        if name in policy:
            raise ValueError(f"{name} stands in it twice, and browsers ignore the second. Write it once")
        policy[name] = frozenset(map(_normal, words[1:])) - {"'none'"}
    if not policy:
        raise ValueError("it is empty. Write at least default-src")
    return policy


def _normal(source: str) -> str:
    """Keywords and schemes without regard to case; nonces, hashes and paths as they are."""
    if source.startswith(("'nonce-", "'sha")) or "/" in source:
        return source
    return source.lower()


def weaknesses(floor: Policy, policy: Policy) -> list[str]:
    """In what ``policy`` allows more than ``floor``, one text for each directive; empty if in nothing."""
    missing = [f"{name} is missing" for name in floor if name not in policy]
    if missing:
        return missing
    return [text for name in dict.fromkeys((*_FETCH, *floor)) if (text := _weakness(name, floor, policy))]


def _weakness(name: str, floor: Policy, policy: Policy) -> str | None:
    if name in _REPORTING:
        return None
    if name in _SUPERSET:
        return None if policy[name] >= floor[name] else f"{name} asks for less"
    if name in _FETCH or name in _SUBSET:
        return _more_sources(name, _effective(name, floor), _effective(name, policy))
    return None if policy[name] == floor[name] else f"{name} differs"


def _effective(name: str, policy: Policy) -> frozenset[str] | None:
    chain = (name, *_FALLBACKS.get(name, ()), *(("default-src",) if name in _FETCH else ()))
    return next((policy[each] for each in chain if each in policy), None)


def _more_sources(name: str, floor: frozenset[str] | None, sources: frozenset[str] | None) -> str | None:
    if floor is None:
        return None
    if sources is None:
        return f"{name} is missing"
    if sources - floor:
        return f"{name} also allows {' '.join(sorted(sources - floor))}"
    lost = {source for source in floor - sources if _switches_others_off(source)}
    if sources and lost:
        return f"{name} lacks {' '.join(sorted(lost))}, which narrows what its other sources allow"
    return None


def _switches_others_off(source: str) -> bool:
    """With one of these in a list, browsers ignore 'unsafe-inline' or host names in it."""
    return source == "'strict-dynamic'" or source.startswith(("'nonce-", "'sha"))
