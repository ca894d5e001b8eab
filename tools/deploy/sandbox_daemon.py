"""Starts, finds and stops the sandbox's process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from tools.deploy import processes
from tools.deploy.errors import Refused
from tools.deploy.places import Places, number

START_SECONDS = 60
STOP_SECONDS = 10
CONTROL_TIMEOUT = (2, 10)
_TAIL = 15


@dataclass(frozen=True)
class Running:
    """A sandbox that runs: what its ``sandbox.json`` says."""

    pid: int
    control_url: str
    site_url: str
    environment: dict[str, str] = field(repr=False)

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        """Ask the control API; returns its JSON. Its refusals become :class:`Refused` with its own text."""
        try:
            with requests.Session() as session:
                session.trust_env = False  # the address is local, whatever proxy the user has
                answer = session.request(method, self.control_url + path, json=body, timeout=CONTROL_TIMEOUT)
        except requests.RequestException as error:
            raise Refused(
                f"the sandbox (process {self.pid}) does not answer at {self.control_url}{path} "
                f"({type(error).__name__}): stop it with `make down`, then run `make up`"
            ) from error
        if not answer.ok:
            raise Refused(answer.text.strip() or f"the sandbox answers {answer.status_code} to {method} {path}")
        return answer.json()


def find(places: Places) -> Running | None:
    """The sandbox of this state folder if it runs; a description that a dead one left counts as none."""
    try:
        said = json.loads(places.description.read_text("utf-8"))
        running = Running(said["pid"], said["control_url"], said["site_url"], said["environment"])
    except (OSError, ValueError, KeyError):
        return None
    return running if process_of(places, running.pid) else None


def process_of(places: Places, pid: int) -> psutil.Process | None:
    """The process ``pid`` if it is a sandbox on this state folder, by its command line; else None."""
    process = processes.alive(pid)
    try:
        if process is None or "sandbox" not in process.cmdline():
            return None
        folder = process.cwd()
        world = os.path.realpath(places.world)
        ours = any(os.path.realpath(Path(folder, given)) == world for given in process.cmdline())
    except psutil.Error:
        return None
    return process if ours else None


def require(places: Places) -> Running:
    """The running sandbox, or an error that says how to start it."""
    running = find(places)
    if running is None:
        raise Refused(f"no sandbox runs on {places.state}: start it with `make up`")
    return running


def unsettled(places: Places) -> list[str]:
    """Platforms with a site that the edge does not send visitors to; not those broken on purpose."""
    platforms = require(places).ask("GET", "/status")["platforms"]
    return [
        str(found["name"])
        for found in platforms
        if found["live_release"] is not None and found["state"] not in {"healthy", "broken"}
    ]


def start(places: Places, environment: Mapping[str, str] = os.environ) -> tuple[Running, bool]:
    """The running sandbox, started with the options of ``environment`` if need be, and whether it was."""
    running = find(places)
    if running is not None:
        return running, False
    places.world.mkdir(parents=True, exist_ok=True)
    with places.log.open("ab") as log:
        began = log.tell()
        process = subprocess.Popen(
            command(places, environment),
            cwd=places.root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    remember(places, process.pid)
    return await_ready(places, process, began), True


def command(places: Places, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The sandbox's command line; PEACEFULROBOT_PORT (0: any free one) and PEACEFULROBOT_SPEED are the caller's."""
    port = int(number(environment, "PEACEFULROBOT_PORT", 8400))
    speed = number(environment, "PEACEFULROBOT_SPEED", 20)
    options = ["--state", str(places.world), "--port", str(port), "--speed", f"{speed:g}"]
    return [sys.executable, "-m", "sandbox", *options]


def remember(places: Places, pid: int) -> None:
    """Write down which process was started, for a stop before it has described itself."""
    started_file(places).write_text(json.dumps({"pid": pid}), "utf-8")


def started_file(places: Places) -> Path:
    """Where the started process is written down."""
    return places.state / "sandbox.started.json"


def await_ready(places: Places, process: subprocess.Popen[bytes], began: int) -> Running:
    """Wait until the sandbox describes itself; an early end or too long a wait shows the end of its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        running = find(places)
        if running is not None:
            return running
        if ended:
            raise Refused(
                f"the sandbox ended at once with exit code {process.returncode}; the end of {places.log}:\n"
                + tail(places.log, began)
            )
        time.sleep(0.05)
    processes.end(psutil.Process(process.pid), patience=STOP_SECONDS)
    raise Refused(
        f"the sandbox was not ready after {START_SECONDS} s; the end of {places.log}:\n{tail(places.log, began)}"
    )


def tail(log: Path, began: int) -> str:
    """The last lines of what was written to ``log`` after byte ``began``."""
    with log.open("rb") as stream:
        stream.seek(began)
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_TAIL:]) or "  (nothing)"


def started(places: Places) -> psutil.Process | None:
    """The process of this state folder's sandbox, also one that has not described itself yet."""
    for path in (places.description, started_file(places)):
        try:
            pid = json.loads(path.read_text("utf-8"))["pid"]
        except (OSError, ValueError, KeyError):
            continue
        process = process_of(places, pid)
        if process is not None:
            return process
    return None


def stop(places: Places) -> int | None:
    """Stop the sandbox of this state folder; returns its process id, None if none ran."""
    process = started(places)
    running = find(places)
    if process is not None:
        if running is not None and asked_to_stop(running):
            wait_for_end(process)
        processes.end(process, patience=STOP_SECONDS)
    for left in (places.description, started_file(places)):
        left.unlink(missing_ok=True)
    return process.pid if process else None


def asked_to_stop(running: Running) -> bool:
    """Ask by the control API; False if it does not answer."""
    try:
        running.ask("POST", "/stop")
    except Refused:
        return False
    return True


def wait_for_end(process: psutil.Process) -> None:
    """Wait until the process has ended by itself, :data:`STOP_SECONDS` at the most."""
    psutil.wait_procs([process], timeout=STOP_SECONDS)
