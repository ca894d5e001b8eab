"""Publishes here: the project's own ``up`` as a child in a process group of its own.

The child holds a lock that the kernel frees when it ends. So a coordinator that was killed and started again waits for
what the first one left running, and two publications never run side by side.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.history import Deployment, HostResult, Outcome, Result
from coordinator.stopping import Stopped, rest
from coordinator.ways import Note

_log = logging.getLogger(__name__)
OUTCOME = "PEACEFULROBOT_OUTCOME"
"""Variable that names the file in which the publication says what came of it, platform by platform."""
CONTENT = "PEACEFULROBOT_CONTENT"
_LOOK = 0.1
_KEPT_LOGS = 20
#: Make tells its children that they are; the publication would end with the coordinator then.
_OF_MAKE = ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")


class _Host(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str
    url: str = ""
    release: str = ""
    trouble: str = ""
    steps: dict[str, float] = Field(default_factory=dict)


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")
    platforms: tuple[_Host, ...]


@dataclass(frozen=True)
class Up:
    """``deploy: up``."""

    command: Sequence[str]
    folder: Path
    """Working folder of the command."""
    state: Path
    """Folder for the lock and the logs."""
    content_at: Callable[[str], str]
    """Commit → what the publication is told to publish."""
    patience: float
    """Real seconds that a stop waits until the publication is asked to end."""
    withheld: frozenset[str] = frozenset()
    """Variables of the environment that it does not get."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    name: str = "up"

    async def deploy(self, deployment: Deployment, note: Note, stop: asyncio.Event) -> Result:
        """Run it to its end. A stop waits, then asks it once to end in good order, and waits on; it is never killed."""
        del note
        try:
            async with self._alone(stop) as lock:
                return await self._run(deployment, lock, stop)
        except Stopped:
            return Result(Outcome.INTERRUPTED, "the coordinator was stopped before it began")
        except OSError as error:
            return Result(Outcome.FAILED, f"the publication cannot be started: {error.strerror}")

    async def close(self) -> None:
        """Nothing is held."""

    @asynccontextmanager
    async def _alone(self, stop: asyncio.Event) -> AsyncIterator[int]:
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.state / "publication.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _taken(lock):
                _log.info("a publication of an earlier coordinator still runs; waiting for its end")
                while not _taken(lock):
                    await rest(stop, _LOOK)
            yield lock
        finally:
            os.close(lock)

    async def _run(self, deployment: Deployment, lock: int, stop: asyncio.Event) -> Result:
        outcome, log = (self.state / f"{deployment.id}.{kind}" for kind in ("json", "log"))
        outcome.unlink(missing_ok=True)
        self._forget_old_logs()
        with log.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=self.folder,
                env=self._environment(deployment.tip, outcome),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )
        asked = await self._ended(process, stop)
        hosts = _read(outcome)
        outcome.unlink(missing_ok=True)
        return _result(process.returncode or 0, hosts, asked=asked, log=log)

    async def _ended(self, process: asyncio.subprocess.Process, stop: asyncio.Event) -> bool:
        """Wait for its end; true when it was asked to end."""
        waiting, stopping = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        asked = False
        if not waiting.done():
            _log.info("stopping after the publication that runs (process %d)", process.pid)
            await asyncio.wait({waiting}, timeout=self.patience)
            if not waiting.done():
                _log.info("asking the publication to finish what is under way and to end")
                process.send_signal(signal.SIGTERM)
                asked = True
        await waiting
        return asked

    def _environment(self, tip: str, outcome: Path) -> dict[str, str]:
        left_out = {*self.withheld, *_OF_MAKE}
        kept = {name: value for name, value in self.environment.items() if name not in left_out}
        return {**kept, CONTENT: self.content_at(tip), OUTCOME: str(outcome), "NO_COLOR": "1"}

    def _forget_old_logs(self) -> None:
        logs = sorted(self.state.glob("*.log"), key=lambda log: log.stat().st_mtime)
        for log in logs[: -_KEPT_LOGS + 1]:
            log.unlink(missing_ok=True)


def project_command(stack: str) -> list[str]:
    """The project's own ``up``."""
    return [sys.executable, "-m", "tools.deploy", "up", "--stack", stack]


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(outcome: Path) -> tuple[HostResult, ...]:
    """What the publication said of each platform; nothing where it said nothing that can be read."""
    try:
        said = _Said.model_validate_json(outcome.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        _log.warning("what the publication said of the platforms cannot be read (%s)", type(error).__name__)
        return ()
    return tuple(HostResult(one.name, one.url, one.release, one.trouble, one.steps) for one in said.platforms)


def _result(code: int, hosts: tuple[HostResult, ...], *, asked: bool, log: Path) -> Result:
    if code == 0:
        return Result(Outcome.DEPLOYED, "published and verified", hosts)
    if asked:
        return Result(Outcome.INTERRUPTED, "the coordinator was stopped", hosts)
    ended = f"with code {code}" if code > 0 else f"by signal {-code}"
    _log.error("the publication ended %s; its log is %s", ended, log)
    troubled = [host.name for host in hosts if host.trouble]
    if troubled:
        return Result(Outcome.FAILED, f"failed on {', '.join(troubled)}", hosts)
    return Result(Outcome.FAILED, f"the publication ended {ended}", hosts)
