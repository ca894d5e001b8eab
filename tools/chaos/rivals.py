"""Two who publish at once: one wins, the other says why it does not, and what is served is whole."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random

from rich.console import Console

from tools.bootstrap import cache_folder
from tools.chaos.crashes import Scene, UndisturbedRunFailed, scene
from tools.chaos.findings import Case, errors
from tools.chaos.stage import PATIENCE
from tools.deploy import sandbox_daemon
from tools.deploy.stack import Stack
from tools.engine.install import ensure

_LOOK = 0.05


class Rivals:
    """Each pair of rivals, ``times`` times."""

    def __init__(self, site: Path, random: Random, only: str = "", times: int = 3) -> None:
        self.site = site
        self.random = random
        self.only = only
        self.times = times

    def cases(self) -> Iterator[Case]:
        """On one stack, one after the other."""
        rivals: Mapping[str, tuple[Callable[[Scene], subprocess.Popen[str]], str]] = {
            "two runs in one checkout": (lambda made: made.stage.start("up"), "another run is under way"),
            "a run, and the engine started by hand": (self._by_hand, "is locked by"),
        }
        with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
            made = scene(Path(temporary), self.site, self.random)
            made.stage.start_sandbox()
            try:
                made.live = made.edited.edit()
                code, output = made.stage.ended("up")
                if code:
                    raise UndisturbedRunFailed(errors(output))
                for name, (first, said) in rivals.items():
                    for number in range(1, self.times + 1) if self.only in name else ():
                        yield self._case(made, name, number, first, said)
            finally:
                made.stage.stop_sandbox()

    def _case(
        self, made: Scene, name: str, number: int, first: Callable[[Scene], subprocess.Popen[str]], said: str
    ) -> Case:
        started = time.monotonic()
        before, old, new = made.judge.before(), made.live, made.edited.edit()
        process = first(made)
        time.sleep(self.random.uniform(0, 2))
        codes = {"second": made.stage.ended("up")}
        output, _ = process.communicate(timeout=PATIENCE)
        codes["first"] = (process.returncode, output)
        broken = made.judge.whole({old, new})
        lost = [text for code, text in codes.values() if code]
        broken += [f"it lost and does not say why: {errors(text)}" for text in lost if said not in text]
        if len(lost) == len(codes):
            broken.append("both lost")
        outcome = "one won, the other says why" if lost else "one after the other"
        code, output = made.stage.ended("up")
        if code:
            broken.append(f"the next run ended with {code}: {errors(output)}")
        broken += made.judge.converged(new, before)
        made.live = new
        return Case("rivals", name, str(number), outcome, tuple(broken), time.monotonic() - started)

    def _by_hand(self, made: Scene) -> subprocess.Popen[str]:
        """``pulumi up`` as a person or another machine would run it; returns when it holds the stack's lock."""
        running = sandbox_daemon.require(made.stage.places)
        engine = ensure(cache_folder(), Console(stderr=True, quiet=True))
        process = Stack("sandbox", made.stage.places).engine(engine, running.environment)
        started = subprocess.Popen(
            [str(process.binary), "up", "--yes", "--skip-preview", "--stack", process.stack, "--non-interactive"],
            cwd=process.folder,
            env={**process.environment, "PEACEFULROBOT_CONTENT": str(made.stage.content)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        locks = made.stage.places.backend / ".pulumi" / "locks"
        while started.poll() is None and not any(locks.rglob("*.json")):
            time.sleep(_LOOK)
        return started
