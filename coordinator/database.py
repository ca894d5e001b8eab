"""A SQLite file that is written in a thread of its own: what a transaction has kept survives ``kill -9``."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class DiskRefuses(Exception):
    """The disk took nothing; what was to be kept is not kept."""


class Database:
    """One connection. ``schema`` is run at each opening."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=path.stem)
        self.connection: sqlite3.Connection
        """For work that :meth:`read` and :meth:`write` run."""

    async def open(self) -> None:
        """Open or make the file; raises DiskRefuses."""
        await self.read(self._connect)

    async def close(self) -> None:
        """Close it after what is under way."""
        await self.read(self.connection.close)
        self._thread.shutdown()

    async def read(self, work: Callable[[], T]) -> T:
        """Run ``work`` in the thread; raises DiskRefuses."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise DiskRefuses(f"{self._path}: {error}. Nothing was kept; make room or check the disk") from error

    async def write(self, work: Callable[[], T]) -> T:
        """Run ``work`` as one transaction, on disk when this returns; raises DiskRefuses."""
        return await self.read(lambda: self._transaction(work))

    def _connect(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.executescript(self._schema)

    def _transaction(self, work: Callable[[], T]) -> T:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            found = work()
        except BaseException:
            if self.connection.in_transaction:  # a full disk has ended it already
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return found
