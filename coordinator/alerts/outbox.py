"""Alerts on disk until they are sent: each channel has its own queue, in order, and holds up no other.

A message is written before it is sent and struck out after the channel has taken it. A run killed in between sends it a
second time with the same key, which Matrix, Mastodon and webhooks recognise and mail does not.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from coordinator.alerts.channels import Channel, Message, NotTaken
from coordinator.database import Database

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS alert (
    place INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL, closes INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, sent REAL, given_up TEXT, UNIQUE (channel, key)
) STRICT;
CREATE INDEX IF NOT EXISTS alert_by_channel ON alert (channel, sent, given_up, place);
"""
#: Seconds until the second attempt, doubled each time up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
WORTH_TELLING = 24 * 3600.0
"""Seconds after which an alert that no channel took is old news and given up."""
_KEPT = 90 * 24 * 3600.0
_LONGEST_SEND = 60.0


class Outbox:
    """Opened with ``async with``; ``run`` sends until it is cancelled. All methods raise DiskRefuses."""

    def __init__(self, path: Path, channels: Iterable[Channel], clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, _SCHEMA)
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._clock = clock
        self._added = {name: asyncio.Event() for name in self._channels}

    async def __aenter__(self) -> Self:
        await self._database.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()

    @property
    def channels(self) -> list[str]:
        """Their names."""
        return list(self._channels)

    async def add(self, messages: Iterable[Message], only: Collection[str] | None = None) -> None:
        """Keep messages for every channel, or ``only`` for some; one that is known already is not kept twice."""
        names = [name for name in self._channels if only is None or name in only]
        rows = [(name, *_row(message), self._clock()) for message in messages for name in names]
        insert = (
            "INSERT OR IGNORE INTO alert (channel, key, thread, subject, body, at, closes, due) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        await self._database.write(lambda: self._database.connection.executemany(insert, rows))
        for name in names:
            self._added[name].set()

    async def run(self) -> None:
        """Send what is due, and wait for more; each channel by itself."""
        async with asyncio.TaskGroup() as group:
            for channel in self._channels.values():
                group.create_task(self._serve(channel), name=f"alerts by {channel.name}")

    async def unsent(self) -> dict[str, int]:
        """Channel → messages it has not taken yet."""
        query = "SELECT channel, count(*) FROM alert WHERE sent IS NULL AND given_up IS NULL GROUP BY channel"
        found = await self._database.read(lambda: self._database.connection.execute(query).fetchall())
        return dict.fromkeys(self._channels, 0) | {str(name): int(count) for name, count in found}

    async def _serve(self, channel: Channel) -> None:
        while True:
            self._added[channel.name].clear()
            wait = await self.send_next(channel)
            if wait is None or wait > 0:
                try:
                    await asyncio.wait_for(self._added[channel.name].wait(), wait)
                except TimeoutError:
                    continue

    async def send_next(self, channel: Channel) -> float | None:
        """Send the oldest message if it is due. Seconds until the next look is worth while; None: nothing waits."""
        found = await self._database.read(lambda: self._oldest(channel.name))
        if found is None:
            return None
        if (wait := float(found["due"]) - self._clock()) > 0:
            return wait
        message = Message(
            found["key"], found["thread"], found["subject"], found["body"], found["at"], bool(found["closes"])
        )
        try:
            async with asyncio.timeout(_LONGEST_SEND):
                await channel.send(message)
        except TimeoutError:
            await self._put_off(found, NotTaken(f"no answer within {_LONGEST_SEND:.0f} s"), channel.name)
        except NotTaken as refusal:
            await self._put_off(found, refusal, channel.name)
        else:
            await self._strike_out(found["place"], "sent = ?", self._clock())
        return 0.0

    async def _put_off(self, found: sqlite3.Row, refusal: NotTaken, channel: str) -> None:
        now, attempts = self._clock(), int(found["attempts"]) + 1
        if not refusal.again or now - found["at"] > WORTH_TELLING:
            _log.error("%s: alert %r is given up: %s", channel, found["subject"], refusal)
            await self._strike_out(found["place"], "given_up = ?", str(refusal))
            return
        pause = max(refusal.after, min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE))
        _log.warning("%s: %s; tried again in %.0f s", channel, refusal, pause)
        update = "UPDATE alert SET attempts = ?, due = ? WHERE place = ?"
        await self._database.write(
            lambda: self._database.connection.execute(update, (attempts, now + pause, found["place"]))
        )

    async def _strike_out(self, place: int, what: str, value: float | str) -> None:
        def write() -> None:
            self._database.connection.execute(f"UPDATE alert SET {what} WHERE place = ?", (value, place))  # noqa: S608
            self._database.connection.execute("DELETE FROM alert WHERE at < ?", (self._clock() - _KEPT,))

        await self._database.write(write)

    def _oldest(self, channel: str) -> sqlite3.Row | None:
        query = "SELECT * FROM alert WHERE channel = ? AND sent IS NULL AND given_up IS NULL ORDER BY place LIMIT 1"
        cursor = self._database.connection.execute(query, (channel,))
        cursor.row_factory = sqlite3.Row
        found: sqlite3.Row | None = cursor.fetchone()
        return found


def _row(message: Message) -> tuple[str, str, str, str, float, int]:
    return message.key, message.thread, message.subject, message.text, message.at, int(message.closes)
