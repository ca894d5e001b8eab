"""Loopback listeners: APIs on free ports; public planes on a plain and a TLS port, which can be broken and healed."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import stamina
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler, Middleware

from sandbox.world import Endpoint, Fault, World

_log = logging.getLogger(__name__)
HOST = "127.0.0.1"
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_BACKLOG = 1024
#: Seconds that requests under way have when the sandbox stops.
_SHUTDOWN = 1.0
_OTHER_BYTES = b"These are not the bytes that were published.\n"
#: Every byte becomes another: a health check that reads the body finds nothing of what it looks for.
_ALTERED = bytes(byte ^ 1 for byte in range(256))


def bound_socket(port: int, *, reuse: bool = True) -> socket.socket:
    """Socket on a loopback port, not listening yet: connections to it are refused. 0 asks for a free port.

    With ``reuse``, old connections of the port may still linger. Raises OSError where the port is taken.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


@stamina.retry(on=OSError, attempts=None, timeout=1.0, wait_initial=0.001, wait_max=0.05, wait_jitter=0.001)
def reserved_socket(port: int) -> socket.socket:
    """Socket that keeps a port of ours and refuses connections to it.

    Two sockets that reuse addresses may be bound to one port until one listens (socket(7), Linux), so this one does
    without, unless an old connection lingers. Under load a port that was closed this very moment counts as taken for
    some microseconds.
    """
    try:
        return bound_socket(port, reuse=False)
    except OSError:
        return bound_socket(port)


def listening_socket(preferred_port: int) -> socket.socket:
    """Listening socket on the port, or on any free one where that is taken or not ours to take."""
    for port in (preferred_port, 0):
        bound = None
        try:
            bound = bound_socket(port)
            bound.listen(_BACKLOG)
        except OSError as error:
            if bound is not None:
                bound.close()
            if port == 0 or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            _log.warning("port %d is taken; using another", port)
        else:
            return bound
    raise AssertionError("port 0 gives a port or raises")


def port_of(bound: socket.socket) -> int:
    """The port of a bound socket."""
    return int(bound.getsockname()[1])


async def serve_api(app: web.Application, *, cancellation: bool = False) -> tuple[web.AppRunner, int]:
    """Serve an API on a free port; returns the runner and the port.

    ``cancellation``: work on a request ends when whoever sent it is gone.
    """
    # An API gets the bytes that were sent: some are signed, whatever their Content-Encoding says.
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_SHUTDOWN, auto_decompress=False, handler_cancellation=cancellation
    )
    await runner.setup()
    bound = bound_socket(0)
    await web.SockSite(runner, bound, backlog=_BACKLOG).start()
    return runner, port_of(bound)


