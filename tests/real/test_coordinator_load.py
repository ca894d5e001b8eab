"""The coordinator at full speed and under kills: answers quickly, loses nothing, deploys no older tip after a newer."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from tests.coordinator.delivering import BODY, Coordinator, Publishing, Site, headers_of, until
from tests.coordinator.killing import killed

PUSHES, AT_ONCE = 10_000, 8
P99 = 0.05
"""Seconds. GitHub waits ten: https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks"""


async def seconds_of_answers(port: int) -> list[float]:
    numbers, found = iter(range(PUSHES)), []

    async def sender(http):
        for number in numbers:
            own = headers_of(str(number))
            started = time.perf_counter()
            async with http.post("/hooks/github", data=BODY, headers=own) as answer:
                assert answer.status == 202
            found.append(time.perf_counter() - started)

    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        await asyncio.gather(*(sender(http) for _ in range(AT_ONCE)))
    return sorted(found)


async def test_ten_thousand_pushes_are_answered_within_50_ms_and_at_most_two_deployments_follow(
    tmp_path, record_property
):
    site, publishing = Site(tmp_path), Publishing(tmp_path / "live")
    publishing.switch("slow", "1")
    made = Coordinator(tmp_path, site, publishing)
    made.start()
    try:
        seconds = await seconds_of_answers(made.port)
        tip = site.commit()
        assert made.push("last") == 202
        until(lambda: publishing.live == tip, "the newest is live")
        until(lambda: made.health()["waiting"] == [], "nothing waits")
    finally:
        made.stop()
    p99 = seconds[PUSHES * 99 // 100]
    record_property("table", f"{PUSHES:,} pushes: p50 {seconds[PUSHES // 2] * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")
    assert len(seconds) == PUSHES
    assert p99 < P99, f"p50 {seconds[PUSHES // 2] * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms"
    assert publishing.lines("begun") == [site.commits[0], tip]


def test_twenty_kills_at_random_points_lose_no_accepted_push(tmp_path):
    made, publishing, site = killed(tmp_path, 20, seed=20)
    assert len(site.commits) > 20
    assert "was cut off; it is done again" in made.log.read_text(), "no kill has met a deployment"
    assert publishing.live == site.commits[-1]
