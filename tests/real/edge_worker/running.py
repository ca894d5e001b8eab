"""The Worker in workerd, in front of platforms that misbehave."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import psutil
import pytest
from yarl import URL

from components.edge import script
from components.worker_limits import WorkerLimits
from publisher.edge_copy import table_of
from sandbox.cloudflare.workers.installing import WorkerdMissing
from sandbox.cloudflare.workers.runtime import Bundle, Runtime
from tests.real.edge_worker.origins import (
    HEALTH,
    NOT_FOUND,
    NOT_FOUND_DIGEST,
    PAGES,
    Assets,
    Platform,
    outbound,
    serving,
)
from website import HEALTH_TOKEN


def listed(pages):
    """(file of the release, SHA-256 in hex) of what platforms serve."""
    files = {path[1:] + ("index.html" if path.endswith("/") else ""): body for path, body in pages.items()}
    return [(path, hashlib.sha256(body).hexdigest()) for path, body in files.items()]


SITE = "www.example.org"
FLOOR = [["X-Content-Type-Options", "nosniff"], ["X-Frame-Options", "DENY"]]
RULES = {
    "redirects": [
        {"source": "/old", "target": "/about.html", "status": 301, "force": False},
        {"source": "/there/*", "target": "https://partner.example/:splat", "status": 302, "force": True},
        {"source": "/app/*", "target": "/about.html", "status": 200, "force": False},
    ],
    "headers": [{"pattern": "/blog/*", "headers": [["X-Frame-Options", "SAMEORIGIN"], ["X-Blog", "yes"]]}],
    "floor": FLOOR,
    "notFound": "404.html",
}
COPY = {
    "directory": "copy",
    "notFound": [NOT_FOUND_DIGEST],
    "types": {"byEnding": {".html": "text/html; charset=utf-8"}, "single": {"medium.bin": "application/x-medium"}},
    "files": table_of(listed(PAGES)),
}
COPIED = {
    "/index.html": b"<h1>home, copied</h1>",
    "/about.html": PAGES["/about.html"],
    "/blog/index.html": PAGES["/blog/"],
    "/medium.bin": PAGES["/medium.bin"],
    "/404.html": NOT_FOUND,
    "/caf\u00e9 & co.html": b"<h1>coffee</h1>",
}
#: Patience of the tests: as the real one, but for hundreds of milliseconds.
QUICK = WorkerLimits(
    attempt=700, hedge=150, deadline=2000, wait=200, longest_wait=1600, check=600_000, step_time=60_000
)


@dataclass
class Visitor:
    platforms: dict[str, Platform]
    assets: Assets
    runtime: Runtime
    http: aiohttp.ClientSession

    async def ask(self, path="/", method="GET", **headers):
        url = f"http://127.0.0.1:{self.runtime.port}"
        shown = {"Host": SITE, "X-Forwarded-Proto": "https", **{k.replace("_", "-"): v for k, v in headers.items()}}
        async with self.http.request(
            method, URL(url + path, encoded=True), headers=shown, allow_redirects=False
        ) as response:
            return Seen(response.status, response.headers, await response.read())

    async def until_served_from(self, name, path="/"):
        """Ask again and again until an answer comes from ``name``; the test's time-out ends it otherwise."""
        while await self.served_from(path) != name:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)

    def workerd(self):
        """The runtime's own process."""
        (found,) = [one for one in psutil.Process(self.runtime.guard_pid).children() if "workerd" in one.name()]
        return found

    async def served_from(self, path="/"):
        return (await self.ask(path)).headers["X-Served-From"]


@dataclass
class Seen:
    status: int
    headers: object
    body: bytes


@asynccontextmanager
async def visiting(folder, *platforms, limits=QUICK, copy=COPY, rules=RULES):
    assets = Assets(dict(COPIED))
    named = [(platform.name, platform.host) for platform in platforms]
    config = script.configuration(SITE, named, rules, copy, health=(HEALTH, HEALTH_TOKEN), limits=limits)
    bundle = Bundle(script.source(config), script.COMPATIBILITY_DATE, assets_binding="ASSETS")
    async with serving(outbound(platforms)) as out, serving(assets.answer) as stored:
        runtime = Runtime(folder, bundle, out, stored)
        try:
            await runtime.start()
        except WorkerdMissing as missing:
            pytest.skip(str(missing))
        session = aiohttp.ClientSession(
            auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=["Accept-Encoding"]
        )
        try:
            async with session as http:
                yield Visitor({platform.name: platform for platform in platforms}, assets, runtime, http)
        finally:
            await runtime.stop()
