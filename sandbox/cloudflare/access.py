"""Who may ask the API, and how often.

Limits and their headers: https://developers.cloudflare.com/fundamentals/api/reference/limits/ . Refusals of tokens are
not documented; they are as users report them: https://github.com/cloudflare/cf-terraforming/issues/279 (403, 10000).
"""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.cloudflare.account import Account
from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.workers.api import UPLOAD
from sandbox.world import Clock

#: Requests of one token in a window of so many sandbox seconds; then it is blocked for as long again.
QUOTA, WINDOW = 1200, 300.0
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_VERIFY = "/user/tokens/verify"


def guard(account: Account) -> Middleware:
    """Middleware that asks for a token of the account, and for one with rights where something is changed."""

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith(UPLOAD):
            return await handler(request)  # guarded by the upload's own token
        header = request.headers.get("Authorization", "")
        if not header:
            raise ApiError(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer" or not token:
            raise ApiError(400, 6003, "Invalid request headers")
        if _same(token, account.token()):
            return await handler(request)
        if not _same(token, account.reading_token()):
            raise _unknown(request)
        if request.method not in _READING:
            raise ApiError(403, 10000, "Authentication error")
        return await handler(request)

    return checked


def _unknown(request: web.Request) -> ApiError:
    if request.path.endswith(_VERIFY):
        return ApiError(401, 1000, "Invalid API Token")
    return ApiError(403, 9109, "Invalid access token")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


@dataclass
class Allowance:
    """What one token has asked for in its window; times are sandbox seconds."""

    ends: float = 0.0
    used: int = 0
    blocked_until: float = 0.0

    def take(self, now: float) -> bool:
        """Count a request; False when it is one too many."""
        if now < self.blocked_until:
            return False
        if now >= self.ends:
            self.ends, self.used = now + WINDOW, 0
        self.used += 1
        if self.used > QUOTA:
            self.blocked_until = now + WINDOW
        return self.used <= QUOTA


def limited(clock: Clock) -> Middleware:
    """Middleware that counts the requests of each token; headers tell wall-clock seconds, for clients wait by those."""
    allowances: dict[str, Allowance] = {}

    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        now = clock.monotonic()
        allowance = allowances.setdefault(request.headers.get("Authorization", ""), Allowance())
        if not allowance.take(now):
            wait = math.ceil(clock.real(allowance.blocked_until - now))
            raise ApiError(429, 10429, "Rate limited. Please wait and retry.", {"Retry-After": str(wait)})
        answer = await handler(request)
        resets = math.ceil(clock.real(allowance.ends - now))
        answer.headers["Ratelimit"] = f'"default";r={QUOTA - allowance.used};t={resets}'
        answer.headers["Ratelimit-Policy"] = f'"default";q={QUOTA};w={math.ceil(clock.real(WINDOW))}'
        return answer

    return counted
