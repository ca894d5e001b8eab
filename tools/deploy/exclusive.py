"""One run at a time in a checkout, and no leftovers of a run that was killed."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from tools.deploy import processes
from tools.deploy.engine_process import RUN
from tools.deploy.errors import Refused
from tools.deploy.places import Places


@contextmanager
def run(places: Places) -> Iterator[tuple[str, int]]:
    """Hold the checkout's lock; yields this run's id and how many processes of a killed run were ended before.

    The lock ends with the process that holds it, whatever ends that. The id is written down first and removed last:
    one that is found at the start belongs to a run that was killed.
    """
    places.state.mkdir(parents=True, exist_ok=True)
    lock, record = FileLock(places.state / "run.lock"), places.state / "run.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Refused(busy(record)) from error
    try:
        ended = end_leftovers(record)
        identity = uuid.uuid4().hex
        record.write_text(json.dumps({"pid": os.getpid(), "id": identity, "since": time.strftime("%H:%M:%S")}), "utf-8")
        yield identity, ended
        record.unlink(missing_ok=True)
    finally:
        lock.release()


def busy(record: Path) -> str:
    """Who holds the lock, and what to do."""
    try:
        holder = json.loads(record.read_text("utf-8"))
        who = f"process {holder['pid']}, since {holder['since']}"
    except (OSError, ValueError, KeyError):
        who = "a process that has just started"
    return f"another run is under way in this checkout ({who}): wait until it has ended, or stop it with Ctrl-C there"


def end_leftovers(record: Path) -> int:
    """End what a killed run left running: an orphaned plugin could still publish. Returns how many there were."""
    try:
        identity = json.loads(record.read_text("utf-8"))["id"]
    except (OSError, ValueError, KeyError):
        return 0
    left = list(processes.carrying(RUN, identity))
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=10)
    record.unlink(missing_ok=True)
    return len(left)
