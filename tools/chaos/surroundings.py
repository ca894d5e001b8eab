"""What a run stands on gives way: the disk is full, the state folder cannot be written, no name resolves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tools.chaos.crashes import Scene, UndisturbedRunFailed, scene
from tools.chaos.findings import Case, errors
from tools.chaos.stage import NEVER

#: Bytes of the small disk, and how many of them are left when a run begins.
_DISK = 96_000_000
_LEFT = (0, 4_096, 65_536, 400_000, 1_000_000, 2_500_000)
#: Writes a file that leaves so many bytes of its disk.
_FILL = """
count=$(($(df --output=avail -B1 "$(dirname "$1")" | tail -1) - $2))
[ $count -le 0 ] || head -c $count /dev/zero > "$1"
"""
_NOWHERE = "no-such-name.invalid"


class NoNamespace(Exception):
    """This user cannot have file systems of their own to spoil; the text says why."""


class Surroundings:
    """Each case: a run under the trouble, and one after it."""

    def __init__(self, site: Path, random: Random, only: str = "", left: tuple[int, ...] = _LEFT) -> None:
        self.site = site
        self.random = random
        self.only = only
        self.left = left

    def cases(self) -> Iterator[Case]:
        """All of them; what needs root is left out by name without."""
        wanted: Mapping[str, Callable[[], Iterator[Case]]] = {
            "no name resolves": self._no_names,
            "the state cannot be written": self._read_only,
            "the disk fills during the run": self._full_disk,
        }
        for name, tried in wanted.items():
            if self.only in name:
                try:
                    yield from tried()
                except NoNamespace as why:
                    yield Case("surroundings", name, "all", f"left out: {why}")

    @contextmanager
    def _published(self, *prepare: list[str]) -> Iterator[Scene]:
        """A scene with a release; its commands run in a mount namespace where something is to be prepared there."""
        with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
            made = scene(Path(temporary), self.site, self.random)
            made.stage.places.backend.mkdir(parents=True)
            made.stage.start_sandbox()
            try:
                with _namespace() if prepare else _here() as within:
                    made.stage.within = tuple(within)
                    for command in prepare:
                        _do(made, *command)
                    made.live = made.edited.edit()
                    code, output = made.stage.ended("up")
                    if code:
                        raise UndisturbedRunFailed(errors(output))
                    yield made
            finally:
                made.stage.stop_sandbox()

    def _case(self, made: Scene, row: str, what: str, trouble: Callable[[], None], end: Callable[[], None]) -> Case:
        started = time.monotonic()
        before, old, new = made.judge.before(), made.live, made.edited.edit()
        made.stage.ask("DELETE", "/calls")
        trouble()
        try:
            code, output = made.stage.ended("up")
        finally:
            end()
        broken = made.judge.whole({old, new})
        if code == NEVER:
            broken.append("the run did not end")
        if "Traceback (most recent call last)" in output:
            broken.append(f"the run ended with a traceback: {errors(output)}")
        after, said = made.stage.ended("up")
        if after:
            broken.append(f"the next run ended with {after}: {errors(said)}")
        broken += made.judge.converged(new, before)
        made.live = new
        seconds = time.monotonic() - started
        return Case("surroundings", row, f"{what}: {_reason(output)}", _outcome(code), tuple(broken), seconds)

    def _no_names(self) -> Iterator[Case]:
        with self._published() as made:
            path = made.stage.places.description
            whole = path.read_text("utf-8")
            yield self._case(
                made,
                "no name resolves",
                "every address of an API is one that nobody knows, and there is no proxy",
                lambda: _replace(path, _without_names(json.loads(whole))),
                lambda: _replace(path, json.loads(whole)),
            )

    def _read_only(self) -> Iterator[Case]:
        row = "the state cannot be written"
        with self._published(["true"]) as made:
            for folder in (made.stage.folder, made.stage.places.backend):
                again = [["mount", "--bind", str(folder), str(folder)], ["mount", "-o", "remount,bind,ro", str(folder)]]
                ends = partial(_do, made, "umount", str(folder))
                yield self._case(made, row, folder.name, partial(_do_all, made, again), ends)

    def _full_disk(self) -> Iterator[Case]:
        row = "the disk fills during the run"
        with self._published(
            ["mkdir", "-p", "BACKEND"], ["mount", "-t", "tmpfs", f"-osize={_DISK}", "t", "BACKEND"]
        ) as made:
            filler = str(made.stage.places.backend / "filler")
            for left in self.left:
                yield self._case(
                    made,
                    row,
                    f"{left:,} bytes were left",
                    partial(_do, made, "sh", "-c", _FILL, "sh", filler, str(left)),
                    partial(_do, made, "rm", "-f", filler),
                )


def _outcome(code: int) -> str:
    return "recovered" if code == 0 else "clear error"


def _reason(output: str) -> str:
    """The first line that says what was wrong."""
    lines = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    return lines[0][:200] if lines else "no error"


def _do(made: Scene, *command: str) -> None:
    """Run a command where the stage's commands run; BACKEND stands for the folder of the engine's state."""
    given = [part.replace("BACKEND", str(made.stage.places.backend)) for part in command]
    done = subprocess.run([*made.stage.within, *given], capture_output=True, text=True, check=False)
    if done.returncode and command[0] == "mount":
        raise NoNamespace(f"{' '.join(given)}: {done.stderr.strip()}")


def _do_all(made: Scene, commands: list[list[str]]) -> None:
    for command in commands:
        _do(made, *command)


@contextmanager
def _here() -> Iterator[list[str]]:
    yield []


@contextmanager
def _namespace() -> Iterator[list[str]]:
    """What to put before a command so that it has mounts of its own. Raises NoNamespace."""
    if os.geteuid() or shutil.which("nsenter") is None:
        raise NoNamespace("mounts need root, and nsenter of util-linux")
    holder = subprocess.Popen(["unshare", "--mount", "sleep", "infinity"], stderr=subprocess.PIPE, text=True)
    try:
        _await_own_mounts(holder)
        yield ["nsenter", f"--target={holder.pid}", "--mount", f"--wd={Path.cwd()}", "--"]
    finally:
        holder.kill()
        holder.communicate()


def _await_own_mounts(holder: subprocess.Popen[str]) -> None:
    ours, theirs = Path("/proc/self/ns/mnt"), Path(f"/proc/{holder.pid}/ns/mnt")
    for _ in range(200):
        if holder.poll() is not None:
            raise NoNamespace((holder.stderr.read() if holder.stderr else "").strip() or "unshare failed")
        if ours.readlink() != theirs.readlink():
            return
        time.sleep(0.05)
    raise NoNamespace("unshare made no namespace")


def _without_names(described: dict[str, Any]) -> dict[str, Any]:
    variables = {
        name: value.replace("http://127.0.0.1", f"http://{_NOWHERE}")
        for name, value in described["environment"].items()
        if not name.lower().endswith("_proxy")
    }
    return {**described, "environment": variables}


def _replace(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2), "utf-8")
