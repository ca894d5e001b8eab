"""The coordinators of many stacks in one process, to save memory: ``python -m … CHECKOUT STATE STACK…``.

Each has its settings, address, queue and history as it would have alone.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from coordinator import delivery, settings, supervisor
from coordinator.delivery import Parts
from coordinator.supervisor import Ending, Task


async def run(root: Path, state: Path, names: Sequence[str]) -> None:
    """Run them until SIGTERM."""
    tasks: dict[str, Task] = {}
    ending: dict[str, Ending] = {}
    async with AsyncExitStack() as held:
        for name in names:
            parts, folder = Parts(), state / name
            folder.mkdir(parents=True)
            wanted = delivery.order(name, settings.read(root, name))
            await held.enter_async_context(delivery.opened(wanted, root, folder, parts))
            tasks |= {f"{name}: {key}": task for key, task in parts.tasks.items()}
            ending |= {f"{name}: {key}": task for key, task in parts.ending.items()}
        await supervisor.run(tasks, ending)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for library in ("httpx", "httpcore", "hypercorn", "stamina"):
        logging.getLogger(library).setLevel(logging.ERROR)
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
