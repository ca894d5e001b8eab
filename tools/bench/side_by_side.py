"""Publishing to all platforms at once, beside publishing to each alone: seconds of a whole ``make up``."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from platforms import PLATFORMS
from tools.bench import sites
from tools.bench.checkout import checkout
from tools.bench.measuring import CommandFailed, measured
from tools.bootstrap import cache_folder
from tools.deploy.places import ROOT

ALLOWED = 1.3
"""All at once may take this many times what the slowest platform takes alone."""
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

    def up(self) -> float:
        """Seconds of one ``up``. Raises CommandFailed."""
        command = [sys.executable, "-m", "tools.deploy", "up"]
        return measured(command, self.environment, self.folder / "log.txt", cwd=self.folder / "checkout").wall

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


def seconds_of(hosts: Sequence[str], content: Path, folder: Path, rounds: int) -> list[float]:
    """Seconds of each round: one file in a hundred is changed and published."""
    stack = Stack.prepare(folder, hosts, content)
    try:
        stack.up()
        stack.await_edge()
        found = []
        for number in range(rounds):
            sites.change_some(folder / "content", number)
            found.append(stack.up())
            click.echo(f"{'+'.join(hosts)}, round {number + 1}: {found[-1]:.1f} s", err=True)
        return found
    finally:
        stack.down()


@click.command()
@click.option("--rounds", default=2, show_default=True, help="Releases published in each way.")
@click.option("--site", "kind", type=click.Choice(["example", *sites.KINDS]), default="example", show_default=True)
def main(rounds: int, kind: str) -> None:
    """Measure a release to all platforms at once beside one to each alone; fails where it takes too much longer."""
    content = ROOT / "examples" / "site"
    if kind != "example":
        content = sites.generate(kind, cache_folder() / "bench" / f"site-{kind}-{sites.SEED}")
    ways = {name: [name] for name in PLATFORMS} | {"all at once": list(PLATFORMS)}
    found: dict[str, list[float]] = {}
    for name, hosts in ways.items():
        with tempfile.TemporaryDirectory() as temporary:
            try:
                found[name] = seconds_of(hosts, content, Path(temporary), rounds)
            except CommandFailed as error:
                raise click.ClickException(str(error)) from error
    click.echo("| published to | smallest / median |\n|---|---|")
    for name, seconds in found.items():
        click.echo(f"| {name} | {min(seconds):.1f} / {statistics.median(seconds):.1f} s |")
    ratio = statistics.median(found.pop("all at once")) / max(map(statistics.median, found.values()))
    click.echo(f"\nAll at once take {ratio:.2f} × the slowest alone; {ALLOWED} × are allowed.")
    sys.exit(ratio > ALLOWED)


if __name__ == "__main__":
    main()
