"""Serves the page, the feed, the JSON and the metrics: read only, for everybody, without cookies or scripts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coordinator.database import DiskRefuses
from coordinator.heartbeats import Heartbeats
from coordinator.status_page.reading import Reader
from coordinator.status_page.rendering import STYLE_SOURCE, as_json, feed, page
from coordinator.status_page.view import View
from coordinator.watching.metrics import WatchMetrics
from coordinator.watching.watcher import TASK

#: Nothing may be loaded, framed, sent or run; the page's own style is allowed by its digest.
_POLICY = (
    f"default-src 'none'; style-src {STYLE_SOURCE}; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FEED, _HTML = "application/atom+xml; charset=utf-8", "text/html; charset=utf-8"
#: Seconds that an answer is shown again: however many ask, the files are read no oftener.
FRESH = 5.0
_SMALL = 500


@dataclass(frozen=True)
class _Made:
    """One version of everything that is served."""

    view: View
    until: float
    texts: Mapping[str, tuple[str, bytes]]
    """Path → media type and body."""


@dataclass
class Pages:
    """Answers at ``/``, ``/status.json``, ``/feed.atom``, ``/metrics`` and ``/healthz``."""

    reader: Reader
    metrics: WatchMetrics
    beats: Heartbeats
    clock: Callable[[], float] = time.monotonic
    _made: _Made | None = None
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [Route(path, self._text) for path in ("/", "/status.json", "/feed.atom")]
        own = [Route("/metrics", self._metrics), Route("/healthz", self._health)]
        around = [Middleware(_Strict), Middleware(GZipMiddleware, minimum_size=_SMALL)]
        return Starlette(routes=[*routes, *own], middleware=around)

    async def _text(self, request: Request) -> Response:
        try:
            made = await self._current()
        except DiskRefuses:
            return PlainTextResponse("What was found cannot be read just now.\n", 503)
        media, body = made.texts[request.url.path]
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        known = request.headers.get("If-None-Match", "")
        answer = Response(status_code=304) if tag in known else Response(body, media_type=None)
        answer.headers.update({"ETag": tag, "Cache-Control": f"public, max-age={FRESH:.0f}", "Content-Type": media})
        return answer

    async def _metrics(self, _: Request) -> Response:
        try:
            view = (await self._current()).view
        except DiskRefuses:
            return PlainTextResponse("", 503)
        share = view.budget.share
        self.metrics.measured(float("nan") if share is None else share, view.budget.left, len(view.releases))
        return PlainTextResponse(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def _health(self, _: Request) -> Response:
        """503 while nobody looks, whatever the state of the site."""
        stuck = TASK in self.beats.stuck()
        return JSONResponse({"status": "stuck" if stuck else "ok"}, 503 if stuck else 200)

    async def _current(self) -> _Made:
        async with self._making:
            if self._made is None or self.clock() >= self._made.until:
                view = await self.reader.view()
                texts = {
                    "/": (_HTML, page(view).encode()),
                    "/status.json": ("application/json", as_json(view).encode()),
                    "/feed.atom": (_FEED, feed(view).encode()),
                }
                self._made = _Made(view, self.clock() + min(FRESH, self.reader.interval), texts)
            return self._made


class _Strict:
    """Puts the headers on every answer, those of errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, sent)
