"""One drill against a site that breaks as it is told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tests.tools.drill.test_findings import SETTINGS
from tests.tools.drill.test_load import PAGES, RIGHT, site
from tools.drill import timetable
from tools.drill.drilling import drill
from tools.drill.timetable import Drill


@dataclass
class Stack:
    """A stack that answers 503 while its platform is broken, and does not hide it."""

    described: dict[str, str]
    speed: float = 20.0
    broken: str = ""
    done: list[str] = field(default_factory=list)
    waits: list[float | None] = field(default_factory=lambda: [1.0, 1.5])

    def pages(self):
        return PAGES

    def await_whole(self, platform, pages):
        self.done.append(f"await {platform}")

    def waited(self):
        return self.waits.pop(0)

    def states(self):
        return {"aws": "unhealthy" if self.broken else "healthy"}

    def break_(self, platform, kind):
        self.broken = platform
        self.done.append(f"break {platform} {kind}")

    def heal(self, platform):
        self.broken = ""
        self.done.append(f"heal {platform}")


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(timetable, "_LEAST", 1.0)


async def drilled(kind, **changed):
    async def answer(_):
        return web.Response(body=RIGHT, status=503 if stack.broken else 200)

    stack = Stack({}, **changed)
    async with site(answer) as url:
        stack.described["site_url"] = url
        return stack, await drill(Drill("load-balancer", "aws", kind), stack, SETTINGS, 50, 2.0)


async def test_a_platform_is_broken_and_healed_on_time_and_what_visitors_saw_is_kept(short):
    stack, found = await drilled("error")
    assert stack.done == ["await aws", "break aws error", "heal aws"]
    assert (len(found.samples), set(found.reasons)) == (100, {"503"})
    assert all(sample.at + sample.took >= 0.2 for sample in found.bad)
    assert found.broke[0] >= 0.2
    assert found.noticed is not None
    assert found.starved == pytest.approx(0.25, rel=0.5)


async def test_a_check_of_a_slow_platform_is_given_the_time_that_the_local_edge_gives_it(short):
    _, found = await drilled("slow")
    assert found.promised == 2 * 60 + 3 * 20


async def test_where_nothing_tells_of_the_processor_nothing_is_said(short):
    _, found = await drilled("error", waits=[None, None])
    assert found.starved is None
