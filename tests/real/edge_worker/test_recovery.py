"""The circuit breaker of a platform, and how one is brought back."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise

import pytest

from tests.real.edge_worker.origins import Platform, now
from tests.real.edge_worker.running import QUICK, visiting


@pytest.fixture
def pair():
    return Platform("one"), Platform("two")


async def opened(visitor, platform, mood="503"):
    platform.mood = mood
    for _ in range(QUICK.failures):
        assert await visitor.served_from() == "two"


async def test_the_breaker_opens_after_the_stated_failures_in_a_row(tmp_path, pair):
    async with visiting(tmp_path, *pair, limits=QUICK.changed(wait=60_000, longest_wait=60_000)) as visitor:
        await opened(visitor, pair[0], "page-503")
        asked = len(pair[0].seen)
        await asyncio.gather(*(visitor.ask() for _ in range(20)))
    assert (asked, len(pair[0].seen)) == (QUICK.failures, QUICK.failures)


async def test_failures_with_a_good_answer_between_them_open_nothing(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        for _ in range(2 * QUICK.failures):
            pair[0].mood = "503"
            await visitor.ask()
            pair[0].mood = "well"
            assert await visitor.served_from() == "one"


async def test_an_open_breaker_is_probed_behind_the_visitors_back_and_waits_twice_as_long_each_time(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        await opened(visitor, pair[0])
        before, times = pair[0].checks, [now()]
        while len(times) < 5:
            began = now()
            assert await visitor.served_from() == "two"
            assert now() - began < QUICK.hedge / 1000
            if pair[0].checks > before:
                before, times = pair[0].checks, [*times, now()]
            await asyncio.sleep(0.01)
    waits = [later - sooner for sooner, later in pairwise(times)]
    for wait, expected in zip(waits, (0.2, 0.4, 0.8, 1.6), strict=True):
        assert expected - 0.05 <= wait < expected + 0.25


async def test_a_platform_whose_health_path_is_wrong_stays_out(tmp_path, pair):
    async with visiting(tmp_path, *pair) as visitor:
        await opened(visitor, pair[0])
        pair[0].mood = "wrong-health"
        seen, before = len(pair[0].seen), pair[0].checks
        while pair[0].checks < before + 2:
            assert await visitor.served_from() == "two"
            await asyncio.sleep(0.01)
    assert len(pair[0].seen) == seen


async def test_a_check_finds_a_platform_that_answers_200_with_something_else(tmp_path, pair):
    pair[0].mood = "wrong-health"
    pair[0].pages["/"] = b"<h1>This domain is parked</h1>"
    async with visiting(tmp_path, *pair) as visitor:
        await visitor.ask()
        await visitor.until_served_from("two")


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.5])
async def test_a_recovered_platform_gets_its_share_within_two_points(tmp_path, pair, share):
    limits = QUICK.changed(steps=(round(share * 100),), hedge=600)
    async with visiting(tmp_path, *pair, limits=limits) as visitor:
        await opened(visitor, pair[0])
        pair[0].mood = "well"
        await visitor.until_served_from("one")
        found = Counter([await visitor.served_from() for _ in range(400)])
    assert abs(found["one"] / 400 - share) < 0.02


async def test_shares_rise_step_by_step_until_all_visitors_are_back(tmp_path, pair):
    limits = QUICK.changed(steps=(10, 50), step_time=1500, hedge=600)
    async with visiting(tmp_path, *pair, limits=limits) as visitor:
        await opened(visitor, pair[0])
        pair[0].mood = "well"
        await visitor.until_served_from("one")
        began, seen = now(), []
        while now() - began < 4.0:
            seen.append((now() - began, await visitor.served_from()))
    shares = [
        Counter(name for moment, name in seen if low <= moment < high)
        for low, high in ((0.0, 0.9), (1.6, 2.4), (3.2, 4.0))
    ]
    first, second, third = (found["one"] / found.total() for found in shares)
    assert first < 0.2 < 0.4 < second < 0.6
    assert third == 1


async def test_one_failure_during_the_return_sends_a_platform_back_for_twice_as_long(tmp_path, pair):
    async with visiting(tmp_path, *pair, limits=QUICK.changed(steps=(50,))) as visitor:
        await opened(visitor, pair[0])
        pair[0].mood = "well"
        await visitor.until_served_from("one")
        pair[0].mood = "503"
        seen = len(pair[0].seen)
        while len(pair[0].seen) == seen:
            await visitor.ask()
        began, before = now(), pair[0].checks
        while pair[0].checks == before:
            assert await visitor.served_from() == "two"
            await asyncio.sleep(0.01)
    assert now() - began >= 2 * QUICK.wait / 1000 - 0.05


async def test_a_platform_that_is_brought_back_serves_everybody_if_it_is_the_only_one(tmp_path, pair):
    async with visiting(tmp_path, *pair, limits=QUICK.changed(steps=(5,))) as visitor:
        await opened(visitor, pair[0])
        pair[0].mood = "well"
        await visitor.until_served_from("one")
        pair[1].mood = "refuse"
        assert [await visitor.served_from() for _ in range(20)] == ["one"] * 20
