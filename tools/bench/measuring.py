"""One command measured as a whole process, by the operating system's own accounting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figures:
    """Seconds of wall clock and of CPU (user and system), and peak memory in megabytes."""

    wall: float
    cpu: float
    memory: float
    stopped: bool = False
    """It had not ended after the time that it was given, so these are the least that it takes."""


class CommandFailed(Exception):
    """The command did not end well; its figures would mean nothing."""


def measured(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    seconds: float = 0,
) -> Figures:
    """Run a command to its end in the folder ``cwd``; what it prints goes to ``log``. Raises CommandFailed.

    One that takes longer than ``seconds`` is killed, and the figures say so; 0: it may take as long as it likes.
    """
    result = log.with_suffix(".json")
    result.unlink(missing_ok=True)
    launcher = [
        sys.executable,
        "-I",
        "-S",
        str(Path(__file__).with_name("launcher.py")),
        str(result.resolve()),
        str(seconds),
    ]
    _run([*launcher, *command], environment, log, cwd)
    found: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {"code": "no result"}
    if found["code"] and not found.get("stopped"):
        tail = log.read_text(errors="replace")[-600:]
        raise CommandFailed(f"{command[0]} ended with {found['code']}: {tail}")
    return Figures(found["wall"], found["cpu"], found["kilobytes"] / 1024, found["stopped"])


def bytes_under(folder: Path) -> int:
    """Size of all files in a folder; what goes while it is looked at counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def disk_in_memory() -> Path | None:
    """A folder for servers' files, so that the disk is not what is measured; None where there is none."""
    memory = Path("/dev/shm")  # noqa: S108 - temporary folders with names of their own are made in it
    return memory if memory.is_dir() else None


def _run(command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path | None) -> None:
    """Run to the end in a process group of its own, which ends with the measurement."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env=dict(environment), cwd=cwd, stdout=output, stderr=subprocess.STDOUT, process_group=0
        ) as process,
    ):
        try:
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
