"""Cold deploys beside each platform's own client, against the same stand-in.

A platform takes part where a module of its name lies here. Every round has a stand-in of its own and deploys content
that it has never seen, live: ours uploads, checks the staged copy and publishes; the client deploys to production.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from platforms import PLATFORMS
from tools.bench import sites
from tools.bench.comparing import Claim, Series, grouped
from tools.bench.measuring import CommandFailed, Figures, bytes_under, disk_in_memory, measured
from tools.bench.programs import NotHere
from tools.bench.s3 import OURS, Say
from tools.bootstrap import cache_folder

ALLOWED = 0.5
COLD = "cold deploy"
_UP_SECONDS = 60.0
_LEAST = 0.5
"""Of a site's bytes; packed, as one platform keeps them, they are three quarters."""


@dataclass(frozen=True)
class StandIn:
    """A platform's stand-in that runs."""

    environment: Mapping[str, str]
    declared: Sequence[Mapping[str, Any]]


class Client(Protocol):
    """A platform's own client: what its module has."""

    CLIENT: str
    DECLARED: Sequence[tuple[str, Mapping[str, Any]]]

    @staticmethod
    def install(say: Say) -> Path:
        """Folder of the client; raises NotHere."""

    @staticmethod
    def prepared(stand_in: StandIn) -> Mapping[str, str]:
        """The publisher's target, after what else has to be made."""

    @staticmethod
    def laid_out(site: Path, folder: Path) -> None:
        """Put the site into the client's folder, as it wants it."""

    @staticmethod
    def command(client: Path, stand_in: StandIn, target: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Command and variables of a deploy to production."""


def chosen() -> dict[str, Client]:
    """Platforms whose own client is measured."""
    names = [name for name in PLATFORMS if find_spec(f"tools.bench.clients.{name}")]
    return {name: import_module(f"tools.bench.clients.{name}") for name in names}  # type: ignore[misc]


def part_of(name: str) -> str:
    """The part as it stands in tables."""
    return f"{name}, 2,000 files, 100 MB"


def claims() -> list[Claim]:
    """What is promised."""
    return [Claim(part_of(name), COLD, OURS, (one.CLIENT,), ALLOWED) for name, one in chosen().items()]


def measure(rounds: int, say: Say) -> list[Series]:
    """Measure each platform that takes part; what cannot be installed is named and left out."""
    original = sites.generate("blog", cache_folder() / "bench" / f"site-blog-{sites.SEED}")
    found: dict[tuple[str, str, str], list[Figures]] = defaultdict(list)
    for name, client in chosen().items():
        try:
            installed = client.install(say)
        except NotHere as error:
            say(f"left out: {error}")
            continue
        with tempfile.TemporaryDirectory(prefix="bench-", dir=disk_in_memory()) as temporary:
            _measure_one(name, client, installed, original, Path(temporary), rounds, found, say)
    return grouped(found)


def _measure_one(
    name: str,
    client: Client,
    installed: Path,
    original: Path,
    scratch: Path,
    rounds: int,
    found: dict[tuple[str, str, str], list[Figures]],
    say: Say,
) -> None:
    for number in range(rounds):  # a stand-in for each: a free plan takes 5,000 files a day
        world = scratch / f"world-{number}"
        with stand_in(name, world, client.DECLARED) as running:
            target = client.prepared(running)
            for way in (OURS, client.CLIENT):
                site = fresh(original, scratch / "site", f"{number} {way}")
                before = bytes_under(world)
                if way == OURS:
                    figures = _ours(name, running, target, site, scratch)
                else:
                    figures = _theirs(client, installed, running, target, site, scratch)
                require_sent(way, bytes_under(site), bytes_under(world) - before)
                found[part_of(name), COLD, way].append(figures)
                say(f"{part_of(name)}, round {number + 1}, {way}: {figures.wall:.2f} s")


def _ours(name: str, running: StandIn, target: Mapping[str, str], site: Path, scratch: Path) -> Figures:
    shutil.rmtree(scratch / "cache", ignore_errors=True)
    start = [sys.executable, "-m", "tools.bench.release", name, json.dumps(dict(target))]
    environment = {**os.environ, **running.environment}
    return measured([*start, str(site), str(scratch / "cache")], environment, scratch / "log.txt")


def _theirs(
    client: Client, installed: Path, running: StandIn, target: Mapping[str, str], site: Path, scratch: Path
) -> Figures:
    folder = scratch / "client"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    client.laid_out(site, folder)
    command, variables = client.command(installed, running, target)
    quiet = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home/config"), "CI": "1"}
    environment = {"PATH": os.environ["PATH"], "NO_UPDATE_NOTIFIER": "1", **quiet, **variables}
    return measured(command, environment, scratch / "log.txt", cwd=folder)


def require_sent(way: str, site: int, grown: int) -> None:
    """Raise CommandFailed where the stand-in holds much fewer bytes more than the site has: it was not deployed."""
    if grown < _LEAST * site:
        raise CommandFailed(f"{way} ended well, but of {site / 1e6:.0f} MB the stand-in has {grown / 1e6:.0f} MB")


def fresh(original: Path, folder: Path, salt: str) -> Path:
    """A copy of the site with other bytes in every file, so that nothing of it is there yet."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original, folder)
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("ab") as file:
                file.write(f"<!-- {salt} -->".encode())
    return folder


@contextmanager
def stand_in(name: str, folder: Path, wanted: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[StandIn]:
    """Run a platform's stand-in as a process of its own; raises CommandFailed where it does not come up."""
    command = [sys.executable, "-m", "sandbox.alone", name, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None  # noqa: S101 - for the type checker
            process.stdin.write(json.dumps(list(wanted)))
            process.stdin.close()
            _await(process, folder / "declared.json")
            environment = json.loads((folder / "sandbox.json").read_text())["environment"]
            yield StandIn(environment, json.loads((folder / "declared.json").read_text()))
        finally:
            process.terminate()


def _await(process: subprocess.Popen[str], file: Path) -> None:
    deadline = time.monotonic() + _UP_SECONDS
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            said = process.stderr.read() if process.stderr else ""
            raise CommandFailed(f"the stand-in did not come up: {said[-600:]}")
        time.sleep(0.05)
