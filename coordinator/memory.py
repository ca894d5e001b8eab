"""What the coordinator remembers through restarts: one file, written whole or not at all, checked when it is read."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, Literal

import filelock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.errors import Refused
from coordinator.ramp import Pool

_log = logging.getLogger(__name__)
VERSION: Final = 1
Moment = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Record(BaseModel):
    """One pool; times are Unix seconds."""

    model_config = ConfigDict(extra="forbid", strict=True)
    share: Annotated[int, Field(ge=0, le=100)]
    settled: bool
    since: Moment
    seen: Moment
    clean: Annotated[int, Field(ge=0)]
    counted: Moment
    failing: bool
    wait: Moment


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: Literal[1]
    pools: dict[str, _Record]


class Memory:
    """The file ``path``. With ``writing`` off it is read only: what was decided is remembered by this process."""

    def __init__(self, path: Path, *, writing: bool = True) -> None:
        self.path = path
        self._writing = writing
        self._pools: dict[str, Pool] | None = None

    @property
    def pools(self) -> Mapping[str, Pool]:
        """What is remembered of each pool, by its id; empty when there is nothing or it cannot be read."""
        if self._pools is None:
            self._pools = self._loaded()
        return self._pools

    def keep(self, pools: Mapping[str, Pool]) -> None:
        """Remember; it is on disk when this returns. Raises OSError, and then nothing has changed."""
        if pools == self.pools:
            return
        if self._writing:
            records = {key: _Record(**asdict(pool)) for key, pool in pools.items()}
            _write_whole(self.path, _File(version=VERSION, pools=records).model_dump_json(indent=1))
        self._pools = dict(pools)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other coordinator away from this file; raises Refused when there is one.

        The lock ends with the process, whatever ends that.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        holder = self.path.with_suffix(".pid")
        try:
            with filelock.FileLock(self.path.with_suffix(".lock"), timeout=0):
                holder.write_text(f"{os.getpid()}\n", "utf-8")
                yield
        except filelock.Timeout as error:
            who = holder.read_text("utf-8").strip() if holder.exists() else "unknown"
            raise Refused(
                f"a coordinator (process {who}) holds {self.path} already: two would undo each other's steps; "
                "stop that one first"
            ) from error

    def _loaded(self) -> dict[str, Pool]:
        try:
            found = _File.model_validate_json(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (ValidationError, UnicodeDecodeError) as error:
            aside = self.path.with_suffix(".unreadable")
            if self._writing:
                self.path.replace(aside)
            _log.warning(
                "%s cannot be used (%s); it is rebuilt from the load balancer, the old one is kept as %s",
                self.path,
                _first(error),
                aside.name,
            )
            return {}
        return {key: Pool(**record.model_dump()) for key, record in found.pools.items()}


def _first(error: ValidationError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    found = error.errors()[0]
    return f"{'.'.join(map(str, found['loc'])) or 'the file'}: {found['msg']}"


def _write_whole(path: Path, text: str) -> None:
    """Write beside, flush, rename, flush the folder: also kill -9 leaves the old or the new file."""
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