def failing_on_request(world: World, platform: str) -> Middleware:
    """Middleware of a platform's API: 503 while its fault is ``api``."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = world.faults.get(platform)
        if fault is not None and fault.kind == "api":
            return web.Response(status=503, text="503 Service Unavailable\n")
        return await handler(request)

    return answer


def _told(ended: Callable[[web.BaseRequest], None]) -> type[AbstractAccessLogger]:
    """A class that tells ``ended`` of each request whose answer has been written."""

    class Told(AbstractAccessLogger):
        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            del response, time
            ended(request)

    return Told


@dataclass
class PublicPlane:
    """The public side of one platform: one application behind plain HTTP and behind TLS by the sandbox's authority."""

    platform: str
    app: web.Application
    world: World
    newest: Callable[[], str | None] = lambda: None
    """Host name of the platform's newest site: what a loopback Host stands for on the plain port."""
    _runner: web.AppRunner = field(init=False)
    _sites: list[web.BaseSite] = field(default_factory=list)
    _reserved: list[socket.socket] = field(default_factory=list)
    """While the platform is down: its ports, bound and not listening, so that nobody else gets them."""
    _answering: set[asyncio.Transport] = field(default_factory=set)
    """Connections whose answer is under way."""
    _ending: set[asyncio.Transport] = field(default_factory=set)
    """Those of them for which it is the last one."""

    def __post_init__(self) -> None:
        self.app.middlewares.insert(0, self._faults_and_names)
        self._runner = web.AppRunner(self.app, access_log_class=_told(self._answered), shutdown_timeout=_SHUTDOWN)

    async def start(self, preferred_port: int) -> None:
        """Open both listeners; the plain one on the preferred port where that is free."""
        plain, secure = listening_socket(preferred_port), listening_socket(0)
        self.world.endpoints[self.platform] = Endpoint(self.platform, port_of(plain), port_of(secure))
        await self._runner.setup()
        await self._listen(plain, secure)

    async def _listen(self, plain: socket.socket, secure: socket.socket) -> None:
        tls = self.world.authority.sni_context(self._certificate_expired)
        for site in (
            web.SockSite(self._runner, plain, backlog=_BACKLOG),
            web.SockSite(self._runner, secure, backlog=_BACKLOG, ssl_context=tls),
        ):
            await site.start()
            self._sites.append(site)

    async def break_with(self, fault: Fault) -> None:
        """Let a fault begin, in place of the one before."""
        if fault.kind in {"down", "crash"}:
            await self._take_down(cut=fault.kind == "crash")
        else:
            await self._bring_up()
        self.world.faults[self.platform] = fault
        if fault.kind == "tls-expired":
            self._end_connections()  # who is connected has seen the good certificate

    async def heal(self) -> None:
        """End the fault; the ports are the same as before."""
        await self._bring_up()
        self.world.faults.pop(self.platform, None)

    async def _take_down(self, *, cut: bool) -> None:
        """Refuse new connections; end the open ones with the answer that is under way, or ``cut`` them at once."""
        if self._reserved:
            if cut:
                self._cut_all()
            return
        sites, self._sites = self._sites, []
        for site in sites:
            await site.stop()
        endpoint = self.world.endpoints[self.platform]
        self._reserved = [reserved_socket(endpoint.http_port), reserved_socket(endpoint.https_port)]
        if cut:
            self._cut_all()
        else:
            self._end_connections()

    def _end_connections(self) -> None:
        """Close the idle ones now, and the others after the answer that is under way."""
        server = self._runner.server
        for connection in server.connections if server else []:
            if not isinstance(connection.transport, asyncio.Transport):
                continue
            if connection.transport in self._answering:
                self._ending.add(connection.transport)
            else:
                connection.transport.close()

    def _answered(self, request: web.BaseRequest) -> None:
        if isinstance(request.transport, asyncio.Transport):
            self._answering.discard(request.transport)
            if request.transport in self._ending:
                self._ending.discard(request.transport)
                request.transport.close()

    def _cut_all(self) -> None:
        server = self._runner.server
        for connection in server.connections if server else []:
            if isinstance(connection.transport, asyncio.Transport):
                connection.transport.abort()

    def _certificate_expired(self) -> bool:
        fault = self.world.faults.get(self.platform)
        return fault is not None and fault.kind == "tls-expired"

    async def _bring_up(self) -> None:
        if self._reserved:
            (plain, secure), self._reserved = self._reserved, []
            for reserved in (plain, secure):  # accepted connections inherit it; without, the next fault cannot bind
                reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            await self._listen(plain, secure)

    async def stop(self) -> None:
        """Close everything."""
        await self._runner.cleanup()
        for reserved in self._reserved:
            reserved.close()

    @web.middleware
    async def _faults_and_names(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        _log.debug("%s: %s %s%s", self.platform, request.method, request.host, request.path)
        if isinstance(request.transport, asyncio.Transport):
            self._answering.add(request.transport)
        response = await self._answer(request, handler)
        if self._reserved and not response.prepared:
            response.force_close()  # its TLS handshake was under way when the platform went down
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self.world.faults.get(self.platform)
        if fault is None:
            return await handler(self._named(request))
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "error":
            return web.Response(status=503, text="503 Service Unavailable\n")
        if fault.kind == "crash":  # a TLS handshake that was under way when the platform went down
            _cut(request)
            return web.Response(status=503)
        response = await handler(self._named(request))
        return _altered(response, request) if fault.kind == "wrong-bytes" else response

    def _named(self, request: web.Request) -> web.Request:
        if request.secure or request.host.rsplit(":", 1)[0].lower() not in _LOOPBACK:
            return request
        newest = self.newest()
        if newest is None:
            return request
        headers = request.headers.copy()
        headers["Host"] = newest
        return request.clone(host=newest, headers=headers)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _altered(response: web.StreamResponse, request: web.Request) -> web.StreamResponse:
    """The same answer with other bytes; an answer that is streamed already ends in the middle."""
    if response.prepared:
        _cut(request)
        return response
    if response.status in (204, 304):
        return response
    kept = {"Content-Type", "Cache-Control", "Location"}
    headers = {name: value for name, value in response.headers.items() if name.title() in kept}
    encoded = "Content-Encoding" in response.headers
    body = response.body if isinstance(response, web.Response) and not encoded else None
    if isinstance(body, bytes) and body:
        body = body.translate(_ALTERED)
        headers = {name: value for name, value in response.headers.items() if name.title() != "Content-Length"}
    return web.Response(status=response.status, headers=headers, body=body or _OTHER_BYTES)
