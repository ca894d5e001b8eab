"""A coordinator's alerts and nothing else: keeps one message, sends it, and ends when every channel has taken it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from coordinator import settings
from coordinator.alerts.channels import Message
from coordinator.alerts.opening import SENDING, alert_order, opened

SUBJECT = "<b>aws</b> of @admin is not well #down"


async def main(root: Path, state: Path) -> None:
    tasks = {}
    wanted = alert_order("test", settings.read(root, "test"))
    async with opened(wanted, state, tasks) as outbox:
        told = Message("incident-1", "incident-1", SUBJECT, "answers 503\n@room & others", time.time())
        again = Message("incident-1-closed", "incident-1", "aws is well again", "", time.time(), closes=True)
        await outbox.add([told, again])
        sending = asyncio.create_task(tasks[SENDING]())
        while any((await outbox.unsent()).values()):  # noqa: ASYNC110 - the disk has no event
            await asyncio.sleep(0.02)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


if __name__ == "__main__":
    sys.stdout.write(f"{os.getpid()}\n")
    sys.stdout.flush()
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
