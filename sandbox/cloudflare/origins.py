"""The edge's way to the platforms: connections to names of the sandbox's internet, and what can go wrong with them.

Status codes: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from socket import AddressFamily
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from sandbox.world import World

#: Sandbox seconds until a connection attempt (19) or an answer (100) is given up; with floors in real seconds, since
#: a fast clock does not make this machine faster.
#: https://developers.cloudflare.com/fundamentals/reference/connection-limits/
_CONNECT, _CONNECT_FLOOR = 19.0, 2.0
_ANSWER, _ANSWER_FLOOR = 100.0, 10.0
#: More than visitors of a slow platform ever wait at once: the real edge lets none queue behind the others.
_AT_ONCE = 4096
_REMEMBERED = 5.0
"""Sandbox seconds."""
HTTP_PORT = 80
_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH})


class OriginFailure(Exception):
    """The origin gave no usable answer; ``status`` is what the visitor would see."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class OriginRequest:
    """A request to one endpoint."""

    method: str
    address: str
    """Public name of the endpoint; looked up in the sandbox's DNS."""
    host: str
    """Host header; over TLS also the server name that is asked for and that the certificate must bear."""
    target: str
    """Path and query, as they stand in the request line."""
    headers: CIMultiDict[str]
    body: Any = None
    secure: bool = True
    verify: bool = True


class _SandboxResolver(AbstractResolver):
    """Names → loopback ports of the twins."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        endpoint = self._world.lookup(host)
        if endpoint is None:
            raise OSError(f"{host} has no address in the sandbox")
        real = endpoint.http_port if port == HTTP_PORT else endpoint.https_port
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=real, family=AddressFamily.AF_INET, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Nothing to close."""


class Origins:
    """Connections to the platforms, ``at_once`` to each at the most; kept open between requests."""

    def __init__(self, world: World, *, keep_alive: bool = True, at_once: int = _AT_ONCE) -> None:
        self._world = world
        self._remembered: dict[str, float] = {}
        self._verified = world.authority.client_context()
        self._unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE
        connector = aiohttp.TCPConnector(
            resolver=_SandboxResolver(world),
            use_dns_cache=False,
            limit=0,
            limit_per_host=at_once,
            force_close=not keep_alive,
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    def resolves(self, address: str) -> bool:
        """Tell whether a name has an address that is not the edge itself; an address is remembered for five seconds.

        https://developers.cloudflare.com/load-balancing/troubleshooting/load-balancing-faq/
        """
        now = self._world.clock.monotonic()
        if self._remembered.get(address, 0.0) > now:
            return True
        endpoint = self._world.lookup(address)
        found = endpoint is not None and endpoint.platform != "cloudflare"
        if found:
            self._remembered[address] = now + _REMEMBERED
        return found

    async def connects(self, address: str, port: int) -> bool:
        """Tell whether a TCP connection to a name comes about (port 80 or 443)."""
        endpoint = self._world.lookup(address)
        if endpoint is None:
            return False
        try:
            _, writer = await asyncio.open_connection(
                "127.0.0.1", endpoint.http_port if port == HTTP_PORT else endpoint.https_port
            )
        except OSError:
            return False
        writer.close()
        return True

    @asynccontextmanager
    async def ask(self, request: OriginRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer's head, its body still to be read.

        Raises OriginFailure before the head, and aiohttp's errors while the body is read.
        """
        scheme = "https" if request.secure else "http"
        url = URL(f"{scheme}://{request.address}{request.target}", encoded=True)
        headers = CIMultiDict(request.headers)
        headers["Host"] = request.host
        options = self._options(request)
        try:
            response = await self._http.request(
                request.method, url, headers=headers, data=request.body, allow_redirects=False, **options
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _failure(error) from error
        async with response:
            yield response

    def _options(self, request: OriginRequest) -> dict[str, Any]:
        real = self._world.clock.real
        connect, answer = max(real(_CONNECT), _CONNECT_FLOOR), max(real(_ANSWER), _ANSWER_FLOOR)
        limits = {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=answer)}
        if not request.secure:
            return limits
        return {
            **limits,
            "server_hostname": request.host,
            "ssl": self._verified if request.verify else self._unverified,
        }


def _failure(error: BaseException) -> OriginFailure:
    """The status for a connection that failed; first match wins."""
    table: Mapping[Any, tuple[int, str]] = {
        aiohttp.ClientConnectorDNSError: (530, "DNS Unknown Host"),
        aiohttp.ClientConnectorCertificateError: (526, "TLS untrusted certificate error"),
        aiohttp.ClientSSLError: (525, "TLS Handshake Failure"),
        aiohttp.ConnectionTimeoutError: (522, "TCP Timeout"),
        (asyncio.TimeoutError, aiohttp.ServerTimeoutError): (524, "HTTP timeout occurred"),
    }
    for kinds, (status, reason) in table.items():
        if isinstance(error, kinds):
            return OriginFailure(status, reason)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _refused(error)
    return OriginFailure(520, "Connection Reset by Peer")


def _refused(error: aiohttp.ClientConnectorError) -> OriginFailure:
    if error.errno in _UNREACHABLE:
        return OriginFailure(523, "No route to host error")
    if error.errno == errno.ECONNREFUSED:
        return OriginFailure(521, "TCP connection failed")
    # What is left is a connection that was cut while TLS was being agreed on.
    return OriginFailure(525, "TLS Handshake Failure")
