from __future__ import annotations

import asyncio
import inspect


async def until(holds, seconds=10.0):
    """Wait until something holds; ``holds`` may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if inspect.isawaitable(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.005)
