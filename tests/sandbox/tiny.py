"""A tiny platform with one site, and an edge before it, for tests of the sandbox's core."""

from __future__ import annotations

import runpy

from aiohttp import web

from sandbox import registry
from sandbox.twin import ControlPlane, SiteView, Twin
from sandbox.world import World
from tests.sandbox.provider.buckets import Bucket

HOSTNAME = "site.tiny.example"
PAGE = b"<h1>hello</h1>"


async def who_am_i(_):
    return {"account": "tiny"}


def twins(world: World) -> list[Twin]:
    return [platform(world), edge()]


def platform(world: World) -> Twin:
    world.serve_names("tiny", lambda: [HOSTNAME, "*.previews.tiny.example"])
    return Twin(
        name="tiny",
        resource_types=[Bucket()],
        invokes={"test:index/whoAmI:whoAmI": who_am_i},
        control=[
            ControlPlane("tiny api", _api(world), lambda url: {"TINY_API_URL": url, "TINY_TOKEN": "t"}, ["kvs.sandbox"])
        ],
        public=_public(),
        sites=lambda: [SiteView(HOSTNAME, "r0000000000000001", 1)],
    )


def edge() -> Twin:
    async def front(request: web.Request) -> web.Response:
        return web.Response(text=f"edge for {request.host}")

    app = web.Application()
    app.router.add_get("/{path:.*}", front)
    return Twin(name="edge", edge=app, health=lambda: {HOSTNAME: "healthy"})


def _public() -> web.Application:
    async def serve(request: web.Request) -> web.StreamResponse:
        if request.path == "/big":
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(64):
                await response.write(b"x" * 65536)
            return response
        if request.method == "POST":
            return web.json_response({"host": request.host, "size": len(await request.read())})
        return web.Response(body=PAGE, content_type="text/html", headers={"X-Host": request.host, "ETag": '"1"'})

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", serve)
    return app


def _api(world: World) -> web.Application:
    async def put(request: web.Request) -> web.Response:
        world.store.put("notes", request.match_info["id"], await request.json())
        return web.Response(status=201)

    async def get(request: web.Request) -> web.Response:
        found = world.store.get("notes", request.match_info["id"])
        return web.json_response(found) if found else web.Response(status=404)

    async def target(request: web.Request) -> web.Response:
        return web.json_response({"url": str(request.url), "host": request.headers["Host"], "raw": request.raw_path})

    app = web.Application()
    app.router.add_put("/notes/{id}", put)
    app.router.add_get("/notes/{id}", get)
    app.router.add_get("/target/{rest:.*}", target)
    return app


def main() -> None:
    """Run the real command line with the tiny twins in place of the real ones."""
    registry.twins = twins
    runpy.run_module("sandbox", run_name="__main__")


if __name__ == "__main__":
    main()
