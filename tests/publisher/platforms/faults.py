"""Faults of a platform's API, call by call, and what must come of each."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager

import pytest
from aiohttp import web

from publisher.errors import PlatformRefused, PlatformUnavailable, PublisherError

_ANSWERS = {
    "429": {"status": 429, "headers": {"Retry-After": "0"}},
    "500": {"status": 500, "text": "oops"},
    "HTML": {"status": 502, "text": "<html>Bad gateway</html>", "content_type": "text/html"},
    "401": {"status": 401, "text": '{"error": {"code": "unauthorized", "message": "no"}}'},
}
KINDS = (*_ANSWERS, "cut before", "cut after", "truncated")


class Faults:
    """Lets the ``at``-th call to the apps go wrong, once."""

    def __init__(self, kind, apps):
        self.kind, self.apps, self.at, self.calls = kind, apps, 0, 0

    @contextmanager
    def at_call(self, number):
        """While this lasts, the call of this number fails; ``calls`` counts them."""
        self.at, self.calls = number, 0
        routes = [route for app in self.apps for route in app.router.routes()]
        handlers = {route: route._handler for route in routes}
        for route in routes:
            route._handler = self._wrapped(route._handler)
        try:
            yield
        finally:
            for route, handler in handlers.items():
                route._handler = handler

    def _wrapped(self, handler):
        async def answer(request):
            self.calls += 1
            return await (self._fault(request, handler) if self.calls - 1 == self.at else handler(request))

        return answer

    async def _fault(self, request, handler):
        if self.kind in _ANSWERS:
            return web.Response(**_ANSWERS[self.kind])
        if self.kind == "cut before":
            request.transport.abort()
            return web.Response()
        response = await handler(request)
        if self.kind == "cut after":
            request.transport.abort()
            return response
        return await truncated(request, response)


async def truncated(request, response):
    """The first half of an answer that announces the whole."""
    body = response.body if isinstance(response.body, bytes) and response.body else b"{}"
    headers = {**response.headers, "Content-Length": str(len(body) + 5)}
    partial = web.StreamResponse(status=response.status, headers=headers)
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2])
    request.transport.close()
    return partial


async def each_call_fails_once(account, sites, faults, *, settle=0.0, keep="100", kinds=()):
    """Publish release after release, each with a fault one call later, until a run has fewer calls.

    With ``kinds`` the faults take turns. After each, visitors get one whole release, the next run gets there, and no
    release was made twice. Returns what the errors said.
    """
    old, outcomes, said = next(sites), set(), []
    await account.release(old, keep=keep)
    for number in range(80):
        new = next(sites)
        faults.kind = kinds[number % len(kinds)] if kinds else faults.kind
        with faults.at_call(number):
            try:
                await account.release(new, keep=keep)
                outcomes.add(None)
            except PublisherError as error:
                outcomes.add(type(error))
                said.append(str(error))
        await asyncio.to_thread(time.sleep, settle)
        live = await account.platform().live()
        await account.verify(old if live == old.release_id else new)
        await account.release(new, keep=keep)
        await account.verify(new)
        releases = await account.releases()
        assert len(releases) == len(set(releases))
        old = new
        if faults.calls <= number:
            break
    else:
        pytest.fail("a run has more calls than were tried")
    assert None in outcomes
    refused = [PlatformRefused] if "401" in (kinds or [faults.kind]) else []
    assert outcomes <= {None, PlatformUnavailable, *refused}
    return "".join(said)
