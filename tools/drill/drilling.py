"""One drill: load, break, watch, heal."""

from __future__ import annotations

import asyncio

import requests

from components.settings import Settings
from sandbox.cloudflare.prober import TIMEOUT_FLOOR
from tools.drill.findings import Findings
from tools.drill.load import Load
from tools.drill.rehearsal import Rehearsal
from tools.drill.timetable import Drill, Timetable, promised

_LOOK_EVERY = 0.1


async def drill(wanted: Drill, stack: Rehearsal, settings: Settings, rate: int, seconds: float) -> Findings:
    """Break the platform under load. The stack is published with it in front, and left healed."""
    timetable = Timetable.of(seconds)
    pages = await asyncio.to_thread(stack.pages)
    await asyncio.to_thread(stack.await_whole, wanted.platform, pages)
    load = Load(stack.described["site_url"], pages, rate, seconds)
    watching = asyncio.create_task(_broken(wanted, stack, load, timetable))
    before = stack.waited()
    samples = await load.run()
    starved = _share(before, stack.waited(), load.elapsed)
    broke, noticed = await watching
    allowed = promised(settings, wanted, TIMEOUT_FLOOR * stack.speed)
    return Findings(wanted, timetable, samples, stack.speed, allowed, broke, noticed, starved)


def _share(before: float | None, after: float | None, seconds: float) -> float | None:
    return None if before is None or after is None else (after - before) / seconds


async def _broken(
    wanted: Drill, stack: Rehearsal, load: Load, timetable: Timetable
) -> tuple[tuple[float, float], float | None]:
    """Break and heal on time; gives when that was, and after how many seconds of its own clock the edge noticed."""
    await asyncio.sleep(timetable.breaks)
    begun = load.elapsed
    await asyncio.to_thread(stack.break_, wanted.platform, wanted.kind)
    broke, noticed = load.elapsed, None
    try:
        while load.elapsed < timetable.heals:
            if noticed is None and await asyncio.to_thread(_unwell, stack, wanted.platform):
                noticed = (load.elapsed - broke) * stack.speed
            await asyncio.sleep(_LOOK_EVERY)
    finally:
        await asyncio.to_thread(stack.heal, wanted.platform)
    return (begun, broke), noticed


def _unwell(stack: Rehearsal, platform: str) -> bool:
    """Whether the edge says so; under load the sandbox may take long to say anything."""
    try:
        return stack.states().get(platform) != "healthy"
    except requests.Timeout:
        return False
