"""What was found, on disk: single looks for two days, sums of quarters of an hour for seven, days for ever.

Availability is counted, never guessed: moments at which nobody looked stand nowhere. A look stands for the time until
the next one, which is kept with it, so that the setting may change within a year.
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
    target INTEGER NOT NULL, begins INTEGER NOT NULL,
    good INTEGER NOT NULL, bad INTEGER NOT NULL, ms INTEGER NOT NULL, PRIMARY KEY (target, begins)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS day (
    target INTEGER NOT NULL, begins INTEGER NOT NULL, good INTEGER NOT NULL, bad INTEGER NOT NULL,
    ms INTEGER NOT NULL, watched REAL NOT NULL, down REAL NOT NULL, PRIMARY KEY (target, begins)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    target INTEGER NOT NULL, release TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (target, at)
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
QUARTER, DAY = 900, 86_400
#: Seconds that looks, sums of quarters of an hour and first sights of releases are kept.
LOOKS_KEPT, SUMS_KEPT, SIGHTS_KEPT = 2 * DAY, 7 * DAY, 90 * DAY
#: By target, as the key begins with it: else all looks would be read.
_OLD_LOOKS = "DELETE FROM look WHERE target IN (SELECT id FROM target) AND at < ?"
_ADD_SUM = """
INSERT INTO sum (target, begins, good, bad, ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad, ms = ms + excluded.ms
"""
_ADD_DAY = """
INSERT INTO day (target, begins, good, bad, ms, watched, down) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad, ms = ms + excluded.ms,
    watched = watched + excluded.watched, down = down + excluded.down
"""
_SAW = """
INSERT OR IGNORE INTO seen (target, release, at)
SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM now WHERE target = ?1 AND released = ?2)
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
class Day(Sum):
    """Likewise of one day (UTC)."""

    watched: float
    """Seconds that the looks stand for."""
    down: float
    """Seconds that the bad ones stand for."""


