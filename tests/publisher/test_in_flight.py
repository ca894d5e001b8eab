from __future__ import annotations

import asyncio
from contextlib import suppress

from publisher.in_flight import MOST_BYTES, PIECE, InFlight


class Clock:
    """Wall clock and CPU clock of a process that is busy for a share of the time."""

    def __init__(self, busy):
        self.seconds, self.busy = 0.0, busy

    def room(self, most):
        return InFlight(most, wall=lambda: self.seconds, cpu=lambda: self.seconds * self.busy)


async def entered(room, sizes):
    """How many files of these sizes find room without any leaving."""
    count = 0
    with suppress(TimeoutError):
        for size in sizes:
            await asyncio.wait_for(room.enter(size), 0.01)
            count += 1
    return count


async def test_a_process_that_waits_for_answers_sends_more_and_more_at_once():
    clock = Clock(busy=0.1)
    room = clock.room(128)
    await entered(room, [1] * 32)
    for _ in range(3):
        clock.seconds += 0.06
        room.leave(1)
    assert room.allowed == 128


async def test_a_busy_process_sends_no_more_at_once():
    clock = Clock(busy=0.95)
    room = clock.room(128)
    await entered(room, [1] * 32)
    for _ in range(3):
        clock.seconds += 0.06
        room.leave(1)
    assert room.allowed == 32


async def test_never_more_than_the_platform_takes():
    clock = Clock(busy=0.0)
    room = clock.room(5)
    assert await entered(room, [1] * 9) == 5
    clock.seconds += 1
    room.leave(1)
    assert room.allowed == 5


async def test_bytes_at_once_are_bounded_and_a_large_file_counts_with_what_is_held_of_it():
    room = Clock(busy=0.0).room(128)
    assert await entered(room, [100 * PIECE] * 9) == MOST_BYTES // PIECE


async def test_a_file_that_leaves_makes_room_for_the_next():
    room = Clock(busy=0.0).room(1)
    await room.enter(10)
    waiting = asyncio.create_task(room.enter(10))
    await asyncio.sleep(0)
    assert not waiting.done()
    room.leave(10)
    await asyncio.wait_for(waiting, 5)
