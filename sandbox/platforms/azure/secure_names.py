"""TLS listeners for the names of Azure's own services, which clients reach over the proxy like any public name.

They are apart from the platform's public side, so that a fault of the sites leaves the services alone.
"""

from __future__ import annotations

from aiohttp import web

from sandbox.listeners import bound_socket, port_of
from sandbox.world import Endpoint, World

_BACKLOG = 1024
_SHUTDOWN = 1.0


class SecureNames:
    """Serves one application for some names, over TLS by the sandbox's authority; without TLS it refuses."""

    def __init__(self, world: World, platform: str, app: web.Application) -> None:
        self._world = world
        self._platform = platform
        self._app = app
        self._runners: list[web.AppRunner] = []

    async def start(self, _: web.Application) -> None:
        """Open the listeners and say where they are."""
        secure = await self._listen(self._app, encrypted=True)
        plain = await self._listen(_refusing(), encrypted=False)
        self._world.endpoints[self._platform] = Endpoint(self._platform, plain, secure)

    async def stop(self, _: web.Application) -> None:
        """Close them."""
        for runner in self._runners:
            await runner.cleanup()

    async def _listen(self, app: web.Application, *, encrypted: bool) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN, auto_decompress=False)
        await runner.setup()
        self._runners.append(runner)
        bound = bound_socket(0)
        tls = self._world.authority.sni_context() if encrypted else None
        await web.SockSite(runner, bound, backlog=_BACKLOG, ssl_context=tls).start()
        return port_of(bound)


def _refusing() -> web.Application:
    async def refuse(_: web.Request) -> web.Response:
        text = "The account being accessed does not support http."
        return web.Response(status=400, text=text, headers={"x-ms-error-code": "AccountRequiresHttps"})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", refuse)
    return app
