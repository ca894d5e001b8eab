"""Time of a preview that shows no change, with the policies and without, beside an empty program on the same engine."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

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
CONTENT = "content"
_A_DAY = 4_500
"""Files that are published at once: the smallest of the free plans takes 5,000 a day."""
SMALL, LARGE = "preview, example site", "preview, 10,000 files"
_EMPTY_PROJECT = f"""name: empty
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {sys.prefix}
"""


@contextmanager
def published(root: Path, state: Path, original: Path | None) -> Iterator[EngineProcess]:
    """A stack of the sandbox with its content published; yields its engine. Raises CommandFailed.

    ``original`` is what is published in place of the example, as many files at once as every free plan takes in a day.
    The sandbox starts anew for each part: what it remembers of a day's quotas ends with it.
    """
    commands = Commands(stack_of(SANDBOX, Places(root, state)), Console(stderr=True), Console(stderr=True))
    try:
        for _ in grown(original, state.parent / CONTENT) if original else (None,):
            sandbox_daemon.stop(commands.places)
            if commands.up():
                raise CommandFailed("the stack could not be published, so there is nothing to measure")
        yield commands.prepared(commands.find_engine())
    finally:
        sandbox_daemon.stop(commands.places)


def grown(original: Path, folder: Path) -> Iterator[int]:
    """Copy the files in parts, the front page first; yields how many there are."""
    files = sorted(path for path in original.rglob("*") if path.is_file())
    files.sort(key=lambda path: path.name != "index.html")
    for start in range(0, len(files), _A_DAY):
        for path in files[start : start + _A_DAY]:
            copy = folder / path.relative_to(original)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
        yield min(len(files), start + _A_DAY)


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
        root = checkout(ROOT, scratch / "checkout", **({"content": str(scratch / CONTENT)} if content else {}))
        with published(root, scratch / "state", content) as ours:
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
