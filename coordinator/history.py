"""Deployments, past and under way, and what forges are still to be told of them: on disk, in one transaction each.

A report has one row for each forge, deployment and platform, and only its newest state: a forge that was down for a day
is told how things are, not all that has happened.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from coordinator.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deployment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, number INTEGER NOT NULL, tip TEXT NOT NULL,
    first INTEGER NOT NULL, attempt INTEGER NOT NULL, way TEXT NOT NULL, handle TEXT NOT NULL DEFAULT '',
    began REAL NOT NULL, ended REAL, outcome TEXT NOT NULL DEFAULT 'running', said TEXT NOT NULL DEFAULT '',
    hosts TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX IF NOT EXISTS deployment_by_target ON deployment (target, id);
CREATE TABLE IF NOT EXISTS report (
    forge TEXT NOT NULL, deployment INTEGER NOT NULL, host TEXT NOT NULL, tip TEXT NOT NULL, state TEXT NOT NULL,
    said TEXT NOT NULL, url TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1, sent INTEGER NOT NULL DEFAULT 0,
    remote TEXT NOT NULL DEFAULT '', since REAL NOT NULL, PRIMARY KEY (forge, deployment, host)
) STRICT, WITHOUT ROWID;
"""
_KEPT = 30 * 24 * 3600.0
"""Seconds that an end is remembered."""
_WORTH_TELLING = 7 * 24 * 3600.0
"""Seconds after which a report that nobody took is given up."""


class Outcome(StrEnum):
    """How a deployment ended."""

    RUNNING = "running"
    DEPLOYED = "deployed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """By a stop of the coordinator; it is done again."""
    DIED = "died"
    """The coordinator was killed within it; it is done again."""


@dataclass(frozen=True)
class HostResult:
    """One platform after a deployment."""

    name: str
    url: str = ""
    release: str = ""
    trouble: str = ""
    """Empty where all is well."""
    steps: Mapping[str, float] = field(default_factory=dict)
    """``upload``, ``publish``, ``verify`` → seconds, where the way tells."""


@dataclass(frozen=True)
class Result:
    """What came of a deployment."""

    outcome: Outcome
    said: str
    """One sentence for people; it may be shown in public."""
    hosts: tuple[HostResult, ...] = ()


@dataclass(frozen=True)
class Deployment:
    """One attempt to make a tip live."""

    id: int
    target: str
    number: int
    """Of the queue: it serves the pushes up to this one."""
    tip: str
    first: int
    """Id of the first attempt at this tip; reports are about that."""
    attempt: int
    way: str
    handle: str
    """What a way needs to find its own run again; empty before it has one."""
    began: float
    ended: float | None
    outcome: Outcome
    said: str
    hosts: tuple[HostResult, ...]


class State(StrEnum):
    """What a forge is told."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    """It was cut off, or nobody can tell."""


@dataclass(frozen=True)
class Report:
    """What one forge is to be told of one platform, or of all together where ``host`` is empty."""

    forge: str
    deployment: int
    host: str
    tip: str
    state: State
    said: str
    url: str
    version: int = 1
    remote: str = ""
    """The forge's own id of the deployment; empty before it is known."""


