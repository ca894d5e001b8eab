from __future__ import annotations

import asyncio
import os
import signal

from coordinator import supervisor


async def test_a_task_that_fails_is_started_again_and_the_others_never_notice(monkeypatch, caplog):
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.01)
    begun, ended = [], []

    async def failing():
        begun.append(1)
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        raise ValueError("a defect")

    async def steady():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)

    await asyncio.wait_for(supervisor.run({"failing": failing, "steady": steady}), 10)
    assert (len(begun), ended) == (3, [1])
    assert caplog.text.count("failing failed by itself and is started again") == 2
    assert "a defect" in caplog.text


async def test_what_must_end_by_itself_is_waited_for_while_the_others_go_on(monkeypatch):
    order = []

    async def steady():
        try:
            await asyncio.sleep(60)
        finally:
            order.append("steady")

    async def ending(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        order.append("ending")

    await asyncio.wait_for(supervisor.run({"steady": steady}, {"ending": ending}), 10)
    assert order == ["ending", "steady"]
