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
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from coordinator.alerts.channels import Channel, Message, NotTaken
from coordinator.database import Database

_log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS alert (
    place INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, key TEXT NOT NULL, thread TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL, closes INTEGER NOT NULL, kind TEXT NOT NULL,
    added REAL NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    sent REAL, given_up REAL, UNIQUE (channel, key)
) STRICT;
CREATE INDEX IF NOT EXISTS alert_by_channel ON alert (channel, sent, given_up, place);
CREATE TABLE IF NOT EXISTS trouble (channel TEXT PRIMARY KEY, since REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS origin (id TEXT NOT NULL) STRICT;
INSERT INTO origin SELECT lower(hex(randomblob(4))) WHERE NOT EXISTS (SELECT 1 FROM origin);
"""
#: Seconds until the second attempt, doubled each time up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
WORTH_TELLING = 24 * 3600.0
"""Seconds after which an alert that no channel took is old news and given up."""
_KEPT = 90 * 24 * 3600.0
_LONGEST_SEND = 60.0
_HOUR = 3600.0


@dataclass(frozen=True)
class Backlog:
    """How a channel stands. Times are Unix seconds."""

    waiting: int = 0
    """Messages it has not taken yet."""
    failing_since: float | None = None
    """When the oldest was added that it was offered and has not taken; None where nothing fails."""
    gave_up: bool = False
    """Whether the last message that it is done with was given up."""
    reason: str = ""
    """Why it did not take one; without a secret."""


class Outbox:
    """Opened with ``async with``; ``run`` sends until it is cancelled. All methods raise DiskRefuses."""

    def __init__(
        self,
        path: Path,
        channels: Iterable[Channel],
        clock: Callable[[], float] = time.time,
        *,
        most_per_hour: int = 20,
    ) -> None:
        self._database = Database(path, _SCHEMA)
        self._channels: Mapping[str, Channel] = {channel.name: channel for channel in channels}
        self._clock = clock
        self._most = most_per_hour
        self._added = {name: asyncio.Event() for name in self._channels}
        self._origin = ""

    async def __aenter__(self) -> Self:
        await self._database.open()
        # Keys begin anew with another file, and another stack may share the account: what is sent bears the file's own
        # id, or a channel would take it for a repetition.
        self._origin = (await self._query("SELECT id FROM origin"))[0][0]
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
        kept = list(messages)
        await self._database.write(lambda: self._insert(kept, names))
        for name in names:
            self._added[name].set()

    async def begin_trouble(self, channel: str, told: Message, by: Collection[str]) -> None:
        """Remember that a channel fails, and keep the message that says so, both or neither."""
        await self._trouble(
            "INSERT OR IGNORE INTO trouble (channel, since) VALUES (?, ?)", (channel, told.at), told, by
        )

    async def end_trouble(self, channel: str, told: Message, by: Collection[str]) -> None:
        """Likewise that it works again."""
        await self._trouble("DELETE FROM trouble WHERE channel = ?", (channel,), told, by)

    async def troubles(self) -> set[str]:
        """Channels that are known to fail."""
        return {row[0] for row in await self._query("SELECT channel FROM trouble")}

    async def _trouble(self, change: str, values: tuple[Any, ...], told: Message, by: Collection[str]) -> None:
        def write() -> None:
            self._database.connection.execute(change, values)
            self._insert([told], by)

        await self._database.write(write)
        for name in by:
            self._added[name].set()

    def _insert(self, messages: Iterable[Message], names: Collection[str]) -> None:
        now = self._clock()
        rows = [(name, *_row(message), now, now) for message in messages for name in names]
        insert = (
            "INSERT OR IGNORE INTO alert (channel, key, thread, subject, body, at, closes, kind, added, due) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._database.connection.executemany(insert, rows)

    async def run(self) -> None:
        """Send what is due, and wait for more; each channel by itself."""
        async with asyncio.TaskGroup() as group:
            for channel in self._channels.values():
                group.create_task(self._serve(channel), name=f"alerts by {channel.name}")

    async def unsent(self) -> dict[str, int]:
        """Channel → messages it has not taken yet."""
        return {name: backlog.waiting for name, backlog in (await self.backlogs()).items()}

    async def backlogs(self) -> dict[str, Backlog]:
        """Channel → how it stands."""
        return {name: await self._backlog(name) for name in self._channels}

    async def taken(self, key: str, by: Iterable[str]) -> bool:
        """Whether all these channels have taken the message."""
        query = "SELECT channel FROM alert WHERE key = ? AND sent IS NOT NULL"
        return set(by) <= {row[0] for row in await self._query(query, key)}

    async def _backlog(self, name: str) -> Backlog:
        waiting = await self._query(
            "SELECT count(*), min(CASE WHEN attempts > 0 THEN added END) FROM alert "
            "WHERE channel = ? AND sent IS NULL AND given_up IS NULL",
            name,
        )
        last = await self._query(
            "SELECT given_up IS NOT NULL FROM alert WHERE channel = ? AND coalesce(sent, given_up) IS NOT NULL "
            "ORDER BY coalesce(sent, given_up) DESC, place DESC LIMIT 1",
            name,
        )
        reason = await self._query(
            "SELECT reason FROM alert WHERE channel = ? AND reason != '' ORDER BY place DESC LIMIT 1", name
        )
        count, since = waiting[0]
        return Backlog(int(count), since, bool(last and last[0][0]), reason[0][0] if reason else "")

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
        due = max(float(found["due"]), await self._room_at(channel.name))
        if (wait := due - self._clock()) > 0:
            return wait
        try:
            async with asyncio.timeout(_LONGEST_SEND):
                await channel.send(self._message(found))
        except TimeoutError:
            await self._put_off(found, NotTaken(f"no answer within {_LONGEST_SEND:.0f} s"), channel.name)
        except NotTaken as refusal:
            await self._put_off(found, refusal, channel.name)
        except Exception as error:  # noqa: BLE001 - a fault of one channel must not end the others
            _log.exception("%s failed by itself", channel.name)
            await self._put_off(found, NotTaken(f"it failed by itself ({type(error).__name__})"), channel.name)
        else:
            await self._strike_out(found["place"], "sent")
        return 0.0

    async def _room_at(self, channel: str) -> float:
        """When one more message keeps the bound of an hour; 0 for at once."""
        query = "SELECT sent FROM alert WHERE channel = ? AND sent > ? ORDER BY sent DESC LIMIT 1 OFFSET ?"
        found = await self._query(query, channel, self._clock() - _HOUR, self._most - 1)
        return float(found[0][0]) + _HOUR if found else 0.0

    async def _put_off(self, found: sqlite3.Row, refusal: NotTaken, channel: str) -> None:
        now, attempts = self._clock(), int(found["attempts"]) + 1
        pause = max(refusal.after, min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE))
        update = "UPDATE alert SET attempts = ?, due = ?, reason = ? WHERE place = ?"
        values = (attempts, now + pause, str(refusal), found["place"])
        await self._database.write(lambda: self._database.connection.execute(update, values))
        if not refusal.again or now - found["at"] > WORTH_TELLING:
            _log.error("%s: alert %r is given up: %s", channel, found["subject"], refusal)
            await self._strike_out(found["place"], "given_up")
            return
        _log.warning("%s: %s; tried again in %.0f s", channel, refusal, pause)

    async def _strike_out(self, place: int, how: str) -> None:
        now = self._clock()

        def write() -> None:
            self._database.connection.execute(f"UPDATE alert SET {how} = ? WHERE place = ?", (now, place))  # noqa: S608
            self._database.connection.execute("DELETE FROM alert WHERE at < ?", (now - _KEPT,))

        await self._database.write(write)

    async def _query(self, query: str, *values: Any) -> list[Any]:
        return await self._database.read(lambda: self._database.connection.execute(query, values).fetchall())

    def _oldest(self, channel: str) -> sqlite3.Row | None:
        query = "SELECT * FROM alert WHERE channel = ? AND sent IS NULL AND given_up IS NULL ORDER BY place LIMIT 1"
        cursor = self._database.connection.execute(query, (channel,))
        cursor.row_factory = sqlite3.Row
        found: sqlite3.Row | None = cursor.fetchone()
        return found

    def _message(self, row: sqlite3.Row) -> Message:
        return Message(
            f"{row['key']}-{self._origin}",
            f"{row['thread']}-{self._origin}",
            row["subject"],
            row["body"],
            row["at"],
            bool(row["closes"]),
            row["kind"],
        )


def _row(message: Message) -> tuple[str, str, str, str, float, int, str]:
    subject, text = (_storable(part) for part in (message.subject, message.text))
    return message.key, message.thread, subject, text, message.at, int(message.closes), message.kind


def _storable(text: str) -> str:
    """Without halves of characters, which neither the disk nor any channel can take."""
    return text.encode("utf-8", "replace").decode("utf-8")
