"""The sandbox's internet: a forward proxy that knows only the names of the sandbox.

CONNECT tunnels to the TLS port of the platform that serves the name; absolute-form requests for http:// go to its plain
port, or, for names of an API, to that API with Host and target untouched
(https://www.rfc-editor.org/rfc/rfc9110#name-connect, https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_log = logging.getLogger(__name__)
_MAX_HEAD = 64 * 1024
_CHUNK = 256 * 1024
_HEAD_SECONDS = 30.0
_MAX_CONNECTIONS = 2048
_HOP_BY_HOP = (b"connection:", b"proxy-connection:", b"proxy-authorization:", b"keep-alive:")


@dataclass(frozen=True)
class Route:
    """Where a name leads: a loopback port, and whether requests keep their absolute form on the way."""

    port: int
    absolute_form: bool = False


TunnelRoute = Callable[[str, int], Route | None]
"""Route for a CONNECT to (name, port), or None for what the sandbox does not serve."""
PlainRoute = Callable[[str], Route | None]
"""Route for an http:// name, or None for what the sandbox does not serve."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Unroutable(Exception):
    """The client gets 502 with this text."""


class ForwardProxy:
    """Serves one tunnel, or one plain request, on each connection."""

    def __init__(self, tunnel: TunnelRoute, plain: PlainRoute, *, max_connections: int = _MAX_CONNECTIONS) -> None:
        self._tunnel_route = tunnel
        self._plain_route = plain
        self._max_connections = max_connections
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free loopback port; returns it."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_HEAD, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and end what is open."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._open) > self._max_connections:
                await _answer(reader, writer, "503 Service Unavailable", "too many connections are open")
                return
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._dispatch(head, reader, writer)
        except _Unroutable as refusal:
            await _answer(reader, writer, "502 Bad Gateway", str(refusal))
        except (asyncio.LimitOverrunError, ValueError):
            await _answer(reader, writer, "400 Bad Request", "no request for a proxy, or a head of over 64 KB")
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            writer.transport.abort()
        finally:
            writer.close()

    async def _dispatch(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        if method == "CONNECT":
            name, _, port = target.rpartition(":")
            upstream = await _connected(name, self._tunnel_route(name, int(port)))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            if parts.scheme != "http" or not parts.hostname:
                raise ValueError(target)
            route = self._plain_route(parts.hostname)
            upstream = await _connected(parts.hostname, route)
            origin_form = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            upstream[1].write(_rewritten(head, target if route and route.absolute_form else origin_form))
        await _both_ways((reader, writer), upstream)


def _rewritten(head: bytes, target: str) -> bytes:
    """Head for the upstream: its target, and one request for each connection."""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    method, _, protocol = first.split(b" ", 2)
    kept = [line for line in lines if not line.lower().startswith(_HOP_BY_HOP)]
    return b"\r\n".join([b" ".join([method, target.encode("ascii"), protocol]), *kept, b"Connection: close", b"", b""])


async def _connected(name: str, route: Route | None) -> Streams:
    if route is None:
        raise _Unroutable(f"nothing in the sandbox is called {name!r}; it reaches no other hosts")
    try:
        return await asyncio.open_connection("127.0.0.1", route.port, limit=_CHUNK)
    except OSError as error:
        raise _Unroutable(f"the platform that serves {name!r} is down: connection refused") from error


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: str, reason: str) -> None:
    body = f"Sandbox proxy: {reason}.\n".encode()
    fields = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(f"HTTP/1.1 {status}\r\n{fields}".encode() + body)
    _log.debug("%s: %s", status, reason)
    # Closing with unread bytes would reset the connection and could take the answer with it (RFC 9112, section 9.6).
    with suppress(ConnectionError, TimeoutError):
        await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(1.0):
            while await reader.read(_CHUNK):
                pass


async def _both_ways(client: Streams, upstream: Streams) -> None:
    """Pass bytes on until the upstream has said all; a client that has sent all may still listen."""
    sending = asyncio.create_task(_pump(client[0], upstream[1]))
    try:
        await _pump(upstream[0], client[1])
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        upstream[1].close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass bytes on one way. A source that breaks breaks the sink; a broken sink is seen by the pump the other way."""
    try:
        while chunk := await source.read(_CHUNK):
            with suppress(ConnectionError):
                sink.write(chunk)
                await sink.drain()
                continue
            return
        if sink.can_write_eof():
            sink.write_eof()
    except ConnectionError:
        sink.transport.abort()
