"""Publishing to all platforms at once, beside publishing to each alone: seconds of a whole ``make up``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from platforms import PLATFORMS
from tools.bench import sites
from tools.bench.checkout import checkout
from tools.bench.comparing import Claim, Series, grouped
from tools.bench.measuring import CommandFailed, Figures, measured
from tools.bench.s3 import Say
from tools.deploy.places import ROOT

ALLOWED = 1.3
"""All at once may take this many times what the slowest platform takes alone."""
PART, CHANGED, ALL = "six platforms in parallel", "1 % changed", "all at once"
_EDGE_SECONDS = 180.0


@dataclass(frozen=True)
class Stack:
    """A checkout with its own sandbox and content; the sandbox's clock runs as fast as the wall clock."""

    folder: Path

    @classmethod
    def prepare(cls, folder: Path, hosts: Sequence[str], content: Path) -> Stack:
        """A checkout that publishes ``content`` to ``hosts``."""
        checkout(ROOT, folder / "checkout", hosts=list(hosts), monitorUp="1")
        shutil.copytree(content, folder / "content")
        return cls(folder)

    @property
    def environment(self) -> Mapping[str, str]:
        """Where its state and content are."""
        own = {
            "PEACEFULROBOT_STATE": str(self.folder / "state"),
            "PEACEFULROBOT_CONTENT": str(self.folder / "content"),
            "PEACEFULROBOT_PORT": "0",
            "PEACEFULROBOT_SPEED": "1",
        }
        return {**os.environ, **own}

    def up(self) -> Figures:
        """One ``up``. Raises CommandFailed."""
        command = [sys.executable, "-m", "tools.deploy", "up"]
        return measured(command, self.environment, self.folder / "log.txt", cwd=self.folder / "checkout")

    def await_edge(self) -> None:
        """Wait until the edge has found every platform in order; an ``up`` before that waits for it."""
        command = [sys.executable, "-m", "tools.deploy", "status", "--format", "json"]
        deadline = time.monotonic() + _EDGE_SECONDS
        while time.monotonic() < deadline:
            done = subprocess.run(
                command, env=dict(self.environment), cwd=self.folder / "checkout", capture_output=True, check=True
            )
            found = [one["state"] for one in json.loads(done.stdout)["platforms"] if one["live_release"]]
            if set(found) == {"healthy"}:
                return
            time.sleep(1.0)
        raise CommandFailed(f"the edge did not find all platforms in order within {_EDGE_SECONDS:.0f} s")

    def down(self) -> None:
        """Stop its sandbox."""
        command = [sys.executable, "-m", "tools.deploy", "down"]
        subprocess.run(command, env=dict(self.environment), cwd=self.folder / "checkout", check=False)


def runs_of(hosts: Sequence[str], content: Path, folder: Path, rounds: int, say: Say) -> list[Figures]:
    """Figures of each round: one file in a hundred is changed and published."""
    stack = Stack.prepare(folder, hosts, content)
    try:
        stack.up()
        stack.await_edge()
        found = []
        for number in range(rounds):
            sites.change_some(folder / "content", number)
            found.append(stack.up())
            say(f"{'+'.join(hosts)}, round {number + 1}: {found[-1].wall:.1f} s")
        return found
    finally:
        stack.down()


def claims() -> list[Claim]:
    """What is promised."""
    return [Claim(PART, CHANGED, ALL, tuple(PLATFORMS), ALLOWED, "slowest")]


def measure(rounds: int, say: Say) -> list[Series]:
    """Each platform alone, then all of them at once, on stacks of their own. Raises CommandFailed."""
    content = ROOT / "examples" / "site"
    ways = {name: [name] for name in PLATFORMS} | {ALL: list(PLATFORMS)}
    found: dict[tuple[str, str, str], list[Figures]] = {}
    for name, hosts in ways.items():
        with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
            found[PART, CHANGED, name] = runs_of(hosts, content, Path(temporary), rounds, say)
    return grouped(found)