@dataclass(frozen=True)
class Sight:
    """A release was seen at a target for the first time. ``at`` is Unix seconds."""

    target: str
    release: str
    at: float


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

    async def keep(
        self, findings: Iterable[Finding], events: Iterable[Event] = (), situation: str = "", *, each: float = 0.0
    ) -> None:
        """Keep one round with what it led to, whole or not at all. ``each`` look stands for so many seconds."""
        findings, events = list(findings), list(events)

        def write() -> None:
            self._add(findings, each)
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
        return await self.value("situation")

    async def keep_outputs(self, text: str) -> None:
        """Keep what the stack said of itself."""
        await self.keep_value("outputs", text)

    async def outputs(self) -> str:
        """What the stack said of itself last; empty before."""
        return await self.value("outputs")

    async def keep_value(self, name: str, text: str) -> None:
        """Keep one text in the place of what had this name before."""
        insert = "INSERT OR REPLACE INTO kept (name, value) VALUES (?, ?)"
        await self._database.write(lambda: self._run_many(insert, [(name, text)]))

    async def value(self, name: str) -> str:
        """The text of this name; empty before."""
        found = await self._query("SELECT value FROM kept WHERE name = ?", (name,))
        return str(found[0][0]) if found else ""

    async def now(self) -> list[Now]:
        """The last look at every target, by name."""
        rows = await self._query(
            "SELECT name, at, good, why, ms, released, since, certificate_days FROM now JOIN target ON target = id "
            "ORDER BY name"
        )
        return [Now(row[0], row[1], bool(row[2]), row[3], row[4] / 1000, row[5], row[6], row[7]) for row in rows]

    async def sums(self, since: float) -> dict[str, list[Sum]]:
        """Target → sums of quarters of an hour that begin at ``since`` or later, in order."""
        rows = await self._query(
            "SELECT name, begins, good, bad, ms FROM sum JOIN target ON target = id WHERE begins >= ? ORDER BY begins",
            (since,),
        )
        found: dict[str, list[Sum]] = {}
        for name, begins, good, bad, ms in rows:
            found.setdefault(name, []).append(Sum(begins, good, bad, _mean(ms, good)))
        return found

    async def days(self, since: float) -> dict[str, list[Day]]:
        """Target → days that begin at ``since`` or later, in order."""
        rows = await self._query(
            "SELECT name, begins, good, bad, ms, watched, down FROM day JOIN target ON target = id "
            "WHERE begins >= ? ORDER BY begins",
            (since,),
        )
        found: dict[str, list[Day]] = {}
        for name, begins, good, bad, ms, watched, down in rows:
            found.setdefault(name, []).append(Day(begins, good, bad, _mean(ms, good), watched, down))
        return found

    async def sights(self, since: float) -> list[Sight]:
        """First sights of releases, newest first."""
        rows = await self._query(
            "SELECT name, release, at FROM seen JOIN target ON target = id WHERE at >= ? ORDER BY at DESC", (since,)
        )
        return [Sight(*row) for row in rows]

    async def events(self, since: float) -> list[Event]:
        """What happened, oldest first. An incident that reaches back further is there with all of its time line."""
        rows = await self._query(
            "SELECT kind, subject, at, said, incident FROM event WHERE at >= ?1 OR incident IN "
            "(SELECT incident FROM event WHERE at >= ?1 AND incident > 0) ORDER BY id",
            (since,),
        )
        return [Event(*row) for row in rows]

    async def last_incident(self) -> int:
        """The highest number of an incident; 0 before the first."""
        return int((await self._query("SELECT coalesce(max(incident), 0) FROM event"))[0][0])

    def _add(self, findings: Sequence[Finding], each: float) -> None:
        """All of a round at once: one statement for each table, and one row for each sum."""
        ids = {name: self._id(name) for name in {found.target for found in findings}}
        looks = [(ids[one.target], one.at, int(one.good), round(one.seconds * 1000)) for one in findings]
        sums = _summed((key, int(at // QUARTER * QUARTER), good, 1 - good, ms * good) for key, at, good, ms in looks)
        days = _summed((key, begins // DAY * DAY, good, bad, ms) for (key, begins), (good, bad, ms) in sums.items())
        self._run_many("INSERT OR IGNORE INTO look (target, at, good, ms) VALUES (?, ?, ?, ?)", looks)
        self._run_many(_ADD_SUM, [(*where, *counts) for where, counts in sums.items()])
        weighed = [(*where, *counts, sum(counts[:2]) * each, counts[1] * each) for where, counts in days.items()]
        self._run_many(_ADD_DAY, weighed)
        for found in _changes(findings):
            self._see(found)

    def _see(self, found: Finding) -> None:
        key, ms = self._id(found.target), round(found.seconds * 1000)
        if found.release:
            self._run_many(_SAW, [(key, found.release, found.at)])
        row = (key, found.at, int(found.good), found.why, ms, found.release, found.certificate_days)
        self._run_many(_NOW, [row])

    def _id(self, name: str) -> int:
        if name not in self._ids:
            self._run_many("INSERT OR IGNORE INTO target (name) VALUES (?)", [(name,)])
            found = self._database.connection.execute("SELECT id FROM target WHERE name = ?", (name,)).fetchone()
            self._ids[name] = int(found[0])
        return self._ids[name]

    def _tidy(self) -> None:
        """Remove what is older than it is kept, every quarter of an hour."""
        now = self._clock()
        if now - self._tidied < QUARTER:
            return
        self._tidied = now
        self._run_many(_OLD_LOOKS, [(now - LOOKS_KEPT,)])
        self._run_many("DELETE FROM sum WHERE begins < ?", [(now - SUMS_KEPT,)])
        self._run_many("DELETE FROM seen WHERE at < ?", [(now - SIGHTS_KEPT,)])

    def _run_many(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        self._database.connection.executemany(statement, rows)

    async def _query(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return await self._database.read(lambda: self._database.connection.execute(statement, values).fetchall())


def _mean(ms: int, good: int) -> float:
    """Seconds of one good look."""
    return ms / good / 1000 if good else 0.0


def _summed(rows: Iterable[tuple[int, int, int, int, int]]) -> dict[tuple[int, int], list[int]]:
    """(target, span) → good looks, bad ones, milliseconds of the good ones."""
    found: dict[tuple[int, int], list[int]] = {}
    for key, begins, good, bad, ms in rows:
        if (held := found.get((key, begins))) is None:
            found[key, begins] = [good, bad, ms]
        else:
            held[0] += good
            held[1] += bad
            held[2] += ms
    return found


def _changes(findings: Sequence[Finding]) -> list[Finding]:
    """Of each target's findings the first and the last with one release in a row."""
    found: dict[str, list[Finding]] = {}
    for one in findings:
        kept = found.setdefault(one.target, [])
        if len(kept) > 1 and kept[-2].release == kept[-1].release == one.release:
            kept.pop()
        kept.append(one)
    return [one for kept in found.values() for one in kept]
