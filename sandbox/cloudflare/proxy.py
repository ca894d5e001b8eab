"""Passes a request on to an origin and the answer back, byte for byte, as it comes in."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from sandbox.cloudflare.origins import OriginFailure, OriginRequest, Origins
from sandbox.cloudflare.steering import Choice

_log = logging.getLogger(__name__)
#: Failures for which another endpoint is asked, once, and no others.
#: https://developers.cloudflare.com/load-balancing/understand-basics/adaptive-routing/
RETRIED = frozenset({521, 522, 523, 525, 526})
#: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "expect"),
    }
)
#: What the edge writes itself, whatever the visitor sent.
_OWN = frozenset({"host", "cf-connecting-ip", "cf-ray", "cf-visitor", "x-forwarded-proto", "cdn-loop"})
_EXPLANATIONS: Mapping[int, str] = {
    520: "Web server returned an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
    525: "SSL handshake failed",
    526: "Invalid SSL certificate",
    530: "Error 1016: Origin DNS error",
    1101: "Worker threw exception",
}
#: Numbers from here on are Cloudflare's own, shown on a page with status 500.
#: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/
_ERROR_CODES = 1000
Finish = Callable[[int, CIMultiDict[str]], None]
"""Changes an answer's headers in place, given its status."""
Rewrite = Callable[[Choice, int, CIMultiDict[str]], None]
"""Changes an answer's headers in place, given where it comes from and its status."""


def ray_id() -> str:
    """Id of one request, as in the CF-RAY header."""
    return f"{secrets.token_hex(8)}-SBX"


def error_page(status: int, ray: str) -> web.Response:
    """The edge's own page for a failure at the origin."""
    text = f"Error {status}: {_EXPLANATIONS.get(status, 'Origin error')}\nRay ID: {ray}\n"
    status = status if status < _ERROR_CODES else 500
    return web.Response(status=status, reason=_EXPLANATIONS.get(status), text=text, headers=own_headers(ray))


def own_headers(ray: str) -> dict[str, str]:
    """Headers of every answer that leaves the edge."""
    return {"Server": "cloudflare", "CF-RAY": ray}


def end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Headers without those that are for one hop only."""
    named = {part.strip().lower() for value in headers.getall("Connection", []) for part in value.split(",")}
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP | named)


def origin_headers(request: web.Request, ray: str, scheme: str) -> CIMultiDict[str]:
    """Headers for the origin: the visitor's, and who the visitor is.

    https://developers.cloudflare.com/fundamentals/reference/http-headers/
    """
    headers = CIMultiDict((k, v) for k, v in end_to_end(request.headers).items() if k.lower() not in _OWN)
    client = request.remote or "127.0.0.1"
    forwarded = [*headers.popall("X-Forwarded-For", []), client]
    headers["X-Forwarded-For"] = ", ".join(forwarded)
    headers["X-Forwarded-Proto"] = scheme
    headers["CF-Connecting-IP"] = client
    headers["CF-Visitor"] = json.dumps({"scheme": scheme}, separators=(",", ":"))
    headers["CF-Ray"] = ray
    headers["CDN-Loop"] = "cloudflare; loops=1"
    return headers


class Proxy:
    """Sends one request to the chosen endpoints."""

    def __init__(self, origins: Origins, ray: str) -> None:
        self._origins = origins
        self._ray = ray

    async def serve(
        self, request: web.Request, choices: Sequence[tuple[Choice, OriginRequest]], rewrite: Rewrite
    ) -> web.StreamResponse:
        """Answer from the first choice, or from the second where the first could not be connected to."""
        failure = OriginFailure(530, "no endpoint")
        for choice, wanted in choices:
            try:
                return await self._pass_on(request, wanted, partial(rewrite, choice))
            except OriginFailure as error:
                _log.info("endpoint %s of pool %s: %s", choice.endpoint["name"], choice.pool["name"], error)
                failure = error
            if failure.status not in RETRIED:
                break
        return error_page(failure.status, self._ray)

    async def _pass_on(self, request: web.Request, wanted: OriginRequest, rewrite: partial[None]) -> web.StreamResponse:
        async with self._origins.ask(wanted) as answer:
            return await passed_on(request, answer, self._ray, rewrite, {"CF-Cache-Status": "DYNAMIC"})


async def passed_on(
    request: web.Request,
    answer: aiohttp.ClientResponse,
    ray: str,
    finish: Finish,
    more: Mapping[str, str] = MappingProxyType({}),
) -> web.StreamResponse:
    """Send an answer to the visitor as it comes in, with the edge's own headers and ``more`` ones."""
    headers = end_to_end(answer.headers)
    headers.update({**own_headers(ray), **more})
    finish(answer.status, headers)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    await _stream(request, answer, response)
    return response


async def _stream(request: web.Request, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
    """Copy the body; where it breaks off, break off too, so that no visitor takes a part for the whole."""
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError, OSError):
        if request.transport is not None:
            request.transport.abort()
