"""Deployments that are wanted, on disk: what was answered with 202 survives ``kill -9``.

One row for each target, a counter in it for each push: pushes that come while a deployment runs become one further
deployment, of the newest tip. A delivery is known by its id, so that one sent twice counts once; one whose deployment
failed may be sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from coordinator.database import Database, DiskRefuses

_SCHEMA = """
CREATE TABLE IF NOT EXISTS want (
    target TEXT PRIMARY KEY, wanted INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, since REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS delivery (
    source TEXT NOT NULL, id TEXT NOT NULL, target TEXT NOT NULL, wanted INTEGER NOT NULL,
    failed INTEGER NOT NULL DEFAULT 0, received REAL NOT NULL, PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_by_age ON delivery (received);
"""
#: Forges send a delivery again for three days at the most.
#: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks
REMEMBERED = 7 * 24 * 3600.0
QueueUnavailable = DiskRefuses
"""What was to be queued is not queued."""


@dataclass(frozen=True)
class Delivery:
    """A webhook that was accepted as authentic."""

    source: str
    """``github`` or ``gitlab``."""
    id: str
    target: str


@dataclass(frozen=True)
class Wanted:
    """A deployment to be made: the tip of ``target`` as it is when the deployment begins."""

    target: str
    number: int
    """Counts pushes of this target; a deployment that began at this number serves all up to it."""
    since: float
    """Unix time of the oldest push that is not deployed."""


class DeployQueue:
    """Opened with ``async with``. Many deliveries that come at once are made durable together (one fsync)."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._database = Database(path, _SCHEMA)
        self._waiting: list[tuple[Delivery, asyncio.Future[bool]]] = []
        self._committing: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()
        """Set when something is wanted; whoever takes it clears it."""

    async def __aenter__(self) -> Self:
        await self._database.open()
        if await self.wanted():
            self.changed.set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._committing is not None:
            await self._committing
        await self._database.close()

    async def accept(self, delivery: Delivery) -> bool:
        """Make a delivery durable; False for one that is known already. Raises QueueUnavailable."""
        accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, accepted))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        return await accepted

    async def want(self, target: str) -> None:
        """Ask for a deployment without a delivery, as a poll does. Raises QueueUnavailable."""
        await self._database.write(lambda: self._raise(target))
        self.changed.set()

    async def want_unless_waiting(self, target: str) -> bool:
        """Ask for a deployment unless one is wanted already; true if it was not. Raises QueueUnavailable."""
        sql = "SELECT 1 FROM want WHERE target = ? AND wanted > done"

        def write() -> bool:
            if self._database.connection.execute(sql, (target,)).fetchone():
                return False
            self._raise(target)
            return True

        added = await self._database.write(write)
        if added:
            self.changed.set()
        return added

    async def wanted(self) -> list[Wanted]:
        """What is to be deployed, oldest first."""
        sql = "SELECT target, wanted, since FROM want WHERE wanted > done ORDER BY since"
        return await self._database.read(lambda: [Wanted(*row) for row in self._database.connection.execute(sql)])

    async def finish(self, wanted: Wanted, *, deployed: bool) -> None:
        """Record the end of a deployment. One that failed is wanted no more until somebody asks again.

        Pushes that came in the meantime stay wanted.
        """
        await self._database.write(lambda: self._finish(wanted, deployed=deployed))

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            deliveries = [delivery for delivery, _ in batch]
            try:
                new = await self._database.write(lambda: list(map(self._add, deliveries)))  # noqa: B023
            except QueueUnavailable as error:
                for _, accepted in batch:
                    accepted.set_exception(error)
                continue
            for (_, accepted), added in zip(batch, new, strict=True):
                if not accepted.cancelled():
                    accepted.set_result(added)
            if any(new):
                self.changed.set()

    def _add(self, delivery: Delivery) -> bool:
        known = "SELECT failed FROM delivery WHERE source = ? AND id = ?"
        found = self._database.connection.execute(known, (delivery.source, delivery.id)).fetchone()
        if found is not None and not found[0]:
            return False
        number = self._raise(delivery.target)
        self._database.connection.execute(
            "INSERT OR REPLACE INTO delivery (source, id, target, wanted, received) VALUES (?, ?, ?, ?, ?)",
            (delivery.source, delivery.id, delivery.target, number, self._clock()),
        )
        self._database.connection.execute("DELETE FROM delivery WHERE received < ?", (self._clock() - REMEMBERED,))
        return True

    def _raise(self, target: str) -> int:
        row = self._database.connection.execute(
            "INSERT INTO want (target, wanted, since) VALUES (?, 1, ?) ON CONFLICT (target) DO UPDATE SET "
            "since = CASE WHEN wanted > done THEN since ELSE excluded.since END, wanted = wanted + 1 RETURNING wanted",
            (target, self._clock()),
        ).fetchone()
        return int(row[0])

    def _finish(self, wanted: Wanted, *, deployed: bool) -> None:
        self._database.connection.execute(
            "UPDATE want SET done = ?, since = ? WHERE target = ? AND done < ?",
            (wanted.number, self._clock(), wanted.target, wanted.number),
        )
        if not deployed:
            self._database.connection.execute(
                "UPDATE delivery SET failed = 1 WHERE target = ? AND wanted <= ?", (wanted.target, wanted.number)
            )


def oldest(wanted: Sequence[Wanted]) -> Wanted | None:
    """The one that waits longest."""
    return min(wanted, key=lambda one: one.since, default=None)
