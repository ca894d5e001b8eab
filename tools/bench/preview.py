"""Time of a preview that shows no change, with the policies and without, beside an empty program on the same engine."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml
from rich.console import Console

from platforms import PLATFORMS
from publisher.platforms import platform_class
from tools.bench import sites
from tools.bench.checkout import checkout
from tools.bench.comparing import Claim, Series, grouped
from tools.bench.measuring import CommandFailed, Figures, measured
from tools.bench.s3 import Say
from tools.bootstrap import cache_folder
from tools.deploy import policy_check, sandbox_daemon
from tools.deploy.commands import Commands, stack_of
from tools.deploy.engine_process import EngineProcess
from tools.deploy.places import ROOT, SANDBOX, Places

ALLOWED = 2.0
"""Seconds that a preview of the whole stack may take longer than one of an empty program, beside reading all files."""
ALLOWED_POLICIES = 1.0
"""Seconds of that which the policies may take."""
EMPTY, UNJUDGED, JUDGED = "an empty program", "the whole stack, without policies", "the whole stack"
UNCHANGED = "nothing changed"
_ANY_BUDGET = "9999"
"""Dollars a month: the plans that a large site needs are not what is judged here."""
_HOST_SETTINGS = "peacefulrobot-infra:hostSettings"
SMALL, LARGE = "preview, example site", "preview, 10,000 files"
_EMPTY_PROJECT = f"""name: empty
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {sys.prefix}
"""


@contextmanager
def published(root: Path, state: Path) -> Iterator[EngineProcess]:
    """A stack of the sandbox with its content published; yields its engine. Raises CommandFailed."""
    commands = Commands(stack_of(SANDBOX, Places(root, state)), Console(stderr=True), Console(stderr=True))
    try:
        if commands.up():
            raise CommandFailed("the stack could not be published, so there is nothing to measure")
        yield commands.prepared(commands.find_engine())
    finally:
        sandbox_daemon.stop(commands.places)


def empty(folder: Path, like: EngineProcess) -> EngineProcess:
    """A stack whose program imports the SDK and declares nothing, run as ``like`` is."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(_EMPTY_PROJECT)
    (folder / "__main__.py").write_text("import pulumi\n")
    process = replace(like, stack="empty", folder=folder)
    process.ask("stack", "select", "--create")
    process.ask("up", "--yes", "--skip-preview")
    return process


def preview(process: EngineProcess, log: Path, *flags: str) -> Figures:
    """One preview, which must find nothing to do."""
    command = [str(process.binary), "preview", "--expect-no-changes", "--non-interactive", "--stack", process.stack]
    return measured([*command, *flags], process.environment, log, process.folder)


def measure(part: str, rounds: int, say: Say) -> tuple[list[Series], list[Claim]]:
    """Series of the three previews, and what is promised of them. Raises CommandFailed."""
    found: dict[tuple[str, str, str], list[Figures]] = defaultdict(list)
    content = sites.generate("tiny", cache_folder() / "bench" / f"site-tiny-{sites.SEED}") if part == LARGE else None
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        scratch = Path(temporary)
        root = checkout(ROOT, scratch / "checkout", **_settings(content))
        with published(root, scratch / "state") as ours:
            bare = empty(scratch / "empty", ours)
            judged = policy_check.flags(ours.folder, ours.stack)
            ways: dict[str, tuple[EngineProcess, list[str]]] = {
                EMPTY: (bare, []),
                UNJUDGED: (ours, []),
                JUDGED: (ours, judged),
            }
            for process, flags in ways.values():  # byte code and file caches are made, not measured
                preview(process, scratch / "log.txt", *flags)
            for number in range(rounds):
                for name, (process, flags) in ways.items():
                    figures = preview(process, scratch / "log.txt", *flags)
                    found[part, UNCHANGED, name].append(figures)
                    say(f"{part}, round {number + 1}, {name}: {figures.wall:.2f} s")
    return grouped(found), claims(part, reading_floor(content) if content else 0.0)


def _settings(content: Path | None) -> dict[str, object]:
    """Settings of the sandbox stack for a large site: on each platform the last of its plans, which has most room."""
    if content is None:
        return {}
    stack = yaml.safe_load((ROOT / f"Pulumi.{SANDBOX}.yaml").read_text("utf-8"))
    hosts = {name: dict(own) for name, own in stack["config"].get(_HOST_SETTINGS, {}).items()}
    for name in PLATFORMS:
        plans = list(platform_class(name).traits.plans)
        if len(plans) > 1:
            hosts.setdefault(name, {})["plan"] = plans[-1]
    return {"content": str(content), "hostSettings": hosts, "budget": _ANY_BUDGET}


def claims(part: str, floor: float) -> list[Claim]:
    """What is promised; ``floor`` is the seconds that reading and hashing all files takes."""
    return [
        Claim(part, UNCHANGED, JUDGED, (EMPTY,), ALLOWED + floor, "more"),
        Claim(part, UNCHANGED, JUDGED, (UNJUDGED,), ALLOWED_POLICIES, "more"),
    ]


def reading_floor(folder: Path) -> float:
    """Seconds of reading and hashing every file of a folder once, in one thread."""
    started = time.perf_counter()
    for path, _, names in os.walk(folder):
        for name in names:
            hashlib.sha256(Path(path, name).read_bytes()).digest()
    return time.perf_counter() - started