class History:
    """Opened with ``async with``. All methods raise DiskRefuses."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock

    async def __aenter__(self) -> Self:
        await self._database.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.close()

    async def begin(self, target: str, number: int, tip: str, way: str, after: Deployment | None = None) -> Deployment:
        """Write down that a deployment begins; ``after`` is the attempt before it at the same tip."""
        attempt = 1 if after is None else after.attempt + (after.outcome is Outcome.FAILED)

        def write() -> int:
            key = self._run(
                "INSERT INTO deployment (target, number, tip, first, attempt, way, began) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "RETURNING id",
                (target, number, tip, after.first if after else 0, attempt, way, self._clock()),
            )[0][0]
            self._run("UPDATE deployment SET first = id WHERE id = ? AND first = 0", (key,))
            self._run("DELETE FROM deployment WHERE ended < ?", (self._clock() - _KEPT,))
            return int(key)

        return await self.deployment(await self._database.write(write))

    async def note(self, key: int, handle: str) -> None:
        """Keep what a way needs to find its run again."""
        await self._database.write(lambda: self._run("UPDATE deployment SET handle = ? WHERE id = ?", (handle, key)))

    async def end(self, key: int, result: Result, reports: Sequence[Report] = ()) -> None:
        """Write down how it ended, and what is to be told of it."""
        hosts = json.dumps([asdict(host) for host in result.hosts])

        def write() -> None:
            self._run(
                "UPDATE deployment SET ended = ?, outcome = ?, said = ?, hosts = ? WHERE id = ?",
                (self._clock(), result.outcome, result.said, hosts, key),
            )
            self._tell(reports)

        await self._database.write(write)

    async def tell(self, reports: Sequence[Report]) -> None:
        """Have forges told; what they were to be told before of the same is replaced."""
        await self._database.write(lambda: self._tell(reports))

    async def deployment(self, key: int) -> Deployment:
        """One deployment."""
        return (await self._deployments("WHERE id = ?", key))[0]

    async def unfinished(self) -> list[Deployment]:
        """Deployments that began and did not end, oldest first."""
        return await self._deployments("WHERE ended IS NULL ORDER BY id")

    async def last(self, target: str, outcome: Outcome | None = None) -> Deployment | None:
        """The newest deployment that ended, with one outcome or any."""
        which = "WHERE target = ? AND ended IS NOT NULL AND (?2 IS NULL OR outcome = ?2) ORDER BY id DESC LIMIT 1"
        found = await self._deployments(which, target, outcome)
        return found[0] if found else None

    async def newest(self, count: int) -> list[Deployment]:
        """The newest deployments, also those that run, newest first."""
        return await self._deployments("ORDER BY id DESC LIMIT ?", count)

    async def last_success(self) -> Deployment | None:
        """The newest deployment that succeeded."""
        found = await self._deployments("WHERE outcome = 'deployed' ORDER BY id DESC LIMIT 1")
        return found[0] if found else None

    async def is_older(self, target: str, tip: str) -> bool:
        """Whether ``tip`` was begun once, and another one after it."""
        tips = [one.tip for one in await self._deployments("WHERE target = ? ORDER BY id", target)]
        return tip in tips and tips[-1] != tip

    # What is to be told

    async def next_report(self, forge: str) -> Report | None:
        """The oldest report that a forge has not taken."""
        sql = (
            f"SELECT {', '.join(_REPORT)} FROM report "  # noqa: S608 - names of this file
            "WHERE forge = ? AND sent < version ORDER BY since, deployment, host LIMIT 1"
        )
        rows = await self._database.read(lambda: self._run(sql, (forge,)))
        return _report(rows[0]) if rows else None

    async def name_remote(self, report: Report, remote: str) -> None:
        """Keep the forge's id of the deployment that a report is about."""
        await self._database.write(
            lambda: self._run(f"UPDATE report SET remote = ? {_ONE_REPORT}", (remote, *_key(report)))  # noqa: S608
        )

    async def sent(self, report: Report) -> None:
        """The forge has taken it; a newer state of the same stays to be told."""
        await self._database.write(
            lambda: self._run(f"UPDATE report SET sent = ? {_ONE_REPORT}", (report.version, *_key(report)))  # noqa: S608
        )

    async def waiting(self, forge: str) -> int:
        """Reports that a forge has not taken."""
        sql = "SELECT count(*) FROM report WHERE forge = ? AND sent < version"
        return int((await self._database.read(lambda: self._run(sql, (forge,))))[0][0])

    def _tell(self, reports: Sequence[Report]) -> None:
        for one in reports:
            self._run(
                "INSERT INTO report (forge, deployment, host, tip, state, said, url, since) VALUES (?, ?, ?, ?, ?, ?, "
                "?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, said = excluded.said, url = excluded.url, "
                "since = excluded.since, version = version + 1",
                (one.forge, one.deployment, one.host, one.tip, one.state, one.said, one.url, self._clock()),
            )
        self._run("DELETE FROM report WHERE since < ?", (self._clock() - _WORTH_TELLING,))

    async def _deployments(self, which: str, *values: Any) -> list[Deployment]:
        sql = f"SELECT {', '.join(_DEPLOYMENT)} FROM deployment {which}"  # noqa: S608 - names and conditions of this file
        rows = await self._database.read(lambda: self._run(sql, values))
        return [_deployment(row) for row in rows]

    def _run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._database.connection.execute(sql, values).fetchall()


_DEPLOYMENT = tuple(field.name for field in fields(Deployment))
_REPORT = tuple(field.name for field in fields(Report))
_ONE_REPORT = "WHERE forge = ? AND deployment = ? AND host = ?"


def _key(report: Report) -> tuple[str, int, str]:
    return report.forge, report.deployment, report.host


def _deployment(row: tuple[Any, ...]) -> Deployment:
    values = dict(zip(_DEPLOYMENT, row, strict=True))
    hosts = tuple(HostResult(**host) for host in json.loads(values["hosts"]))
    return Deployment(**{**values, "outcome": Outcome(values["outcome"]), "hosts": hosts})


def _report(row: tuple[Any, ...]) -> Report:
    values = dict(zip(_REPORT, row, strict=True))
    return Report(**{**values, "state": State(values["state"])})
