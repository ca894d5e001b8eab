"""Processes of this machine. A process id says little alone: ids are used again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""


def alive(pid: int) -> psutil.Process | None:
    """The process ``pid`` if it runs; one that has ended and was not waited for counts as gone."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.Error:
        return None


def end(process: psutil.Process, *, patience: float) -> None:
    """SIGTERM, and SIGKILL after ``patience`` seconds; returns when the process is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        try:
            process.wait(patience)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(patience)


def carrying(variable: str, value: str) -> Iterator[psutil.Process]:
    """Processes of this user whose environment holds ``variable`` = ``value``: a run's descendants, orphans too."""
    return _whose_environment(lambda environment: environment.get(variable) == value)


def below(folder: Path) -> Iterator[psutil.Process]:
    """Processes of this user whose environment names ``folder`` or something in it."""
    inside = f"{folder}{os.sep}"
    return _whose_environment(lambda found: any(f"{value}{os.sep}".startswith(inside) for value in found.values()))


def _whose_environment(fits: Callable[[Mapping[str, str]], bool]) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and fits(process.environ()):
                yield process
        except psutil.Error:
            continue


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send ``number`` to this process when its parent ends, whatever ends it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
