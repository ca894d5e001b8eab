"""What Workers reach: the names of the sandbox's internet, over TLS, as the edge itself does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.cloudflare.origins import OriginFailure, OriginRequest, Origins
from sandbox.cloudflare.proxy import end_to_end
from sandbox.cloudflare.workers.runtime import PROTOCOL
from sandbox.world import World

_SERVER_ERROR = 500
#: Connections to one platform. After a moment in which this process stood still, every request would else open one of
#: its own, which takes longer than the request does. What waits for too long the Worker gives up.
_AT_ONCE = 64


class Outbound:
    """Answers every request that a Worker makes; a host that fails is answered as Cloudflare does, with a 52x.

    https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.well: dict[str, bool] = {}
        """Host name → whether its last answer was one, and no error of the server."""

    def application(self) -> web.Application:
        """Takes requests with the Host that is meant, on plain HTTP."""

        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            del handler
            return await self._serve(request)

        app = web.Application(middlewares=[serve])
        app.cleanup_ctx.append(self._running)
        return app

    async def _running(self, app: web.Application) -> AsyncIterator[None]:
        del app
        self._origins = Origins(self._world, at_once=_AT_ONCE)
        yield
        await self._origins.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        host = request.host.rsplit(":", 1)[0].lower()
        if not self._origins.resolves(host):
            return web.Response(status=530, text="error code: 1016")
        try:
            async with self._origins.ask(_wanted(request, host)) as answer:
                self.well[host] = answer.status < _SERVER_ERROR
                return await _passed_on(request, answer)
        except OriginFailure as failure:
            self.well[host] = False
            return web.Response(status=failure.status, text=f"error code: {failure.status}")


def _wanted(request: web.Request, host: str) -> OriginRequest:
    headers = end_to_end(request.headers)
    for name in ("Host", PROTOCOL):
        headers.popall(name, None)
    headers["CDN-Loop"] = "cloudflare; loops=1"
    return OriginRequest(
        method=request.method,
        address=host,
        host=host,
        target=request.raw_path,
        headers=headers,
        secure=request.headers.get(PROTOCOL, "https") == "https",
    )


async def _passed_on(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=end_to_end(answer.headers))
    try:
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, OSError):
        if request.transport is not None:
            request.transport.abort()
    return response
