"""Two who publish at once: one wins, the other says why it does not, and what is served is whole."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from rich.console import Console

from coordinator.history import Deployment, Outcome
from coordinator.ways.up import Up, project_command
from tools.bootstrap import cache_folder
from tools.chaos.crashes import Scene, UndisturbedRunFailed, scene
from tools.chaos.findings import Case, errors
from tools.chaos.stage import PATIENCE
from tools.deploy import sandbox_daemon
from tools.deploy.stack import Stack
from tools.engine.install import ensure

_LOOK = 0.05
Ending = Callable[[], tuple[int, str]]
"""Waits for the end of what was started; gives its exit code and what it said."""


class Rivals:
    """Each pair of rivals, ``times`` times."""

    def __init__(self, site: Path, random: Random, only: str = "", times: int = 3) -> None:
        self.site = site
        self.random = random
        self.only = only
        self.times = times

    def cases(self) -> Iterator[Case]:
        """On one stack, one after the other."""
        rivals: Mapping[str, tuple[Callable[[Scene], Ending], str]] = {
            "two runs in one checkout": (_same_checkout, "another run is under way"),
            "a run, and the engine started by hand": (_by_hand, "is locked by"),
            "CI and the coordinator, in checkouts of their own": (_by_coordinator, "locked by"),
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

    def _case(self, made: Scene, name: str, number: int, first: Callable[[Scene], Ending], said: str) -> Case:
        started = time.monotonic()
        before, old, new = made.judge.before(), made.live, made.edited.edit()
        ending = first(made)
        time.sleep(self.random.uniform(0, 2))
        codes = {"second": made.stage.ended("up"), "first": ending()}
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


def _same_checkout(made: Scene) -> Ending:
    return _ending(made.stage.start("up"))


def _ending(process: subprocess.Popen[str]) -> Ending:
    def ending() -> tuple[int, str]:
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    return ending


def _by_hand(made: Scene) -> Ending:
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
    return _ending(started)


def _by_coordinator(made: Scene) -> Ending:
    """The coordinator's own way to publish, on another machine but for the state of the engine and the platforms."""
    folder = made.stage.folder.parent / "coordinator"
    for shared in (made.stage.places.backend, made.stage.places.world):
        folder.mkdir(exist_ok=True)
        if not (folder / shared.name).exists():
            (folder / shared.name).symlink_to(shared)
    way = Up(
        project_command("sandbox"),
        made.stage.root,
        folder / "publications",
        lambda _: str(made.stage.content),
        PATIENCE,
        environment={**made.stage.environment, "PEACEFULROBOT_STATE": str(folder)},
    )
    order = Deployment(1, "site", 1, "tip", 1, 1, way.name, "", time.time(), None, Outcome.RUNNING, "", ())
    pool = ThreadPoolExecutor(1)
    running = pool.submit(lambda: asyncio.run(way.deploy(order, _no_note, asyncio.Event())))

    def ending() -> tuple[int, str]:
        result = running.result(timeout=PATIENCE)
        pool.shutdown()
        log = (folder / "publications" / f"{order.id}.log").read_text("utf-8")
        return int(result.outcome is not Outcome.DEPLOYED), log

    return ending


async def _no_note(handle: str) -> None:
    del handle
