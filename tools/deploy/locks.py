"""Lock files of the engine's file backend, which a killed engine leaves behind.

A lock is ``.pulumi/locks/organization/PROJECT/STACK/UUID.json`` with pid, host, user and time; it has no lease.
https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/backend/diy/lock.go
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from tools.deploy import processes
from tools.deploy.errors import Refused

#: Seconds in which the engine has certainly written a lock, and between two looks.
_WRITING, _LOOK = 1.0, 0.05


@dataclass(frozen=True)
class Lock:
    """One lock file."""

    path: Path
    pid: int
    host: str
    user: str
    since: str

    @property
    def is_stale(self) -> bool:
        """Whether its process is certainly gone: it ran on this host, and its id is free or a later process's."""
        if self.host != socket.gethostname():
            return False
        process = processes.alive(self.pid)
        if process is None:
            return True
        try:
            return process.name() != "pulumi" and process.create_time() > datetime.fromisoformat(self.since).timestamp()
        except (psutil.Error, ValueError):
            return False


def read(path: Path) -> Lock:
    """The lock in ``path``; one that cannot be parsed was cut off when it was written, so nobody holds it."""
    try:
        said = json.loads(path.read_text("utf-8"))
        return Lock(path, said["pid"], said["hostname"], said["username"], said["timestamp"])
    except (ValueError, KeyError):
        return Lock(path, 0, socket.gethostname(), "", "")


def release_stale(backend: Path, stack: str) -> list[Lock]:
    """Remove the locks of dead processes on ``stack``; a living or foreign one is refused with what to do."""
    found = [read(path) for path in _lock_files(backend, stack)]
    held = [lock for lock in found if not lock.is_stale]
    if held:
        raise Refused("\n".join(held_by(lock, stack) for lock in held))
    for lock in found:
        lock.path.unlink(missing_ok=True)
    return found


def _lock_files(backend: Path, stack: str) -> list[Path]:
    """Also those that a kill or a full disk left unfinished: the engine takes them for locks and cannot read them.

    One that is being written has its time to become a lock.
    """
    folders = f".pulumi/locks/organization/*/{stack}"
    deadline = time.monotonic() + _WRITING
    while any(backend.glob(f"{folders}/*.json.*.tmp")) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return sorted([*backend.glob(f"{folders}/*.json"), *backend.glob(f"{folders}/*.json.*.tmp")])


def held_by(lock: Lock, stack: str) -> str:
    """Who holds a lock, and what to do."""
    who = f"stack {stack} is locked by process {lock.pid} of {lock.user} on {lock.host} since {lock.since}"
    if lock.host == socket.gethostname():
        return f"{who}, which still runs: wait until it has ended, or stop it with `kill -INT {lock.pid}`"
    return f"{who}: if nothing runs there any more, remove {lock.path} and run it again"
