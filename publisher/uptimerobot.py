"""UptimeRobot's API v3, as far as monitors need it.

Reference: https://uptimerobot.com/api/v3/, and the vendor's own client, which shows what the reference leaves out:
https://github.com/uptimerobot/terraform-provider-uptimerobot (``internal/client``, ``docs/openapi-public.json``).
The older v2 cannot make monitors on the free plan.

Ten requests a minute on the free plan, then 429 with Retry-After; so requests are made one after the other, and one
list stands for all questions of a run. https://uptimerobot.com/api/#ratelimits
"""

from __future__ import annotations

import asyncio
import html
import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp

from publisher.errors import PlatformRefused, PlatformUnavailable, PublisherError
from publisher.retries import Answer, Budget, RetryPolicy, call

KEY_VARIABLE = "UPTIMEROBOT_API_KEY"
URL_VARIABLE = "UPTIMEROBOT_API_URL"
Monitor = dict[str, Any]
_POLICY = RetryPolicy(
    attempts=10,
    longest_delay=90.0,
    hints={
        400: "UptimeRobot finds the monitor wrong; its words say why. Look at monitoring.uptimeRobot.",
        401: f"Set {KEY_VARIABLE} in the environment to the account's main API key (Integrations & API).",
        403: "The key is read-only, or the account's plan does not allow this; look at monitoring.uptimeRobot.",
        402: "The account's plan does not allow this; look at monitoring.uptimeRobot.",
    },
)
_PATIENCE = 900.0
_ONCE = RetryPolicy(attempts=1, longest_delay=_POLICY.longest_delay, hints=_POLICY.hints)
_TOO_MANY = 429
_MOST_PAGES = 100


def base_url() -> str:
    """Address of the API, without a slash at its end."""
    return os.environ.get(URL_VARIABLE, "https://api.uptimerobot.com/v3").rstrip("/")


class UptimeRobotApi:
    """Calls with the key of the environment, one after the other; the list of monitors is asked for once."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._budget = Budget(_PATIENCE)
        self._turn = asyncio.Lock()
        self._known: dict[str, Monitor] | None = None

    async def monitors(self) -> dict[str, Monitor]:
        """Id → monitor, all of the account as this run knows them."""
        async with self._turn:
            if self._known is None:
                self._known = {str(one["id"]): one for one in await self._pages()}
            return dict(self._known)

    async def named(self, name: str, url: str) -> Monitor | None:
        """The account's monitor of this very name and address, or None."""
        found = await self.monitors()
        return next((one for one in found.values() if one["friendlyName"] == name and one["url"] == url), None)

    async def user(self) -> dict[str, Any]:
        """The account: ``monitorLimit``, ``monitorsCount``."""
        async with self._turn:
            return dict((await self._call("GET", "/user/me", "reading the account")).json())

    async def create(self, settings: Monitor) -> Monitor:
        """Make a monitor. Asked once: nothing but being too early is tried again, for a second one could be made."""
        async with self._turn:
            return self._remembered(await self._made(settings))

    async def update(self, identifier: str, settings: Monitor) -> Monitor:
        """Change a monitor."""
        async with self._turn:
            action = "changing the monitor"
            return self._remembered(await self._changed("PATCH", f"/monitors/{identifier}", action, json=settings))

    async def delete(self, identifier: str) -> None:
        """Delete a monitor; one that is gone already is no error."""
        gone = frozenset({200, 204, 404, 410})
        async with self._turn:
            await self._changed("DELETE", f"/monitors/{identifier}", "deleting the monitor", expected=gone)
            if self._known is not None:
                self._known.pop(identifier, None)

    def _remembered(self, answer: Answer) -> Monitor:
        found = _plain(answer.json())
        if self._known is not None:
            self._known[str(found["id"])] = found
        return found

    async def _changed(self, method: str, path: str, action: str, **options: Any) -> Answer:
        """A call after whose failure nobody knows what is there."""
        try:
            return await self._call(method, path, action, **options)
        except PublisherError:
            self._known = None
            raise

    async def _made(self, settings: Monitor) -> Answer:
        """Too many requests is the one answer that says that nothing was made."""
        action, expected = "making the monitor", frozenset({200, 201, _TOO_MANY})
        for _ in range(_POLICY.attempts):
            answer = await self._changed("POST", "/monitors", action, policy=_ONCE, expected=expected, json=settings)
            if answer.status != _TOO_MANY:
                return answer
            # A harmless request waits as long as the account is to wait.
            await self._call("GET", "/user/me", "waiting until UptimeRobot takes more requests")
        raise PlatformUnavailable(
            f"uptimerobot: {action} was put off {_POLICY.attempts} times, for the account makes too many requests. "
            "Run again later to finish."
        )

    async def _pages(self) -> list[Monitor]:
        found: list[Monitor] = []
        query: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = (await self._call("GET", "/monitors", "listing the monitors", params=query)).json()
            found += [_plain(one) for one in page["data"]]
            cursor = parse_qs(urlsplit(page.get("nextLink") or "").query).get("cursor")
            if not cursor:
                return found
            query = {"cursor": cursor[0]}
        raise PlatformRefused(f"uptimerobot: the list of monitors did not end after {_MOST_PAGES} pages; try again.")

    async def _call(
        self, method: str, path: str, action: str, *, policy: RetryPolicy = _POLICY, **options: Any
    ) -> Answer:
        key = os.environ.get(KEY_VARIABLE, "")
        if not key:
            raise PlatformRefused(
                f"uptimerobot: {KEY_VARIABLE} is not set. Put the account's main API key into it, or take "
                "monitoring.uptimeRobot out of the stack's settings."
            )
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        return await call(
            self._http,
            method,
            base_url() + path,
            platform="uptimerobot",
            action=action,
            policy=policy,
            budget=self._budget,
            headers=headers,
            **options,
        )


def _plain(monitor: Monitor) -> Monitor:
    """With names and addresses as they were given: UptimeRobot may escape them for HTML."""
    return {**monitor, **{key: html.unescape(str(monitor.get(key) or "")) for key in ("friendlyName", "url")}}
