"""Cloudflare in front of two little origins, all on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from sandbox import cloudflare
from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID
from sandbox.twin import SiteView, Twin
from sandbox.world import World
from tests.worlds import Running, running

MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
RULESET = "cloudflare:index/ruleset:Ruleset"
ALERT = "cloudflare:index/notificationPolicy:NotificationPolicy"
SITE = "www.peacefulrobot.com"
TOKEN = "peaceful-robot-ok"
FAST = 600.0
"""Speed at which an interval of 60 s lasts 0.1 s."""


@dataclass
class OriginSite:
    """A platform with one site that tells what it was asked."""

    name: str
    body: bytes = b""
    status: int = 200
    seen: list[web.Request] = field(default_factory=list)
    probes: int = 0
    health: str = f'{{"token": "{TOKEN}"}}'
    health_status: int = 200
    delay: float = 0.0

    def __post_init__(self) -> None:
        self.body = self.body or f"<h1>served by {self.name}</h1>".encode()

    @property
    def hostname(self) -> str:
        return f"site.{self.name}.example"

    def twin(self, world: World) -> Twin:
        world.serve_names(self.name, lambda: [self.hostname])
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return Twin(name=self.name, public=app, sites=lambda: [SiteView(self.hostname, "r1", 1)])

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("User-Agent", "").find("Traffic-Manager") >= 0:
            self.probes += 1
            return web.Response(status=self.health_status, text=self.health)
        self.seen.append(request)
        return await self.answer(request)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/echo":
            return web.json_response({"size": len(await request.read()), "host": request.host})
        headers = {"ETag": '"1"', "X-Origin": self.name, "Cache-Control": "public, max-age=60"}
        return web.Response(status=self.status, body=self.body, headers=headers, content_type="text/html")


@dataclass
class EdgeWorld:
    running: Running
    http: aiohttp.ClientSession
    pools: dict[str, str] = field(default_factory=dict)
    balancer: str = ""

    @property
    def url(self) -> str:
        return self.running.description["site_url"].rstrip("/")

    async def get(
        self, path: str = "/", host: str | None = None, **options
    ) -> tuple[int, bytes, aiohttp.ClientResponse]:
        headers = {**options.pop("headers", {}), **({"Host": host} if host else {})}
        async with self.http.get(self.url + path, headers=headers, allow_redirects=False, **options) as response:
            return response.status, await response.read(), response

    async def fault(self, platform: str, kind: str = "down") -> None:
        url = f"{self.running.description['control_url']}/faults/{platform}"
        async with self.http.post(url, json={"kind": kind}) as response:
            assert response.status < 300, await response.text()

    async def heal(self, platform: str) -> None:
        url = f"{self.running.description['control_url']}/faults/{platform}"
        async with self.http.delete(url) as response:
            assert response.status < 300, await response.text()

    async def states(self) -> dict[str, str]:
        async with self.http.get(f"{self.running.description['control_url']}/status") as response:
            return {found["name"]: found["state"] for found in (await response.json())["platforms"]}

    def edge_health(self) -> dict[str, str]:
        return dict(next(twin for twin in self.running.twins if twin.name == "cloudflare").health())

    async def health(self, hostname: str, wanted: str) -> None:
        """Wait until the prober sees a hostname in a state."""
        await self.until(lambda: self.edge_health().get(hostname) == wanted)

    @staticmethod
    async def until(true: Callable[[], bool]) -> None:
        """Wait until something is true; the test's own time-out ends it otherwise."""
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)

    async def declare(self, *sites: OriginSite, monitor=None, balancer=None) -> None:
        """A monitor, a pool for each site, a load balancer."""
        wanted = {"type": "https", "path": "/.well-known/release.json", "expectedBody": TOKEN, **(monitor or {})}
        steady = {"consecutiveUp": 1, "consecutiveDown": 1, "timeout": 5, "retries": 0, **wanted}
        checked, _ = await self.running.declare(MONITOR, accountId=ACCOUNT_ID, **steady)
        for site in sites:
            self.pools[site.name], _ = await self.running.declare(POOL, **pool_inputs(site, monitor=checked))
        order = list(self.pools.values())
        inputs = {"proxied": True, "steeringPolicy": "off", "adaptiveRouting": {"failoverAcrossPools": True}}
        chosen = {**inputs, "defaultPools": order, "fallbackPool": order[0], **(balancer or {})}
        self.balancer, _ = await self.running.declare(BALANCER, zoneId=ZONE_ID, name=SITE, **chosen)


def pool_inputs(site: OriginSite, **more):
    endpoint = {"name": site.name, "address": site.hostname, "header": {"hosts": [site.hostname]}}
    return {"accountId": ACCOUNT_ID, "name": site.name, "origins": [endpoint], "checkRegions": ["WEU"], **more}


@asynccontextmanager
async def edge_world(folder, *sites: OriginSite, speed: float = FAST) -> AsyncIterator[EdgeWorld]:
    makers = [*(site.twin for site in sites), cloudflare.twin]
    async with (
        running(folder, makers, speed) as found,
        aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        yield EdgeWorld(found, http)
