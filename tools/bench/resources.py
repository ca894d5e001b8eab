"""A site as one resource for each file, as pulumi-synced-folder makes them, beside our one manifest: same engine.

Their side is favoured: its provider accepts every object and sends nothing, so what is measured is the engine alone.
Ours is a whole `up` that sends the files to one platform of the sandbox and verifies them.

The engine saves its whole state with every resource, so their time grows with the square of the files. It is stopped
when it is certain that the promise is kept; its figures are then the least that it takes, and its state is reckoned
from the resources that it had made.
https://github.com/pulumi/pulumi-synced-folder
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tools.bench.comparing import Claim, Series
from tools.bench.measuring import Figures, measured
from tools.bench.s3 import OURS, Say
from tools.bench.side_by_side import Stack
from tools.deploy.commands import Commands, stack_of
from tools.deploy.engine_process import EngineProcess
from tools.deploy.places import SANDBOX, Places

EACH = "one resource a file"
FIRST, STATE = "first deployment", "size of the state"
ALLOWED = 1 / 50
#: The platform whose resources the other way declares.
_PLATFORM, _PACKAGE = "aws", "aws"
_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
#: The other way may take this many times what would be enough to keep the promise.
_BEYOND = 1.02
_PROJECT = f"""name: files
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {sys.prefix}
"""
_PROGRAM = """
import os
from pathlib import Path
import pulumi

class Object(pulumi.CustomResource):
    def __init__(self, path, key):
        inputs = {"bucket": "content", "key": key, "source": pulumi.FileAsset(str(path)), "contentType": "text/html"}
        super().__init__("@OBJECT@", key, inputs)

folder = Path(os.environ["BENCH_CONTENT"])
for path in sorted(folder.rglob("*")):
    if path.is_file():
        Object(path, path.relative_to(folder).as_posix())
""".replace("@OBJECT@", _OBJECT)


def part_of(files: int) -> str:
    """The part as it stands in tables."""
    return f"{files:,} files as resources"


def write_site(folder: Path, files: int) -> Path:
    """A site of small pages."""
    folder.mkdir(parents=True)
    for number in range(files - 1):
        path = folder / f"part-{number % 40}" / f"page-{number}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<!doctype html><title>{number}</title><p>{number}" + "<p>peace" * (number % 400))
    (folder / "index.html").write_text("<!doctype html><title>home</title><p>home")
    return folder


@contextmanager
def accepting() -> Iterator[int]:
    """A provider that accepts every resource; yields its port."""
    command = [sys.executable, "-m", "tools.bench.accepting_provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def measure(files: int, say: Say) -> tuple[list[Series], list[Claim]]:
    """One deployment of ``files`` new files in each way; once each. Sizes of states are exported JSON."""
    part = part_of(files)
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        scratch = Path(temporary)
        content = write_site(scratch / "site", files)
        stack = Stack.prepare(scratch, [_PLATFORM], write_site(scratch / "small", 1))
        try:
            stack.up()
            stack.await_edge()
            shutil.rmtree(scratch / "content")
            shutil.copytree(content, scratch / "content")
            ours = stack.up()
            say(f"{part}, {OURS}: {ours.wall:.1f} s")
            engine = _engine(scratch)
            own_state = _state_megabytes(engine)
            theirs, their_state = _one_each(engine, content, scratch, ours.wall / ALLOWED * _BEYOND, say)
        finally:
            stack.down()
    series = [Series(part, FIRST, OURS, (ours,)), Series(part, FIRST, EACH, (theirs,))]
    states = [_state(part, OURS, own_state), _state(part, EACH, their_state)]
    return [*series, *states], [
        Claim(part, FIRST, OURS, (EACH,), ALLOWED),
        Claim(part, STATE, OURS, (EACH,), ALLOWED, "size"),
    ]


def _state(part: str, way: str, megabytes: float) -> Series:
    return Series(part, STATE, way, (Figures(0.0, 0.0, megabytes),))


def _engine(scratch: Path) -> EngineProcess:
    commands = Commands(
        stack_of(SANDBOX, Places(scratch / "checkout", scratch / "state")), Console(stderr=True), Console(stderr=True)
    )
    return commands.prepared(commands.find_engine())


def _one_each(like: EngineProcess, content: Path, scratch: Path, seconds: float, say: Say) -> tuple[Figures, float]:
    folder = scratch / "files"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(_PROJECT)
    (folder / "__main__.py").write_text(_PROGRAM)
    with accepting() as port:
        own = {"BENCH_CONTENT": str(content), "PULUMI_DEBUG_PROVIDERS": f"{_PACKAGE}:{port}"}
        process = replace(like, stack="files", folder=folder, environment={**os.environ, **like.environment, **own})
        process.ask("stack", "select", "--create")
        command = [str(process.binary), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "files"]
        figures = measured(command, process.environment, scratch / "log.txt", folder, seconds)
        wanted = sum(path.is_file() for path in content.rglob("*"))
        made = _objects(process.ask("stack", "export"))
        ended = "stopped after" if figures.stopped else "ended after"
        say(f"{EACH}: {ended} {figures.wall:.1f} s with {made:,} of {wanted:,} files")
        return figures, _state_megabytes(process) * wanted / made


def _objects(exported: str) -> int:
    """How many files a state knows."""
    return sum(one["type"] == _OBJECT for one in json.loads(exported)["deployment"].get("resources", []))


def _state_megabytes(process: EngineProcess) -> float:
    return len(process.ask("stack", "export").encode()) / 1e6
