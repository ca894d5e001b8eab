"""A stand-in for the sandbox: its command line, its description and its control API, and no platforms."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

STATUS = {
    "site_url": "http://127.0.0.1:1/",
    "platforms": [
        {
            "name": "netlify",
            "state": "healthy",
            "url": "http://127.0.0.1:2",
            "host_header": "site.netlify.app",
            "live_release": "r0123456789abcdef",
            "files": 3,
        }
    ],
}


async def serve(folder: Path) -> None:
    stop = asyncio.Event()
    faults: dict[str, str] = {}

    async def status(_):
        return web.json_response({**STATUS, "faults": faults})

    async def fault(request):
        faults[request.match_info["name"]] = (await request.json())["kind"]
        return web.json_response({})

    async def heal(request):
        faults.pop(request.match_info["name"], None)
        return web.json_response({})

    async def end(_):
        if os.environ.get("STAND_IN_DEAF") is None:
            stop.set()
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/status", status)
    app.router.add_post("/faults/{name}", fault)
    app.router.add_delete("/faults/{name}", heal)
    app.router.add_post("/stop", end)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    said = {
        "pid": os.getpid(),
        "control_url": f"http://127.0.0.1:{port}",
        "site_url": STATUS["site_url"],
        "environment": {"STAND_IN": "yes", **json.loads(os.environ.get("STAND_IN_ENVIRONMENT", "{}"))},
    }
    unfinished = folder / "unfinished"
    unfinished.write_text(json.dumps(said))
    unfinished.replace(folder / "sandbox.json")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    (folder / "sandbox.json").unlink()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for option in ("--state", "--port", "--speed"):
        parser.add_argument(option)
    given = parser.parse_args()
    if os.environ.get("STAND_IN_FAILS"):
        sys.exit(f"port {given.port} is taken")
    asyncio.run(serve(Path(given.state)))
