"""``kill -9`` of a whole run after each of its calls, and after each time the engine has saved its state."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from tools.chaos.editing import Edited
from tools.chaos.findings import Case, errors
from tools.chaos.judging import Judge
from tools.chaos.sampling import Sample
from tools.chaos.stage import MOST_DEPLOYMENTS, PATIENCE, RELEASE, Stage, with_largest_plans

Deployment = Literal["first", "incremental", "roll-back"]
DEPLOYMENTS: tuple[Deployment, ...] = ("first", "incremental", "roll-back")
Moment = Literal["call", "checkpoint"]
MOMENTS: tuple[Moment, ...] = ("call", "checkpoint")
_WORDS: Mapping[Moment, str] = {"call": "killed after a call", "checkpoint": "killed when the engine had saved"}
_PAUSE = 0.001
#: Cases in a row, each of two deployments at the most.
_ON_ONE_SANDBOX = MOST_DEPLOYMENTS // 2 - 2


class UndisturbedRunFailed(Exception):
    """A run that nothing was done to failed: there is nothing to compare with."""


@dataclass
class Scene:
    """A stage with the content that is published there, and who judges both."""

    stage: Stage
    edited: Edited
    judge: Judge
    previous: str | None = None
    """Release that was live before the last case."""
    live: str | None = None


def scene(folder: Path, site: Path, random: Random, speed: int = 60) -> Scene:
    """A new one in an empty folder; nothing runs and nothing is published."""
    edited = Edited(site, folder, random)
    stage = Stage(folder / "state", edited.content, speed=speed)
    return Scene(stage, edited, Judge(stage, edited, random))


class Crashes:
    """The crash matrix of one kind of deployment, at one kind of moment."""

    def __init__(self, deployment: Deployment, moment: Moment, site: Path, random: Random, sample: Sample) -> None:
        self.deployment = deployment
        self.moment = moment
        self.site = site
        self.random = random
        self.sample = sample
        self.total = 0
        """Calls, or saved states, of a run that nothing is done to."""

    def cases(self) -> Iterator[Case]:
        """Those of the sample."""
        with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
            folder = Path(temporary)
            made = self._scene(folder / "0")
            try:
                self.total = self._undisturbed(made)
                for tried, number in enumerate(self.sample.numbers(self.total, self.random), start=1):
                    if self.deployment == "first" or tried % _ON_ONE_SANDBOX == 0:
                        self._close(made)
                        made = self._scene(folder / str(number))
                        if self.deployment != "first":
                            self._undisturbed(made)
                    yield self._case(made, number)
            finally:
                self._close(made)

    def _scene(self, folder: Path) -> Scene:
        made = scene(folder, self.site, self.random)
        if self.deployment != "first":
            made.stage.root = with_largest_plans(folder / "checkout")
        return made

    def _close(self, made: Scene) -> None:
        made.stage.stop_sandbox()
        shutil.rmtree(made.stage.folder.parent, ignore_errors=True)

    def _undisturbed(self, made: Scene) -> int:
        """Publish twice, so that there is something to go back to; counts the last run's calls or saved states."""
        made.stage.start_sandbox()
        for _ in range({"first": 1, "incremental": 2, "roll-back": 3}[self.deployment]):
            release, variables = self._next(made)
            made.stage.ask("DELETE", "/calls")
            with Saves(made.stage.state_file) as saves:
                code, output = made.stage.ended("up", more=variables)
            if code:
                raise UndisturbedRunFailed(errors(output))
            made.previous, made.live = made.live, release
        return len(made.stage.ask("GET", "/calls")["seen"]) if self.moment == "call" else saves.count

    def _next(self, made: Scene) -> tuple[str, dict[str, str]]:
        """The release that the next run is to make live, and the variables that say so."""
        if self.deployment == "roll-back" and made.previous is not None:
            return made.previous, {RELEASE: made.previous}
        return made.edited.edit(), {}

    def _case(self, made: Scene, number: int) -> Case:
        started = time.monotonic()
        made.stage.start_sandbox()
        before, old = made.judge.before(), made.live
        new, variables = self._next(made)
        where = self._killed(made, number, variables)
        broken = made.judge.orphans() + made.judge.whole({old, new})
        code, output = made.stage.ended("up", more=variables)
        if code:
            broken.append(f"the next run ended with {code}: {errors(output)}")
        broken += made.judge.converged(new, before) + made.judge.orphans()
        made.previous, made.live = old, new
        row = f"{self.deployment}, {_WORDS[self.moment]}"
        outcome = "killed" if where else "ended before that"
        what = f"{number} of {self.total}: {where or 'the run had ended'}"
        return Case("crash", row, what, outcome, tuple(broken), time.monotonic() - started)

    def _killed(self, made: Scene, number: int, variables: Mapping[str, str]) -> str:
        """Run and kill; returns after what, empty if the run had ended before."""
        if self.moment == "call":
            process = made.stage.start("up", more=variables)
            mishap = {"kind": "kill", "at": number, "group": process.pid}
            made.stage.ask("PUT", "/calls", {"mishaps": [mishap]})
            process.communicate(timeout=PATIENCE)
            happened: list[str] = made.stage.ask("GET", "/calls")["happened"]
            made.stage.ask("DELETE", "/calls")
            return happened[0] if happened else ""
        with Saves(made.stage.state_file) as saves:
            process = made.stage.start("up", more=variables)
            saves.kill_at(number, process)
            process.communicate(timeout=PATIENCE)
        return f"state {number} was saved" if saves.killed else ""


class Saves:
    """Counts how often a file is replaced by a new one, which is how the engine's backend saves its state."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._before = self._inode()
        self._at: tuple[int, int] | None = None
        self.killed = False
        """Whether what was to be killed was."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Saves:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def kill_at(self, number: int, process: subprocess.Popen[str]) -> None:
        """Have the process's group killed at the save of this number."""
        self._at = (number, process.pid)

    def _inode(self) -> int:
        with suppress(OSError):
            return self.path.stat().st_ino
        return 0

    def _watch(self) -> None:
        while not self._ended.wait(_PAUSE):
            found = self._inode()
            if found not in (0, self._before):
                self._before = found
                self.count += 1
            if self._at is not None and not self.killed and self.count >= self._at[0]:
                with suppress(ProcessLookupError):
                    os.killpg(self._at[1], signal.SIGKILL)
                    self.killed = True
