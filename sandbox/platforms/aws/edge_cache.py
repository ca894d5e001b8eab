"""What an edge location keeps, and for how long.

Times: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html; managed policies:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from sandbox.platforms.aws.reply import Reply
from sandbox.store import Document
from sandbox.world import Clock

_SWEPT_AT_FIRST = 500
_MOST_ENTRIES = 50_000
_DEFAULT_ERROR_SECONDS = 10.0
_YEAR = 31_536_000.0
CacheKey = tuple[str, str, str]
"""Distribution, rewritten URI, content coding: no query, header or cookie."""


@dataclass(frozen=True)
class CachePolicy:
    """Seconds in the cache, and whether compressed variants are kept."""

    least: float
    usual: float
    most: float
    compressed: bool


#: By id; the program uses the first.
MANAGED_POLICIES = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": CachePolicy(1, 86400, _YEAR, compressed=True),  # CachingOptimized
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": CachePolicy(1, 86400, _YEAR, compressed=False),  # …ForUncompressedObjects
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": CachePolicy(0, 0, 0, compressed=False),  # CachingDisabled
}


def policy_of(behaviour: Document) -> CachePolicy:
    """The policy of a cache behaviour; without an id, its own times (the older way)."""
    known = MANAGED_POLICIES.get(behaviour.get("cachePolicyId") or "")
    if known is not None:
        return known
    times = (behaviour.get(key) for key in ("minTtl", "defaultTtl", "maxTtl"))
    least, usual, most = (float(value or 0) for value in times)
    return CachePolicy(least, usual, most, compressed=True)


def fresh_seconds(headers: dict[str, str], policy: CachePolicy, now: float) -> float:
    """How long an answer of the origin is served without asking again."""
    directives: dict[str, str] = {}
    for part in headers.get("cache-control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        directives[name] = value.strip('"')
    if directives.keys() & {"no-store", "private", "no-cache"}:
        return policy.least
    for name in ("s-maxage", "max-age"):
        if directives.get(name, "").isdigit():
            return min(max(float(directives[name]), policy.least), policy.most)
    if "expires" in headers:
        return min(max(_until(headers["expires"], now), policy.least), policy.most)
    return min(max(policy.usual, policy.least), policy.most)


def _until(expires: str, now: float) -> float:
    try:
        return parsedate_to_datetime(expires).timestamp() - now
    except ValueError:
        return 0.0


def _is_there(reply: Reply) -> bool:
    """False for an object that was deleted since: the real cache has bytes of its own, this one only the store's."""
    return isinstance(reply.body, bytes) or reply.body.exists()


@dataclass(frozen=True)
class _Kept:
    since: float
    until: float
    reply: Reply


def _is_over(kept: _Kept, now: float) -> bool:
    """Whether no visitor would get it, nor is its ETag of any use."""
    return not _is_there(kept.reply) or (kept.until <= now and not kept.reply.etag)


class EdgeCache:
    """One cache for the whole sandbox; a real distribution has one for each location."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[CacheKey, _Kept] = OrderedDict()
        self._room = _SWEPT_AT_FIRST

    def answer(
        self, key: CacheKey, ask: Callable[[], Reply], policy: CachePolicy, error_seconds: Callable[[int], float | None]
    ) -> Reply:
        """From the cache, or from the origin and then kept; ``error_seconds`` says how long an error of a status is."""
        now = self._clock.now()
        kept = self._kept.get(key)
        if kept is not None and now < kept.until and _is_there(kept.reply):
            self._kept.move_to_end(key)
            hit = "Hit from cloudfront" if kept.reply.status < 400 else kept.reply.cache
            return replace(kept.reply, cache=hit, age=int(now - kept.since))
        reply = ask()
        lifetime = fresh_seconds(reply.headers, policy, now)
        if reply.status >= 400:
            configured = error_seconds(reply.status)
            lifetime = _DEFAULT_ERROR_SECONDS if configured is None else configured
        if lifetime > 0:
            self._keep(key, _Kept(now, now + lifetime, reply))
        same = kept is not None and reply.status < 400 and kept.reply.etag == reply.etag
        return replace(reply, cache="RefreshHit from cloudfront") if same else reply

    def _keep(self, key: CacheKey, entry: _Kept) -> None:
        self._kept[key] = entry
        self._kept.move_to_end(key)
        if len(self._kept) > self._room:
            self._sweep(entry.since)

    def _sweep(self, now: float) -> None:
        """Let go of what is over, and of the least recently asked for where that is not enough."""
        self._kept = OrderedDict((key, entry) for key, entry in self._kept.items() if not _is_over(entry, now))
        while len(self._kept) > _MOST_ENTRIES:
            self._kept.popitem(last=False)
        self._room = min(_MOST_ENTRIES, max(_SWEPT_AT_FIRST, 2 * len(self._kept)))
