"""What was found, on disk: single looks for two days, five minutes' sums for ninety, days for ever.

Availability is counted, never guessed: moments at which nobody looked stand nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from coordinator.database import Database
from coordinator.watching.incidents import Event
from coordinator.watching.targets import Finding

_SCHEMA = """
CREATE TABLE IF NOT EXISTS target (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS look (
    target INTEGER NOT NULL, at REAL NOT NULL, good INTEGER NOT NULL, ms INTEGER NOT NULL, PRIMARY KEY (target, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sum (
    target INTEGER NOT NULL, span INTEGER NOT NULL, begins INTEGER NOT NULL,
    good INTEGER NOT NULL, bad INTEGER NOT NULL, ms INTEGER NOT NULL, PRIMARY KEY (target, span, begins)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS now (
    target INTEGER PRIMARY KEY, at REAL NOT NULL, good INTEGER NOT NULL, why TEXT NOT NULL, ms INTEGER NOT NULL,
    released TEXT NOT NULL, since REAL NOT NULL, certificate_days REAL
) STRICT;
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, at REAL NOT NULL, said TEXT NOT NULL,
    incident INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS event_by_incident ON event (incident, id);
CREATE INDEX IF NOT EXISTS event_by_age ON event (at);
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
FIVE_MINUTES, DAY = 300, 86_400
#: Seconds that looks and five minutes' sums are kept.
LOOKS_KEPT, SUMS_KEPT = 2 * DAY, 90 * DAY
_ADD = """
INSERT INTO sum (target, span, begins, good, bad, ms) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad, ms = ms + excluded.ms
"""
_NOW = """
INSERT INTO now (target, at, good, why, ms, released, since, certificate_days) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?2, ?7)
ON CONFLICT DO UPDATE SET at = ?2, good = ?3, why = ?4, ms = ?5, certificate_days = coalesce(?7, certificate_days),
    since = CASE WHEN ?6 IN ('', released) THEN since ELSE ?2 END, released = CASE ?6 WHEN '' THEN released ELSE ?6 END
"""


@dataclass(frozen=True)
class Sum:
    """Looks at one target in one span. ``begins`` is Unix seconds."""

    begins: int
    good: int
    bad: int
    seconds: float
    """Mean of the good ones."""

    @property
    def looks(self) -> int:
        """All of them."""
        return self.good + self.bad


@dataclass(frozen=True)
class Now:
    """The last look at one target."""

    target: str
    at: float
    good: bool
    why: str
    seconds: float
    release: str
    since: float
    """When this release was first seen there."""
    certificate_days: float | None


class Archive:
    """Opened with ``async with``. All methods raise DiskRefuses."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock
        self._ids: dict[str, int] = {}
        self._tidied = 0.0

    async def __aenter__(self) -> Self:
        await self._database.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()

    async def keep(self, findings: Iterable[Finding], events: Iterable[Event] = (), situation: str = "") -> None:
        """Keep one round with what it led to, whole or not at all."""
        findings, events = list(findings), list(events)

        def write() -> None:
            for finding in findings:
                self._add(finding)
            self._run_many(
                "INSERT INTO event (kind, subject, at, said, incident) VALUES (?, ?, ?, ?, ?)",
                [(one.kind, one.subject, one.at, one.text, one.number) for one in events],
            )
            if situation:
                self._run_many("INSERT OR REPLACE INTO kept (name, value) VALUES ('situation', ?)", [(situation,)])
            self._tidy()

        await self._database.write(write)

    async def situation(self) -> str:
        """What ``keep`` was given last; empty before."""
        found = await self._query("SELECT value FROM kept WHERE name = 'situation'")
        return str(found[0][0]) if found else ""

    async def now(self) -> list[Now]:
        """The last look at every target, by name."""
        rows = await self._query(
            "SELECT name, at, good, why, ms, released, since, certificate_days FROM now JOIN target ON target = id "
            "ORDER BY name"
        )
        return [Now(row[0], row[1], bool(row[2]), row[3], row[4] / 1000, row[5], row[6], row[7]) for row in rows]

    async def sums(self, target: str, span: int, since: float) -> list[Sum]:
        """Sums of ``span`` seconds (300 or 86,400) that begin at ``since`` or later, in order."""
        rows = await self._query(
            "SELECT begins, good, bad, ms FROM sum JOIN target ON target = id "
            "WHERE name = ? AND span = ? AND begins >= ? ORDER BY begins",
            (target, span, since),
        )
        return [Sum(begins, good, bad, ms / good / 1000 if good else 0.0) for begins, good, bad, ms in rows]

    async def events(self, since: float) -> list[Event]:
        """What happened, oldest first."""
        rows = await self._query(
            "SELECT kind, subject, at, said, incident FROM event WHERE at >= ? ORDER BY id", (since,)
        )
        return [Event(*row) for row in rows]

    def _add(self, found: Finding) -> None:
        key, ms = self._id(found.target), round(found.seconds * 1000)
        row = (key, found.at, int(found.good), ms)
        self._run_many("INSERT OR IGNORE INTO look (target, at, good, ms) VALUES (?, ?, ?, ?)", [row])
        good, bad = int(found.good), int(not found.good)
        spans = [(key, span, int(found.at // span * span), good, bad, ms * good) for span in (FIVE_MINUTES, DAY)]
        self._run_many(_ADD, spans)
        self._run_many(_NOW, [(key, found.at, good, found.why, ms, found.release, found.certificate_days)])

    def _id(self, name: str) -> int:
        if name not in self._ids:
            self._run_many("INSERT OR IGNORE INTO target (name) VALUES (?)", [(name,)])
            found = self._database.connection.execute("SELECT id FROM target WHERE name = ?", (name,)).fetchone()
            self._ids[name] = int(found[0])
        return self._ids[name]

    def _tidy(self) -> None:
        """Remove what is older than it is kept, every five minutes."""
        now = self._clock()
        if now - self._tidied < FIVE_MINUTES:
            return
        self._tidied = now
        self._run_many("DELETE FROM look WHERE at < ?", [(now - LOOKS_KEPT,)])
        self._run_many("DELETE FROM sum WHERE span = ? AND begins < ?", [(FIVE_MINUTES, now - SUMS_KEPT)])

    def _run_many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        self._database.connection.executemany(statement, rows)

    async def _query(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return await self._database.read(lambda: self._database.connection.execute(statement, values).fetchall())
