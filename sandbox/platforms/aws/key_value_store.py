"""What CloudFront KeyValueStores hold: newest values at once for the API, and the delayed view that functions read.

Quotas: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html (key value stores).
"""

from __future__ import annotations

import hashlib
import random
import secrets
import sqlite3
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.world import Clock

MAX_KEY = 512
MAX_VALUE = 1024
MAX_STORE = 5 * 1024 * 1024
MAX_KEYS_A_CALL = 50
MAX_BYTES_A_CALL = 3 * 1024 * 1024
#: Seconds (of sandbox time) until an edge reads a write at the latest; keys arrive in no promised order. The service
#: says "within seconds".
SPREAD = 2.0


class KeyValueError(Exception):
    """An answer in the service's error format."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Version:
    """State of a store: its ETag, when it was made and last written (Unix times)."""

    etag: str
    created: float
    modified: float


class KeyValues:
    """Keys of all stores, by the store's ARN."""

    def __init__(self, folder: Path, clock: Clock, spread: float = SPREAD) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._spread = spread
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(folder / "key-values.sqlite", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS pairs "
            "(store TEXT, key TEXT, value TEXT, PRIMARY KEY (store, key)) WITHOUT ROWID"
        )
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS versions (store TEXT PRIMARY KEY, etag TEXT, created REAL, modified REAL)"
        )
        self._late: dict[tuple[str, str], tuple[float, str | None]] = {}
        self._totals: dict[str, tuple[int, int]] = {}

    def version(self, store: str) -> Version:
        """Version of a store; its ETag changes with each write. A store begins when it is first asked for."""
        with self._lock:
            row = self._connection.execute(
                "SELECT etag, created, modified FROM versions WHERE store = ?", (store,)
            ).fetchone()
            if row is None:
                now = time.time()
                row = (f"KV{hashlib.sha256(store.encode()).hexdigest()[:12].upper()}", now, now)
                self._connection.execute("INSERT INTO versions VALUES (?, ?, ?, ?)", (store, *row))
        return Version(*row)

    def get(self, store: str, key: str) -> str | None:
        """Newest value."""
        with self._lock:
            row = self._connection.execute(
                "SELECT value FROM pairs WHERE store = ? AND key = ?", (store, key)
            ).fetchone()
        return str(row[0]) if row else None

    def seen(self, store: str, key: str) -> str | None:
        """Value as an edge sees it now."""
        late = self._late.get((store, key))
        if late is not None:
            if self._clock.monotonic() < late[0]:
                return late[1]
            self._late.pop((store, key), None)
        return self.get(store, key)

    def totals(self, store: str) -> tuple[int, int]:
        """Number of pairs and their bytes."""
        if store not in self._totals:
            with self._lock:
                row = self._connection.execute(
                    "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB)) + length(CAST(value AS BLOB))), 0) "
                    "FROM pairs WHERE store = ?",
                    (store,),
                ).fetchone()
            self._totals[store] = (int(row[0]), int(row[1]))
        return self._totals[store]

    def page(self, store: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Pairs after a key, in key order."""
        with self._lock:
            return self._connection.execute(
                "SELECT key, value FROM pairs WHERE store = ? AND key > ? ORDER BY key LIMIT ?", (store, after, limit)
            ).fetchall()

    def write(self, store: str, etag: str, puts: Mapping[str, str], deletes: Collection[str]) -> str:
        """Write all or nothing; returns the new ETag. Raises KeyValueError."""
        _check_sizes(puts, deletes)
        with self._lock:
            if etag != self.version(store).etag:
                raise KeyValueError("ConflictException", "The If-Match version is not the current one of the store.")
            before = {key: self.get(store, key) for key in (*puts, *deletes)}
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                fresh = self._apply(store, puts, deletes)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            finally:
                self._totals.pop(store, None)
        self._delay(store, before)
        return fresh

    def _apply(self, store: str, puts: Mapping[str, str], deletes: Collection[str]) -> str:
        rows = [(store, key, value) for key, value in puts.items()]
        self._connection.executemany("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)", rows)
        self._connection.executemany("DELETE FROM pairs WHERE store = ? AND key = ?", [(store, key) for key in deletes])
        self._totals.pop(store, None)
        if self.totals(store)[1] > MAX_STORE:
            raise KeyValueError("ServiceQuotaExceededException", "The key value store would exceed 5 MB.")
        fresh = f"KV{secrets.token_hex(6).upper()}"
        self._connection.execute(
            "UPDATE versions SET etag = ?, modified = ? WHERE store = ?", (fresh, time.time(), store)
        )
        return fresh

    def _delay(self, store: str, before: Mapping[str, str | None]) -> None:
        now = self._clock.monotonic()
        self._late = {place: late for place, late in self._late.items() if now < late[0]}
        for key, value in before.items():
            seen = self._late.get((store, key))
            shown = seen[1] if seen else value
            self._late[(store, key)] = (now + random.uniform(0.0, self._spread), shown)  # noqa: S311

    def drop(self, store: str) -> None:
        """Forget a store."""
        with self._lock:
            self._connection.execute("DELETE FROM pairs WHERE store = ?", (store,))
            self._connection.execute("DELETE FROM versions WHERE store = ?", (store,))
        self._totals.pop(store, None)
        self._late = {place: late for place, late in self._late.items() if place[0] != store}

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()


def _check_sizes(puts: Mapping[str, str], deletes: Collection[str]) -> None:
    if len(puts) + len(deletes) > MAX_KEYS_A_CALL or not (puts or deletes):
        raise KeyValueError("ValidationException", f"A call takes 1 to {MAX_KEYS_A_CALL} keys.")
    if not puts.keys().isdisjoint(deletes):
        raise KeyValueError("ValidationException", "A key stands in Puts and in Deletes.")
    if sum(len(key.encode()) + len(value.encode()) for key, value in puts.items()) > MAX_BYTES_A_CALL:
        raise KeyValueError("ValidationException", "A call takes 3 MB at the most.")
    for key in (*puts, *deletes):
        if not 0 < len(key.encode()) <= MAX_KEY:
            raise KeyValueError("ValidationException", f"A key has 1 to {MAX_KEY} bytes.")
    if any(len(value.encode()) > MAX_VALUE for value in puts.values()):
        raise KeyValueError("ValidationException", f"A value has {MAX_VALUE} bytes at the most.")
