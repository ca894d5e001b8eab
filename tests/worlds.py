"""A sandbox inside the test's own process, with the twins a test needs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.daemon import DESCRIPTION, Daemon
from sandbox.provider.resource_type import Inputs, Outputs
from sandbox.twin import Twin
from sandbox.world import World


@dataclass
class Running:
    world: World
    twins: Sequence[Twin]
    environment: dict[str, str]
    description: dict[str, Any]

    async def declare(self, token: str, **inputs: Any) -> tuple[str, Outputs]:
        """Create a resource as the engine would: defaults, check, create."""
        kinds = {kind.token: kind for twin in self.twins for kind in twin.resource_types}
        kind = kinds[token]
        filled: Inputs = kind.defaults(token.rsplit(":", 1)[-1].lower(), inputs, {})
        assert kind.check(filled) == []
        return await kind.create(filled)


@asynccontextmanager
async def running(
    folder: Path, makers: Sequence[Callable[[World], Twin]], speed: float = 60.0
) -> AsyncIterator[Running]:
    """Run a sandbox of the given twins on free ports until the block ends."""
    seen: list[tuple[World, list[Twin]]] = []

    def make(world: World) -> list[Twin]:
        seen.append((world, [maker(world) for maker in makers]))
        return seen[-1][1]

    daemon = Daemon(folder, 0, speed, make)
    task = asyncio.create_task(daemon.run())
    while not (folder / DESCRIPTION).exists():
        await asyncio.sleep(0.01)
        if task.done():
            task.result()
    description = json.loads((folder / DESCRIPTION).read_text())
    try:
        yield Running(*seen[-1], description["environment"], description)
    finally:
        daemon._stop.set()
        await task
