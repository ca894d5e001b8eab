"""A steady load: pages of the site asked for at fixed moments, whatever became of those before."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import aiohttp

#: Until a visitor gives up.
PATIENCE = 10.0
Outcome = Literal["right", "failed", "wrong"]


@dataclass(frozen=True)
class Sample:
    """One request. Times are seconds: ``at`` since the load began, ``took`` from the moment it was due."""

    at: float
    took: float
    outcome: Outcome
    seen: str
    """Status, or what broke."""
    by: str = ""
    """Platform that gave the answer, where that can be told."""


@dataclass(frozen=True)
class Pages:
    """What is asked for, and how to tell whose answer it is."""

    digests: Mapping[str, str]
    """Path → SHA-256 in hex of the bytes that are right."""
    tags: Mapping[tuple[str, str], str]
    """(path, entity tag) → the one platform that gives it."""

    def judged(self, path: str, status: int, body: bytes) -> Outcome:
        """What an answer is worth."""
        if status != 200:
            return "failed"
        return "right" if hashlib.sha256(body).hexdigest() == self.digests[path] else "wrong"

    def served_by(self, path: str, headers: Mapping[str, str]) -> str:
        """Platform that gave an answer: a Worker says so, else its entity tag tells; empty where neither does."""
        return headers.get("X-Served-From") or self.tags.get((path, headers.get("ETag", "")), "")


class Load:
    """``rate`` requests a second for ``seconds``, from the edge at ``url``."""

    def __init__(self, url: str, pages: Pages, rate: int, seconds: float) -> None:
        self._url = url.rstrip("/")
        self._pages = pages
        self._rate = rate
        self._count = round(rate * seconds)
        self._began = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    async def run(self) -> Sequence[Sample]:
        """All samples, in the order in which they were due."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        self._began = time.monotonic()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
            paths = itertools.cycle(self._pages.digests)
            asked = []
            for number in range(self._count):
                due = number / self._rate
                await asyncio.sleep(max(0.0, due - self.elapsed))
                asked.append(asyncio.create_task(self._ask(http, next(paths), due)))
            return await asyncio.gather(*asked)

    async def _ask(self, http: aiohttp.ClientSession, path: str, due: float) -> Sample:
        try:
            async with http.get(self._url + path, allow_redirects=False) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return Sample(due, self.elapsed - due, "failed", type(error).__name__)
        outcome = self._pages.judged(path, answer.status, body)
        by = self._pages.served_by(path, answer.headers)
        return Sample(due, self.elapsed - due, outcome, str(answer.status), by)
