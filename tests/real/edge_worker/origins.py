"""Platforms on loopback that misbehave as told, behind the one server through which workerd reaches the world."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web
from yarl import URL

from website import HEALTH_TOKEN

HEALTH = "/.well-known/release.json"
NOT_FOUND = b"<h1>There is no such page on this site</h1>"
NOT_FOUND_DIGEST = hashlib.sha256(NOT_FOUND).hexdigest()[:16]
BIG = hashlib.shake_256(b"big").digest(20_000_000)
PAGES = {
    "/": b"<h1>home</h1>",
    "/about.html": b"<h1>about</h1>" * 50,
    "/blog/": b"<h1>blog</h1>",
    "/medium.bin": BIG[:300_000],
    "/big.bin": BIG,
    HEALTH: f'{{"release": "r0123456789abcdef", "token": "{HEALTH_TOKEN}"}}\n'.encode(),
}


@dataclass
class Platform:
    """One platform, and how it misbehaves."""

    name: str
    mood: str = "well"
    """A status or a kind of fault; after ``page-``, of everything but the health path."""
    seconds: float = 0.0
    pages: dict[str, bytes] = field(default_factory=lambda: dict(PAGES))
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[web.Request] = field(default_factory=list)
    checks: int = 0
    aborted: int = 0

    @property
    def host(self) -> str:
        return f"site.{self.name}.example"

    async def answer(self, request: web.Request, url: URL) -> web.StreamResponse:
        if url.path == HEALTH and "user-agent" not in request.headers:
            self.checks += 1
        else:
            self.seen.append(request)
        try:
            return await self._answer(request, url)
        except asyncio.CancelledError:
            self.aborted += 1
            raise

    async def _answer(self, request: web.Request, url: URL) -> web.StreamResponse:
        mood = self.mood
        if mood.startswith("page-"):
            mood = "well" if url.path == HEALTH else mood.removeprefix("page-")
        if mood == "refuse":
            request.transport.abort()
            return web.Response()
        if mood == "hang":
            await asyncio.sleep(60)
        if mood == "slow":
            await asyncio.sleep(self.seconds)
        if mood.isdigit():
            return web.Response(status=int(mood), text=f"error {mood}")
        if mood == "lost":
            return web.Response(status=404, text="no such site on this platform")
        if mood == "wrong-health" and url.path == HEALTH:
            return web.Response(text="<h1>parked</h1>")
        if mood in {"cut", "cut-at-once", "stall"}:
            return await self._cut(request, url, mood)
        if mood == "redirect-to-itself":
            return web.Response(status=302, headers={"Location": f"https://{self.host}{url.raw_path_qs}"})
        if mood == "redirect-away":
            return web.Response(status=302, headers={"Location": "https://parked.example/suspended"})
        return self._page(request, url)

    async def _cut(self, request: web.Request, url: URL, mood: str) -> web.StreamResponse:
        body = self.pages[url.path]
        response = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": "text/html"})
        await response.prepare(request)
        if mood != "cut-at-once":
            await response.write(body[: len(body) // 2])
        if mood == "stall":
            await asyncio.sleep(60)
        request.transport.abort()
        return response

    def _page(self, request: web.Request, url: URL) -> web.Response:
        own = {
            "Set-Cookie": "platform=1",
            "Server": self.name,
            "Alt-Svc": 'h2="elsewhere"',
            "Connection": "X-Hop",
            "X-Hop": "1",
        }
        if url.path == "/blog":
            query = f"?{url.raw_query_string}" if url.raw_query_string else ""
            return web.Response(status=302, headers={"Location": f"//{self.host}/blog/{query}", **own})
        if url.path == "/elsewhere":
            return web.Response(status=302, headers={"Location": "https://partner.example/x"})
        if url.path == "/http":
            return web.Response(status=301, headers={"Location": f"http://{self.host}/about.html?a=1"})
        body = self.pages.get(url.path)
        tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"' if body is not None else ""
        if body is None:
            return self._encoded(request, 404, NOT_FOUND, own)
        headers = {**own, "ETag": tag, "Cache-Control": "public, max-age=60", **self.headers}
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        wanted = request.http_range
        if wanted.start is not None or wanted.stop is not None:
            part = body[wanted]
            start = len(body) + wanted.start if (wanted.start or 0) < 0 else wanted.start or 0
            headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
            return web.Response(status=206, body=part, headers=headers, content_type="text/html")
        return self._encoded(request, 200, body, headers)

    def _encoded(self, request, status, body, headers) -> web.Response:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers, body = {**headers, "Content-Encoding": "gzip"}, gzip.compress(body, 1)
        return web.Response(status=status, body=body, headers={"Content-Type": "text/html", **headers})


@dataclass
class Assets:
    """What the assets binding answers: files by exact path, as with html_handling none."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = self.files.get(URL(request.raw_path, encoded=True).path)
        if body is None:
            return web.Response(status=404)
        tag = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, headers={"ETag": tag, "Content-Type": "application/x-wrong"})


@asynccontextmanager
async def serving(answer):
    """A loopback server that hands every request, whatever its form, to ``answer``; gives its port."""

    @web.middleware
    async def everything(request, handler):
        return await answer(request)

    app = web.Application(middlewares=[everything])
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]
    finally:
        with suppress(asyncio.CancelledError):
            await runner.cleanup()


def outbound(platforms):
    """Handler of that server: requests by host name."""
    by_host = {platform.host: platform for platform in platforms}

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["X-Forwarded-Proto"] == "https"
        url = URL(f"https://{request.host}{request.raw_path}", encoded=True)
        return await by_host[url.host].answer(request, url)

    return answer


def now() -> float:
    return time.monotonic()
