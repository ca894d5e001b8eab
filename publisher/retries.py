"""Retries of calls to a platform: full jitter, the server's own delay honoured and capped, a budget for a deployment.

A call is made again when it got no answer, or an answer that time can heal (408, 425, 429, 500, 502, 503, 504 and
what a platform adds). 4xx that time cannot heal are raised at once as ``PlatformRefused``.

Retry-After: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after (seconds or a date).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp
import stamina

from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.proxies import proxy_for

HEALING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class RetryPolicy:
    """How one platform's calls are made again."""

    attempts: int = 6
    first_delay: float = 0.25
    """Seconds; upper bound of the first wait, doubled each time (full jitter)."""
    longest_delay: float = 30.0
    """Seconds; no wait is longer, whatever the server asks for."""
    healing_statuses: frozenset[int] = HEALING_STATUSES
    hints: Mapping[int, str] = field(default_factory=dict)
    """What to do, by status: added to the error's text."""


#: Tries of ``make_once``, and seconds before the second one; doubled each time.
_TRIES, _FIRST_PAUSE, _LONGEST_PAUSE = 4, 1.0, 30.0
T = TypeVar("T")


class Budget:
    """Seconds that one deployment may spend waiting for retries, over all its calls."""

    def __init__(self, seconds: float = 300.0) -> None:
        self._left = seconds

    def spend(self, seconds: float) -> bool:
        """Take ``seconds`` off; False when they are not there any more."""
        if seconds > self._left:
            return False
        self._left -= seconds
        return True


class HealingAnswer(Exception):
    """An answer that may be better next time; carries the server's wish for a delay in seconds, if any."""

    def __init__(self, status: int, text: str, delay: float | None) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.delay = delay


def requested_delay(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds the server asks to wait, from Retry-After (seconds or HTTP date) or X-RateLimit-Reset (Unix time)."""
    now = time.time() if now is None else now
    wish = headers.get("Retry-After")
    if wish is not None:
        with contextlib.suppress(ValueError):
            return max(0.0, float(wish))
        with contextlib.suppress(ValueError, TypeError):
            return max(0.0, parsedate_to_datetime(wish).timestamp() - now)
    reset = headers.get("X-RateLimit-Reset")
    if reset is not None and headers.get("X-RateLimit-Remaining", "0") == "0":
        with contextlib.suppress(ValueError):
            return max(1.0, float(reset) - now)
    return None


def _healing_errors() -> tuple[type[Exception], ...]:
    """What time can heal: a status, no answer, one that is no HTTP.

    A function, so that importing this module does not load the client: a preview needs none, and it takes 0.1 s.
    """
    return (
        HealingAnswer,
        aiohttp.ClientConnectionError,
        aiohttp.ClientPayloadError,
        aiohttp.ClientResponseError,
        asyncio.TimeoutError,
        ConnectionError,
    )


def backoff(policy: RetryPolicy, budget: Budget) -> Callable[[Exception], bool | float]:
    """Hook for stamina: how long to wait before the next attempt, or False to give up."""
    attempt = 0

    def delay_after(error: Exception) -> bool | float:
        nonlocal attempt
        if not isinstance(error, _healing_errors()):
            return False
        attempt += 1
        ceiling = min(policy.longest_delay, policy.first_delay * 2.0 ** (attempt - 1))
        delay = random.uniform(0.0, ceiling)  # noqa: S311 - jitter, not a secret
        if isinstance(error, HealingAnswer) and error.delay is not None:
            if error.delay > policy.longest_delay:
                return False
            delay += error.delay
        return delay if budget.spend(delay) else False

    return delay_after


@dataclass(frozen=True)
class Answer:
    """A final answer of a platform's API."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body as JSON; None when it is empty."""
        return json.loads(self.body) if self.body else None


async def call(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    platform: str,
    action: str,
    policy: RetryPolicy,
    budget: Budget,
    expected: frozenset[int] = frozenset({200, 201, 202, 204}),
    body: Callable[[], bytes | AsyncIterator[bytes]] | None = None,
    **options: Any,
) -> Answer:
    """Make one call, again where that can help.

    ``action`` says in words what the call is for; it stands in every error. ``body`` is called anew for each
    attempt, so that a stream is sent from its start. Raises PlatformRefused or PlatformUnavailable.
    """
    attempts = stamina.retry_context(on=backoff(policy, budget), attempts=policy.attempts, timeout=None)
    try:
        async for attempt in attempts:
            with attempt:
                if body is not None:
                    options["data"] = body()
                return await _once(http, method, url, platform, action, policy, expected, options)
    except _healing_errors() as error:
        message = (
            f"{platform}: {action} did not succeed in {policy.attempts} attempts or within the time for retries "
            f"({_reason(error)}). The release that was live before stays live; run again later to finish."
        )
        raise PlatformUnavailable(message) from error
    raise AssertionError("stamina ends with an answer or an error")


async def make_once(make: Callable[[], Awaitable[T]], find: Callable[[], Awaitable[T | None]]) -> T:
    """Make something that must not be made twice; when the answer is lost, look whether it was before asking again.

    ``make`` asks once. Raises what it raises.
    """
    for attempt in range(_TRIES):
        try:
            return await make()
        except PlatformUnavailable as error:
            found = await find()
            if found is not None:
                return found
            wished = getattr(error.__cause__, "delay", None) or 0.0
            if attempt == _TRIES - 1 or wished > _LONGEST_PAUSE:
                raise
            await asyncio.sleep(max(wished, _FIRST_PAUSE * 2.0**attempt))
    raise AssertionError("the loop ends with what was made or an error")


async def _once(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    platform: str,
    action: str,
    policy: RetryPolicy,
    expected: frozenset[int],
    options: Mapping[str, Any],
) -> Answer:
    async with http.request(method, url, proxy=proxy_for(url), **options) as response:
        content = await response.read()
        if response.status in expected:
            return Answer(response.status, dict(response.headers), content)
        text = said(content)
        if response.status in policy.healing_statuses:
            raise HealingAnswer(response.status, text, requested_delay(response.headers))
        hint = policy.hints.get(response.status, "Read the platform's words above; nothing was published.")
        raise PlatformRefused(
            f"{platform}: {action} was refused with HTTP {response.status} ({text}). {hint}", status=response.status
        )


def said(content: bytes) -> str:
    """The platform's own words in an error body: JSON ``message``/``error``, else a short text; never markup."""
    text = content[:2000].decode("utf-8", "replace").strip()
    with contextlib.suppress(ValueError):
        document = json.loads(content)
        if isinstance(document, dict):
            found = document.get("message") or document.get("error") or document.get("errors") or document
            text = found if isinstance(found, str) else json.dumps(found)
    if not text:
        return "no text"
    if text.lstrip().startswith("<"):
        return "a page of HTML"
    return text[:300]


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
