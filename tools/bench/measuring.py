"""One command measured as a whole process, by the operating system's own accounting."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figures:
    """Seconds of wall clock and of CPU (user and system), and peak memory in megabytes."""

    wall: float
    cpu: float
    memory: float


class CommandFailed(Exception):
    """The command did not end well; its figures would mean nothing."""


def measured(command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path | None = None) -> Figures:
    """Run a command to its end in the folder ``cwd``; what it prints goes to ``log``. Raises CommandFailed."""
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(errors="replace")[-600:]
        raise CommandFailed(f"{command[0]} ended with {process.returncode}: {tail}")
    return Figures(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
