from __future__ import annotations

import asyncio

import pytest

from coordinator.alerts.channels import Message, NotTaken
from coordinator.alerts.outbox import FIRST_PAUSE, LONGEST_PAUSE, WORTH_TELLING, Outbox
from tests.coordinator.alerts.forms import Clock, Wall, sent


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def wall():
    return Wall()


def message(key="one", at=1_000_000.0):
    return Message(key, "thread", f"subject {key}", "text", at)


async def test_messages_leave_in_their_order_and_each_once(tmp_path, wall, clock):
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        await outbox.add([message("one"), message("two")])
        await outbox.add([message("two"), message("three")])
        assert await sent(outbox, wall) is None
    assert wall.taken == ["one", "two", "three"]


async def test_what_was_not_sent_is_there_after_a_restart_and_what_was_is_not(tmp_path, wall, clock):
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        await outbox.add([message("one"), message("two")])
        await outbox.send_next(wall)
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        assert await outbox.unsent() == {"wall": 1}
        await sent(outbox, wall)
        assert await outbox.unsent() == {"wall": 0}
    assert wall.taken == ["one", "two"]


async def test_a_refusal_is_tried_again_after_pauses_that_double(tmp_path, wall, clock):
    wall.refusals = [NotTaken("busy")] * 12
    pauses = []
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        await outbox.add([message()])
        while (wait := await sent(outbox, wall)) is not None:
            pauses.append(wait)
            clock.now += wait
    assert pauses == [min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) for number in range(12)]
    assert wall.taken == ["one"]


async def test_a_channel_that_asks_for_more_time_gets_it(tmp_path, wall, clock):
    wall.refusals = [NotTaken("slow down", after=300.0)]
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        await outbox.add([message()])
        assert await sent(outbox, wall) == pytest.approx(300.0)


async def test_a_final_refusal_gives_up_that_message_and_no_other(tmp_path, wall, clock, caplog):
    wall.refusals = [NotTaken("no such room", again=False)]
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        await outbox.add([message("one"), message("two")])
        assert await sent(outbox, wall) is None
    assert wall.taken == ["two"]
    assert "given up: no such room" in caplog.text


async def test_old_news_is_given_up(tmp_path, wall, clock):
    wall.refusals = [NotTaken("down")]
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        await outbox.add([message(at=clock.now - WORTH_TELLING - 1)])
        assert await sent(outbox, wall) is None
    assert wall.taken == []


async def test_a_channel_that_hangs_holds_up_no_other(tmp_path, clock):
    class Hanging(Wall):
        async def send(self, message):
            await asyncio.sleep(3600)

    hanging, wall = Hanging("hanging"), Wall()
    async with Outbox(tmp_path / "a.db", [hanging, wall], clock) as outbox:
        running = asyncio.create_task(outbox.run())
        for number in range(5):
            await outbox.add([message(str(number))])
        async with asyncio.timeout(5):
            while len(wall.taken) < 5:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert wall.taken == ["0", "1", "2", "3", "4"]


async def test_a_message_can_be_for_some_channels_only(tmp_path, clock):
    first, second = Wall("first"), Wall("second")
    async with Outbox(tmp_path / "a.db", [first, second], clock) as outbox:
        await outbox.add([message()], only=["second"])
        await sent(outbox, first)
        await sent(outbox, second)
    assert (first.taken, second.taken) == ([], ["one"])


async def test_a_fault_of_one_channel_ends_no_other_and_is_tried_again(tmp_path, clock, caplog):
    broken, wall = Wall("broken"), Wall()
    broken.refusals = [ZeroDivisionError("token tok-PLANTED")]
    async with Outbox(tmp_path / "a.db", [broken, wall], clock) as outbox:
        running = asyncio.create_task(outbox.run())
        await outbox.add([message()])
        async with asyncio.timeout(5):
            while not wall.taken or not (await outbox.backlogs())["broken"].reason:  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.01)
        assert (await outbox.backlogs())["broken"].reason == "it failed by itself (ZeroDivisionError)"
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        clock.now += FIRST_PAUSE
        await sent(outbox, broken)
    assert broken.taken == ["one"]


async def test_a_channel_gets_no_more_in_an_hour_than_was_set_and_the_rest_later(tmp_path, wall, clock):
    async with Outbox(tmp_path / "a.db", [wall], clock, most_per_hour=3) as outbox:
        await outbox.add([message(str(number)) for number in range(8)])
        assert await sent(outbox, wall) == pytest.approx(3600.0)
        assert wall.taken == ["0", "1", "2"]
        clock.now += 3599
    async with Outbox(tmp_path / "a.db", [wall], clock, most_per_hour=3) as outbox:
        assert await sent(outbox, wall) == pytest.approx(1.0)
        clock.now += 2
        await sent(outbox, wall)
        assert len(wall.taken) == 6


async def test_keys_of_another_file_are_other_keys_and_those_of_one_stay(tmp_path, clock):
    """Or a channel would take the first incident of a new file for a repetition, and tell nobody."""
    walls = [Wall(), Wall(), Wall()]
    for wall, name in zip(walls, ("a.db", "b.db", "a.db"), strict=True):
        async with Outbox(tmp_path / name, [wall], clock) as outbox:
            await outbox.add([message("one"), message("two")])
            await sent(outbox, wall)
    first, other, again = walls
    assert first.messages[0].thread == first.messages[1].thread != other.messages[0].thread
    assert first.messages[0].key != other.messages[0].key
    assert again.messages == []


async def test_a_text_that_no_disk_can_keep_is_told_nevertheless(tmp_path, wall, clock):
    async with Outbox(tmp_path / "a.db", [wall], clock) as outbox:
        await outbox.add([Message("one", "thread", "half \ud800", "\udfff", clock.now)])
        await sent(outbox, wall)
    assert (wall.messages[0].subject, wall.messages[0].text) == ("half ?", "?")
