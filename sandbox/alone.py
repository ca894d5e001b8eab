"""One platform's stand-in without the others, with resources declared as a stack would: to try its own client on.

``python -m sandbox.alone PLATFORM FOLDER`` reads a JSON list of [token, inputs] from standard input, writes
``FOLDER/declared.json`` when all is up (the outputs of each, with its ``id``), and serves until SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from sandbox.authority import write_whole
from sandbox.daemon import Daemon
from sandbox.twin import Twin
from sandbox.world import World

DECLARED = "declared.json"
#: Seconds of the platform's own delays that pass in one of the wall clock.
_SPEED = 60.0


class RefusedDeclaration(Exception):
    """A resource has mistakes; the text names them."""


async def declared(twin: Twin, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Create a resource as the engine would: defaults, check, create. Raises RefusedDeclaration."""
    kind = next(found for found in twin.resource_types if found.token == token)
    filled = kind.defaults(token.rsplit(":", 1)[-1].lower(), inputs, {})
    if mistakes := kind.check(filled):
        raise RefusedDeclaration(f"{token}: {mistakes}")
    identifier, outputs = await kind.create(filled)
    return {**outputs, "id": identifier}


async def serve(platform: str, folder: Path, wanted: list[tuple[str, dict[str, Any]]]) -> None:
    """Serve until SIGTERM."""
    made: list[Twin] = []

    def make(world: World) -> list[Twin]:
        made.append(import_module(f"sandbox.platforms.{platform}").twin(world))
        return made

    daemon = Daemon(folder, 0, _SPEED, make)
    serving, ready = asyncio.create_task(daemon.run()), asyncio.create_task(daemon.ready.wait())
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        found = [await declared(made[0], token, inputs) for token, inputs in wanted]
        write_whole(folder / DECLARED, json.dumps(found).encode(), mode=0o600)
    await serving


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), json.load(sys.stdin)))
