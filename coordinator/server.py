"""Serves an application over HTTP until it is told to stop; requests under way are finished."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from starlette.applications import Starlette

#: Seconds that a connection may be silent, before its first request too.
IDLE = 5
#: Seconds that requests under way have when the server stops.
GRACE = 15
_BACKLOG = 1024


async def serve(app: Starlette, address: str, stop: asyncio.Event) -> None:
    """Serve on ``address`` (``HOST:PORT``, ``unix:PATH`` or ``fd://N``) until ``stop`` is set.

    Connections that send nothing, or half of a header, are closed after five seconds. Raises OSError where the address
    is taken.
    """
    config = Config()
    config.bind = [address]
    config.keep_alive_timeout = IDLE
    config.graceful_timeout = GRACE
    config.backlog = _BACKLOG
    config.accesslog = None
    config.errorlog = None
    config.include_server_header = False
    await hypercorn_serve(cast(Any, app), config, shutdown_trigger=cast(Any, stop.wait))
