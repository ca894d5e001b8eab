"""The API that the publisher and other clients use."""

from __future__ import annotations

import asyncio
import hmac
import math
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.store import Document
from sandbox.uptimerobot.looking import Looking
from sandbox.uptimerobot.monitors import CONTACTS, MOST_MONITORS, ApiError, checked, shown
from sandbox.world import World

KEY = "u0000000-sandboxSandboxSandbox000"  # the same on every machine, opens nothing
MONITORS = "uptimerobot:monitor"
_FIRST = 800_000_001
_PAGE = 20
#: https://uptimerobot.com/api/#ratelimits
_REQUESTS_A_MINUTE = 10


class Api:
    """One application under ``/v3``."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._looking = Looking(world)
        self._recent: deque[float] = deque()

    def app(self) -> web.Application:
        """Routes of the API."""
        app = web.Application(middlewares=[self._guarded])
        routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.Response]]]] = [
            ("GET", "/user/me", self._user),
            ("GET", "/user/alert-contacts", self._contacts),
            ("GET", "/monitors", self._list),
            ("POST", "/monitors", self._make),
            ("GET", "/monitors/{id}", self._show),
            ("PATCH", "/monitors/{id}", self._change),
            ("DELETE", "/monitors/{id}", self._delete),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, f"/v3{path}", handler)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), KEY.encode()):
            return _error(ApiError(401, "Unauthorized"))
        wait, limits = self._counted()
        if wait:
            return _error(ApiError(429, "Too Many Requests"), {**limits, "Retry-After": str(wait)})
        try:
            response = await handler(request)
        except ApiError as error:
            return _error(error, limits)
        except web.HTTPNotFound:
            return _error(ApiError(404, "Not Found"), limits)
        response.headers.update(limits)
        return response

    def _counted(self) -> tuple[int, dict[str, str]]:
        """Real seconds to wait, 0 for a request that is let through, and the headers that say so."""
        now = self._clock.monotonic()
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        full = len(self._recent) >= _REQUESTS_A_MINUTE
        if not full:
            self._recent.append(now)
        wait = max(1, math.ceil(self._clock.real(60 - (now - self._recent[0]))))
        left = _REQUESTS_A_MINUTE - len(self._recent)
        return wait if full else 0, {
            "X-RateLimit-Limit": str(_REQUESTS_A_MINUTE),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(math.ceil(datetime.now(UTC).timestamp() + wait)),
        }

    async def _user(self, _: web.Request) -> web.Response:
        subscription = {"plan": "Free", "monitorLimit": MOST_MONITORS}
        return web.json_response(
            {
                "email": "sandbox@example.com",
                "fullName": "Sandbox",
                "monitorsCount": len(self._store.all(MONITORS)),
                "monitorLimit": MOST_MONITORS,
                "activeSubscription": subscription,
            }
        )

    async def _contacts(self, _: web.Request) -> web.Response:
        found = [{"id": int(key), "status": "Active", **contact} for key, contact in CONTACTS.items()]
        return web.json_response(found)

    async def _list(self, request: web.Request) -> web.Response:
        """Pages by cursor; ``name`` and ``url`` match a part."""
        after, query = request.query.get("cursor", "0"), request.query
        if not after.isdigit():
            raise ApiError(400, "cursor: is no cursor")
        found = [
            (identifier, settings)
            for identifier, settings in self._store.all(MONITORS).items()
            if int(identifier) > int(after)
            and query.get("name", "").lower() in settings["friendlyName"].lower()
            and query.get("url", "") in settings["url"]
        ]
        page = found[:_PAGE]
        more = f"{request.url.with_query({**query, 'cursor': page[-1][0]})}" if len(found) > _PAGE else None
        data = await asyncio.gather(*(self._shown(*one) for one in page))
        return web.json_response({"data": data, "nextLink": more})

    async def _make(self, request: web.Request) -> web.Response:
        settings = checked(await _json(request))
        known = self._store.all(MONITORS)
        if len(known) >= MOST_MONITORS:
            raise ApiError(403, f"You have reached the limit of {MOST_MONITORS} monitors of your current plan")
        identifier = str(max([_FIRST - 1, *map(int, known)]) + 1)
        made = {**settings, "created": datetime.now(UTC).isoformat()}
        self._store.put(MONITORS, identifier, made)
        return web.json_response(await self._shown(identifier, made), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(await self._shown(*self._known(request)))

    async def _change(self, request: web.Request) -> web.Response:
        identifier, old = self._known(request)
        given = await _json(request)
        if given.get("type", old["type"]) != old["type"]:
            raise ApiError(400, "type: cannot be changed")
        before = {key: value for key, value in old.items() if key != "created"}
        changed = {**checked({**before, **given}), "created": old["created"]}
        self._store.put(MONITORS, identifier, changed)
        return web.json_response(await self._shown(identifier, changed))

    async def _delete(self, request: web.Request) -> web.Response:
        identifier, _ = self._known(request)
        self._store.delete(MONITORS, identifier)
        return web.Response(status=200)

    def _known(self, request: web.Request) -> tuple[str, Document]:
        identifier = request.match_info["id"]
        found = self._store.get(MONITORS, identifier)
        if found is None:
            raise ApiError(404, "Monitor not found", "000-004")
        return identifier, found

    async def _shown(self, identifier: str, settings: Document) -> Document:
        return shown(identifier, settings, await self._looking.status(settings))


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        found = await request.json()
    except ValueError:
        raise ApiError(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise ApiError(400, "an object is expected")
    return found


def _error(error: ApiError, headers: dict[str, str] | None = None) -> web.Response:
    said = {"message": str(error), "code": error.code or f"{error.status}", "statusCode": error.status}
    return web.json_response(said, status=error.status, headers=headers)
