"""Calls of what deploys, numbered as they come: one of them, or all from one on, can be made to go wrong.

Counted are calls of the platforms' APIs, what the engine has the stand-in providers make, and the connections by which
the published sites are asked.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Literal, get_args

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "kill",
    "429-seconds",
    "429-date",
    "429-absurd",
    "500",
    "502-html",
    "token-expired",
    "reset-before",
    "reset-after",
    "truncated",
    "timeout-after-commit",
    "clock-off",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: A deployment of six platforms makes some hundred calls, with a hundred times as many files some thousand.
_REMEMBERED = 100_000
#: Longer than any client waits for an answer.
_SILENCE = 300.0
#: Seconds; what no client should wait for.
_ABSURD = 86_400
#: Seconds by which the platform's clock is ahead of the client's.
_AHEAD = 3600.0
_ahead: ContextVar[float] = ContextVar("ahead", default=0.0)


def wall_time() -> float:
    """Unix time by which a platform judges what its clients have signed."""
    return time.time() + _ahead.get()


class Mishap(BaseModel):
    """What is to happen at which call from now on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    at: int = Field(ge=1)
    """Number of the call, the first is 1."""
    platform: str | None = None
    """Only calls of this platform count."""
    group: int | None = Field(default=None, gt=1)
    """For ``kill``: the process group that gets SIGKILL when the call has been carried out, before its answer."""
    lasting: bool = False
    """Whether all later calls go wrong in the same way."""

    @model_validator(mode="after")
    def _group_for_kill(self) -> Mishap:
        if (self.kind == "kill") != (self.group is not None):
            raise ValueError("`group` goes with the kind `kill`, and with no other")
        return self


class Mishaps(BaseModel):
    """Body of PUT /calls."""

    model_config = ConfigDict(extra="forbid")

    mishaps: list[Mishap]
    """Each counts the calls for itself."""


@dataclass
class Calls:
    """Counts since the last PUT, and remembers what went wrong."""

    _waiting: list[tuple[Mishap, int]] = field(default_factory=list)
    """Each with the number of calls that it has counted."""
    seen: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """What was counted last, in words: ``netlify POST /api/v1/sites``."""
    happened: list[str] = field(default_factory=list)
    """Those that went wrong."""

    def begin(self, *wanted: Mishap) -> None:
        """Count from the start, with these to happen."""
        self._waiting, self.happened = [(one, 0) for one in wanted], []
        self.seen.clear()

    def described(self) -> dict[str, Any]:
        """Answer of GET /calls."""
        return {"seen": list(self.seen), "happened": self.happened}

    def middleware(self, platform: str) -> Middleware:
        """For every application of the platform's API."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(platform, request, handler)

        return answer

    def carried_out(self, platform: str, what: str) -> None:
        """A call that is no request of an API, and can be killed after but not be answered wrongly."""
        hit = self._hit(platform, what, only_kill=True)
        if hit is not None:
            _kill(hit)

    async def _answer(self, platform: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        hit = self._hit(platform, f"{request.method} {request.path}")
        if hit is None:
            return await handler(request)
        if hit.kind in _ANSWERS:
            return _ANSWERS[hit.kind]()
        if hit.kind == "reset-before":
            return _cut(request)
        if hit.kind == "clock-off":
            return await _ahead_of(request, handler)
        try:
            response = await handler(request)
        except web.HTTPException as raised:
            response = raised
        if hit.kind == "kill":
            _kill(hit)
            return response
        if hit.kind == "truncated":
            return await _truncated(request, response)
        if hit.kind == "timeout-after-commit":
            await asyncio.sleep(_SILENCE)
        return _cut(request)

    def _hit(self, platform: str, what: str, *, only_kill: bool = False) -> Mishap | None:
        """Count a call; gives the mishap that is due."""
        self.seen.append(f"{platform} {what}")
        due = None
        for place, (wanted, count) in enumerate(self._waiting):
            if wanted.platform in (None, platform) and (wanted.kind == "kill" or not only_kill):
                self._waiting[place] = (wanted, count + 1)
                if count + 1 == wanted.at or (count >= wanted.at and wanted.lasting):
                    due = wanted
        if due is not None:
            self.happened.append(self.seen[-1])
        return due


async def _ahead_of(request: web.Request, handler: Handler) -> web.StreamResponse:
    before = _ahead.set(_AHEAD)
    try:
        return await handler(request)
    finally:
        _ahead.reset(before)


def _kill(mishap: Mishap) -> None:
    if mishap.group is not None:
        with suppress(ProcessLookupError):
            os.killpg(mishap.group, signal.SIGKILL)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncated(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The first half of an answer that announces the whole."""
    if response.prepared:
        return _cut(request)
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    headers = {**response.headers, "Content-Length": str(len(body) + 5)}
    partial = web.StreamResponse(status=response.status, headers=headers)
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2] or b"{")
    if request.transport is not None:
        request.transport.close()
    return partial


def _too_many(after: str) -> web.Response:
    return web.Response(status=429, headers={"Retry-After": after}, text="Too Many Requests\n")


_ANSWERS: dict[str, Callable[[], web.Response]] = {
    "429-seconds": lambda: _too_many("1"),
    "429-date": lambda: _too_many(formatdate(time.time() + 2, usegmt=True)),
    "429-absurd": lambda: _too_many(str(_ABSURD)),
    "500": lambda: web.Response(status=500, text="oops"),
    "502-html": lambda: web.Response(status=502, text="<html>Bad gateway</html>", content_type="text/html"),
    "token-expired": lambda: web.json_response(
        {"error": {"code": "unauthorized", "message": "the token has expired"}}, status=401
    ),
}
