"""Receives webhooks, as a coordinator would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Receiver:
    """What came in: event, headers and body. ``status`` is what it answers."""

    url: str = ""
    status: int = 202
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        event = request.headers.get("X-GitHub-Event") or request.headers.get("X-Gitlab-Event", "")
        self.got.append((event, dict(request.headers), await request.read()))
        async with self._changed:
            self._changed.notify_all()
        return web.Response(status=self.status)

    async def until(self, count: int) -> list[tuple[str, dict[str, str], bytes]]:
        """Wait until so many have come."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: len(self.got) >= count)
        return self.got


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks/{forge}", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hooks/forge"
    try:
        yield receiver
    finally:
        await runner.cleanup()
