"""The sandbox's own API: what is served where, faults on request, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from json import JSONDecodeError
from typing import Any, Literal, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.calls import Calls, Mishaps
from sandbox.listeners import PublicPlane
from sandbox.world import Fault

Wanted = TypeVar("Wanted", bound=BaseModel)
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost"})


class WantedFault(BaseModel):
    """Body of POST /faults/PLATFORM."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["down", "crash", "slow", "wrong-bytes", "error", "tls-expired", "api"] = "down"
    seconds: float = Field(default=5.0, gt=0, le=3600)
    """Only for ``slow``: wall-clock seconds before each answer."""


def control_app(
    shown: Mapping[str, Callable[[], Mapping[str, Any]]],
    planes: Mapping[str, PublicPlane],
    calls: Calls,
    stop: asyncio.Event,
) -> web.Application:
    """GET what is ``shown``, by path; POST and DELETE /faults/PLATFORM; GET, PUT and DELETE /calls; POST /stop.

    Errors are plain text: 400, 403, 404.
    """

    async def show(request: web.Request) -> web.Response:
        return web.json_response(shown[request.path]())

    def plane_of(request: web.Request) -> PublicPlane:
        name = request.match_info["platform"]
        if name not in planes:
            text = f"there is no platform {name!r} in this sandbox; use one of: {', '.join(sorted(planes))}"
            raise web.HTTPNotFound(text=text)
        return planes[name]

    async def break_platform(request: web.Request) -> web.Response:
        plane = plane_of(request)
        wanted = await _body(request, WantedFault)
        await plane.break_with(Fault(wanted.kind, wanted.seconds if wanted.kind == "slow" else 0.0))
        return web.json_response({"platform": plane.platform, "fault": wanted.kind})

    async def heal(request: web.Request) -> web.Response:
        plane = plane_of(request)
        await plane.heal()
        return web.json_response({"platform": plane.platform, "fault": None})

    async def show_calls(_: web.Request) -> web.Response:
        return web.json_response(calls.described())

    async def begin_calls(request: web.Request) -> web.Response:
        calls.begin(*([] if request.method == "DELETE" else (await _body(request, Mishaps)).mishaps))
        return web.json_response(calls.described())

    async def end(_: web.Request) -> web.Response:
        stop.set()
        return web.json_response({"stopping": True})

    app = web.Application(middlewares=[_local_only])
    for path in shown:
        app.router.add_get(path, show)
    app.router.add_get("/calls", show_calls)
    app.router.add_put("/calls", begin_calls)
    app.router.add_delete("/calls", begin_calls)
    app.router.add_post("/faults/{platform}", break_platform)
    app.router.add_delete("/faults/{platform}", heal)
    app.router.add_post("/stop", end)
    return app


async def _body(request: web.Request, kind: type[Wanted]) -> Wanted:
    try:
        return kind.model_validate(await request.json() if request.can_read_body else {})
    except (JSONDecodeError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text="the body is not JSON") from error
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, found['loc'])) or 'body'}: {found['msg']}" for found in error.errors()]
        raise web.HTTPBadRequest(text="; ".join(problems)) from error


@web.middleware
async def _local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn away web pages that reach for the API through a visitor's browser (cross-site requests, DNS rebinding)."""
    if "Origin" in request.headers or request.host.rsplit(":", 1)[0] not in _LOCAL_HOSTS:
        raise web.HTTPForbidden(text="this API answers local programs only, not web pages")
    return await handler(request)
