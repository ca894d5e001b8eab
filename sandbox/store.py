"""What the sandbox remembers: JSON documents by kind and id, and content by digest. Survives restarts and kill -9."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Store:
    """Documents in SQLite (WAL, synchronous): what was answered for is on disk. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.blobs = folder / "blobs"
        self.blobs.mkdir(exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(folder / "store.sqlite", check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS documents (kind TEXT, id TEXT, document TEXT, PRIMARY KEY (kind, id))"
        )

    def put(self, kind: str, identifier: str, document: Document) -> None:
        """Write a document; it is durable when this returns."""
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, identifier, json.dumps(document))
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is kept together or not at all, also after kill -9, and costs one disk flush.

        Do not await inside: other writers wait for its end.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def get(self, kind: str, identifier: str) -> Document | None:
        """A document, or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT document FROM documents WHERE kind = ? AND id = ?", (kind, identifier)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def all(self, kind: str) -> dict[str, Document]:
        """Id → document of one kind, in the order of their ids."""
        with self._lock:
            rows = self._connection.execute("SELECT id, document FROM documents WHERE kind = ? ORDER BY id", (kind,))
            return {identifier: json.loads(text) for identifier, text in rows.fetchall()}

    def delete(self, kind: str, identifier: str) -> bool:
        """Remove a document; False when there was none."""
        with self._lock:
            done = self._connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, identifier))
        return done.rowcount > 0

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()
