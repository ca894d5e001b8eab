"""Calls to the platform that go wrong at a chosen moment, between the publisher and the twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp


class Killed(BaseException):
    """The publisher's process ends here."""


@dataclass
class Reply:
    """What is read of an answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    async def read(self) -> bytes:
        return self.content


PAGE = b"<!DOCTYPE html><title>Error 502</title><p>The server encountered a temporary error"
ERRORS = [
    Reply(429, {"Retry-After": "0"}, b'{"error":{"code":429,"message":"Quota exceeded"}}'),
    Reply(500, {}, b'{"error":{"code":500,"message":"Internal error encountered."}}'),
    Reply(502, {"Content-Type": "text/html"}, PAGE),
]


@dataclass
class Line:
    """Stands in for the HTTP session; the ``at``-th call to the API (from 0) meets the fault, no other one does.

    ``errors`` are three faults in a row: too many requests, an error of the server, and a page of HTML.
    """

    http: aiohttp.ClientSession
    fault: str
    at: int
    revoke: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return len(self.calls) > self.at

    def get(self, url: str, **options: Any) -> Any:
        return self.http.get(url, **options)

    @asynccontextmanager
    async def request(self, method: str, url: str, **options: Any) -> AsyncIterator[Reply]:
        behind = len(self.calls) - self.at
        here = behind == 0
        self.calls.append(f"{method} {url}")
        if self.fault == "errors" and 0 <= behind < len(ERRORS):
            yield ERRORS[behind]
            return
        if here and self.fault == "401":
            self.revoke()
        async with self.http.request(method, url, **options) as response:
            reply = Reply(response.status, dict(response.headers), await response.read())
        if here and self.fault == "killed":
            raise Killed
        if here and self.fault == "cut":
            raise aiohttp.ServerDisconnectedError
        if here and self.fault == "truncated":
            reply.content = reply.content[: len(reply.content) // 2]
        yield reply
        await asyncio.sleep(0)
