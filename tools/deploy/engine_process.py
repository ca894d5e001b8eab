"""Runs the engine: quietly for an answer, or in front of the user with its own display."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from tools.deploy import processes
from tools.deploy.errors import Refused

RUN = "PEACEFULROBOT_RUN"
"""Environment variable that all descendants of one run carry, so that what a killed run left can be found."""
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class EngineProcess:
    """The engine with the environment of one stack."""

    binary: Path
    stack: str
    folder: Path
    environment: Mapping[str, str]

    def ask(self, *arguments: str, allowed: Sequence[int] = (0,)) -> str:
        """Run a command to its end; returns standard output. Other exit codes become :class:`Refused`."""
        command = [str(self.binary), *arguments, "--stack", self.stack, "--non-interactive", "--color", "never"]
        answer = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if answer.returncode not in allowed:
            said = (answer.stderr or answer.stdout).strip()
            raise Refused(f"`pulumi {arguments[0]} …` on stack {self.stack} failed: {said}")
        return answer.stdout

    def show(self, *arguments: str) -> int:
        """Run a command in front of the user; returns its exit code. SIGINT and SIGTERM stop it in good order.

        The engine then finishes what is under way and saves it; a second signal would cut it off. So each request to
        stop must reach it exactly once: on a terminal Ctrl-C goes to it directly, as it is in the foreground group;
        otherwise it gets a group of its own and the first signal is handed on. Should this process be killed, the
        kernel kills the engine, and the language host ends with it.
        """
        command = [str(self.binary), *arguments, "--stack", self.stack]
        terminal = sys.stdin.isatty() and sys.stdout.isatty()
        sys.stdout.flush()
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            process_group=None if terminal else 0,
            preexec_fn=end_with(os.getpid()),
        )
        with handing_on(process, by_terminal=terminal):
            return process.wait()


def end_with(parent: int) -> Callable[[], None]:
    """What a child does before it becomes the engine: it shall not outlive ``parent``."""

    def prepare() -> None:
        processes.die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


@contextmanager
def handing_on(process: subprocess.Popen[bytes], *, by_terminal: bool) -> Iterator[None]:
    """Hand the first request to stop on to ``process`` as SIGINT, and wait on."""
    asked = False

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if asked:
            return
        asked = True
        if not (by_terminal and number == signal.SIGINT):
            process.send_signal(signal.SIGINT)
        click.echo(f"Stopping: what is under way is finished first (`kill -9 {process.pid}` cuts it off).", err=True)

    before = {number: signal.signal(number, handle) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_with_make(environment: Mapping[str, str] = os.environ) -> None:
    """When make started this process, have it stop in good order should make be killed."""
    if environment.get("MAKELEVEL"):
        processes.die_with_parent(signal.SIGTERM)
