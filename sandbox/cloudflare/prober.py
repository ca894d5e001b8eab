"""Runs the monitors: checks every endpoint of every monitored pool, once an interval of the sandbox's clock."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from sandbox.cloudflare.account import Account
from sandbox.cloudflare.health import (
    EndpointHealth,
    EndpointKey,
    HealthView,
    ProbeResult,
    code_expected,
    endpoint_key,
)
from sandbox.cloudflare.objects import PoolKind
from sandbox.cloudflare.origins import OriginFailure, OriginRequest, Origins
from sandbox.store import Document
from sandbox.world import Clock

_log = logging.getLogger(__name__)
#: The user agent cannot be set by the monitor.
#: https://developers.cloudflare.com/fundamentals/reference/cloudflare-site-crawling/
_USER_AGENT = "Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/traffic-manager/;)"
#: What is read of a body; the smaller of the two documented figures.
#: https://developers.cloudflare.com/load-balancing/troubleshooting/load-balancing-faq/
_BODY_READ = 10 * 1024
#: A fast clock does not make this machine faster: real seconds a check has at the least.
TIMEOUT_FLOOR = 1.0
_MOST_REDIRECTS = 10


class Prober:
    """One place that checks; the real network asks from three places a region and takes the majority."""

    def __init__(self, account: Account, origins: Origins, clock: Clock) -> None:
        self._account = account
        self._origins = origins
        self._clock = clock
        self._health: dict[EndpointKey, EndpointHealth] = {}
        self._due: dict[EndpointKey, float] = {}
        self._running: dict[EndpointKey, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        account.watch(self._wake.set)

    def view(self) -> HealthView:
        """Health at this moment."""
        return HealthView(self._health)

    def detail(self, pool: Document, endpoint: Document) -> EndpointHealth:
        """All that is known of one endpoint."""
        return self._health.get(endpoint_key(pool, endpoint), EndpointHealth())

    async def run(self) -> None:
        """Check for ever; a new endpoint at once."""
        try:
            while True:
                self._wake.clear()
                await self._wait(self._start_due())
        finally:
            for task in self._running.values():
                task.cancel()

    def _start_due(self) -> float:
        """Start what is due; returns sandbox seconds until the next is."""
        now = self._clock.monotonic()
        wanted = self._wanted()
        for key in self._due.keys() - wanted.keys():
            del self._due[key]
            self._health.pop(key, None)
        for key, (pool, endpoint, monitor) in wanted.items():
            if self._due.get(key, now) <= now and key not in self._running:
                self._due[key] = now + monitor["interval"]
                task = asyncio.create_task(self._check(key, pool, endpoint, monitor))
                self._running[key] = task
                task.add_done_callback(partial(self._done, key))
        return max(0.0, min(self._due.values(), default=3600.0) - now)

    def _done(self, key: EndpointKey, task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("check of %s failed by itself", key[1], exc_info=error)

    def _wanted(self) -> dict[EndpointKey, tuple[Document, Document, Document]]:
        """Endpoints to check: enabled ones of enabled pools that have a monitor."""
        found = {}
        for pool in self._account.all(PoolKind):
            monitor = self._account.monitor_of(pool)
            if monitor is None or not pool["enabled"]:
                continue
            for endpoint in pool["origins"]:
                if endpoint["enabled"]:
                    found[endpoint_key(pool, endpoint)] = (pool, endpoint, monitor)
        return found

    async def _wait(self, seconds: float) -> None:
        real = max(self._clock.real(seconds), 0.01)
        try:
            await asyncio.wait_for(self._wake.wait(), real)
        except TimeoutError:
            return

    async def _check(self, key: EndpointKey, pool: Document, endpoint: Document, monitor: Document) -> None:
        result = await probe(self._origins, endpoint, monitor, self._clock)
        health = self._health.setdefault(key, EndpointHealth())
        if health.record(result, monitor):
            _log.info("pool %s, endpoint %s: %s (%s)", pool["name"], endpoint["name"], health.state, result.reason)


async def probe(origins: Origins, endpoint: Document, monitor: Document, clock: Clock) -> ProbeResult:
    """One check with its retries: immediate, and only after a time-out.

    https://developers.cloudflare.com/load-balancing/monitors/create-monitor/
    """
    for _ in range(monitor["retries"] + 1):
        result = await _attempt(origins, endpoint, monitor, clock)
        if result.reason != "HTTP timeout occurred":
            break
    return result


async def _attempt(origins: Origins, endpoint: Document, monitor: Document, clock: Clock) -> ProbeResult:
    """One request, judged."""
    begun = time.monotonic()
    limit = max(clock.real(monitor["timeout"]), TIMEOUT_FLOOR)
    try:
        async with asyncio.timeout(limit):
            if monitor["type"] == "tcp":
                connected = await origins.connects(endpoint["address"], monitor["port"])
                return ProbeResult(connected, "No failures" if connected else "TCP connection failed")
            code, body = await _fetch(origins, endpoint, monitor)
    except TimeoutError:
        return ProbeResult(False, "HTTP timeout occurred")
    except OriginFailure as failure:
        reason = "HTTP timeout occurred" if failure.status in {522, 524} else failure.reason
        return ProbeResult(False, reason)
    except aiohttp.ClientError:
        return ProbeResult(False, "Connection Reset by Peer")
    return _judged(monitor, code, body, time.monotonic() - begun)


def _judged(monitor: Document, code: int, body: bytes, seconds: float) -> ProbeResult:
    if not code_expected(str(monitor["expected_codes"]), code):
        return ProbeResult(False, "Response code mismatch error", code, seconds)
    expected = str(monitor.get("expected_body") or "").lower().encode()
    if expected not in body.lower():
        return ProbeResult(False, "Response body mismatch error", code, seconds)
    return ProbeResult(True, code=code, seconds=seconds)


def probe_host(endpoint: Document, monitor: Document) -> str:
    """Host header of a check: the endpoint's own, else the monitor's, else the endpoint's address.

    https://developers.cloudflare.com/load-balancing/monitors/#host-header-prioritization
    """
    own = (endpoint.get("header") or {}).get("Host") or []
    lowered = {name.lower(): values for name, values in (monitor.get("header") or {}).items()}
    return str([*own, *lowered.get("host", []), endpoint["address"]][0])


async def _fetch(origins: Origins, endpoint: Document, monitor: Document) -> tuple[int, bytes]:
    """Status and beginning of the body; follows redirects on the same endpoint if the monitor says so."""
    if not origins.resolves(endpoint["address"]):
        raise OriginFailure(530, "DNS Unknown Host")
    target = str(monitor["path"])
    for _ in range(_MOST_REDIRECTS):
        async with origins.ask(_request(endpoint, monitor, target)) as response:
            location = response.headers.get("Location")
            if not (monitor["follow_redirects"] and location and response.status // 100 == 3):
                return response.status, await _beginning(response)
            target = URL(f"https://{endpoint['address']}{target}").join(URL(location)).raw_path_qs
    raise OriginFailure(520, "HTTP Invalid Response")


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) < _BODY_READ and (chunk := await response.content.read(_BODY_READ - len(body))):
        body += chunk
    return body


def _request(endpoint: Document, monitor: Document, target: str) -> OriginRequest:
    headers: CIMultiDict[str] = CIMultiDict({"User-Agent": _USER_AGENT, "Connection": "close"})
    for name, values in (monitor.get("header") or {}).items():
        if name.lower() not in {"host", "user-agent"}:
            headers.extend((name, value) for value in values)
    return OriginRequest(
        method=str(monitor["method"]),
        address=str(endpoint["address"]),
        host=probe_host(endpoint, monitor),
        target=target,
        headers=headers,
        secure=monitor["type"] == "https",
        verify=not monitor["allow_insecure"],
    )
