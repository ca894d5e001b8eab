"""Builds the Pulumi engine from its Go modules, where only package registries can be reached.

``go.mod`` and ``go.sum`` beside this file pin the engine and everything it consists of. The result depends on those
two and is kept under a name made of them. A build that was stopped goes on where it was, by
Go's own caches.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tools.engine.errors import EngineMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

MODULE = Path(__file__).resolve().parent
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
OLDEST_GO = (1, 25)
TAGS = "osusergo grpcnotrace"
RUNTIME_FILES = ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python")
"""What the engine needs of the SDK's Go module beside itself, under its ``python/``."""


@dataclass(frozen=True)
class Go:
    """A Go toolchain: its command and version ("go1.26.8")."""

    command: str
    version: str


def engine_version() -> str:
    """The engine's version that ``go.mod`` pins, without the v."""
    pinned = re.search(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)", (MODULE / "go.mod").read_text("utf-8"))
    if pinned is None:
        raise EngineMissing(f"{MODULE / 'go.mod'} does not name the engine's module: restore the file from Git")
    return pinned[1]


def find_go() -> Go:
    """The Go toolchain on PATH; :class:`EngineMissing` says what is wrong with it."""
    command = shutil.which("go")
    if command is None:
        raise EngineMissing("there is no `go` on PATH")
    asked = [command, "env", "GOVERSION"]
    answer = subprocess.run(asked, cwd=MODULE, env=environment(), capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise EngineMissing(f"{command} does not work here: {answer.stderr.strip()}")
    found = answer.stdout.strip()
    version = re.match(r"go(\d+)\.(\d+)", found)
    if version is None or tuple(map(int, version.groups())) < OLDEST_GO:
        raise EngineMissing(f"{command} is {found}, and Go 1.25 or newer is needed")
    return Go(command, found)


def environment() -> dict[str, str]:
    """Environment of the Go command: the pinned module alone, whatever workspace the checkout lies in."""
    return {**os.environ, "GOWORK": "off", "GO111MODULE": "on"}


def pinned_digest() -> str:
    """Digest of all that decides what the engine does: the pinned modules, the tags, and the kind of machine."""
    contents = [(MODULE / name).read_bytes() for name in ("go.mod", "go.sum")]
    machine = f"{sys.platform}-{platform.machine()}"
    return hashlib.sha256(b"\0".join([*contents, TAGS.encode(), machine.encode()])).hexdigest()[:12]


def existing_build(cache: Path) -> Path | None:
    """The folder of a finished build of the pinned engine, by whichever Go; None if there is none."""
    return next(iter(sorted(cache.glob(f"build-{engine_version()}-*-{pinned_digest()}"))), None)


def build(cache: Path, go: Go, console: Console) -> Path:
    """Build the engine (minutes); returns the folder in ``cache`` with it and its runtime files."""
    final = cache / f"build-{engine_version()}-{go.version}-{pinned_digest()}"
    console.print(f"Building the Pulumi engine {engine_version()} with {go.version} (some minutes, once a machine)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="partial-") as scratch:
        result = Path(scratch, "result")
        result.mkdir()
        compile_engine(go, result / "pulumi", console)
        copy_runtime_files(go, result)
        result.rename(final)
    return final


def compile_engine(go: Go, output: Path, console: Console) -> None:
    """Compile, with a bar of the packages done; fetching modules counts as its own step."""
    version_flag = f"-X {SDK}/go/common/version.Version={engine_version()}"
    listing = ["list", "-deps", "-tags", TAGS, PACKAGE]
    building = ["build", "-v", "-tags", TAGS, "-ldflags", f"-s -w {version_flag}", "-o", str(output), PACKAGE]
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bars = Bars(progress, console)
        total = follow(go, listing, bars.fetched)
        bars.compile(total)
        follow(go, building, bars.compiled)
    console.print(f"Built the engine in {bars.elapsed()}")


class Bars:
    """Shows what Go reports: a bar on a terminal, a line every half minute elsewhere."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress, self._console = progress, console
        self._task = progress.add_task("fetching modules", total=None)
        self._started = self._said = time.monotonic()
        self._total = self._done = 0

    def elapsed(self) -> str:
        """Time since the start, as "4 min 06 s"."""
        minutes, seconds = divmod(round(time.monotonic() - self._started), 60)
        return f"{minutes} min {seconds:02} s"

    def fetched(self, line: str) -> None:
        """Count a module that Go downloads."""
        if line.startswith("go: downloading"):
            self._advance("modules fetched")

    def compile(self, total: int) -> None:
        """Begin the second step, with ``total`` packages at most (what Go's cache has is not compiled again)."""
        self._total, self._done = total, 0
        self._progress.update(self._task, description="compiling packages", total=total, completed=0)

    def compiled(self, line: str) -> None:
        """Count a package that Go compiles."""
        if not line.startswith(("go:", "#")):
            self._advance(f"of at most {self._total} packages compiled")

    def _advance(self, what: str) -> None:
        self._done += 1
        self._progress.advance(self._task)
        if not self._console.is_terminal and time.monotonic() - self._said >= 30:
            self._said = time.monotonic()
            self._console.print(f"  {self._done} {what}, {self.elapsed()}")


def follow(go: Go, arguments: list[str], report: Callable[[str], None]) -> int:
    """Run Go, give each line of its messages to ``report``; returns the number of lines on standard output."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        process = subprocess.Popen(
            [go.command, *arguments], cwd=MODULE, env=environment(), stdout=printed, stderr=subprocess.PIPE, text=True
        )
        last: list[str] = []
        try:
            for line in lines_of(process.stderr):
                last = [*last[-14:], line]
                report(line)
            code = process.wait()
        finally:
            process.kill()
        if code != 0:
            raise EngineMissing(f"`go {arguments[0]}` ended with exit code {code}:\n" + "\n".join(last))
        printed.seek(0)
        return sum(1 for _ in printed)


def lines_of(stream: IO[str] | None) -> Iterator[str]:
    """Lines without their ends."""
    for line in stream or ():
        yield line.rstrip("\n")


def copy_runtime_files(go: Go, folder: Path) -> None:
    """Copy the SDK's script that executes programs, and the one for dynamic providers, beside the engine."""
    asked = [go.command, "list", "-m", "-f", "{{.Dir}}", SDK]
    answer = subprocess.run(asked, cwd=MODULE, env=environment(), capture_output=True, text=True, check=False)
    source = Path(answer.stdout.strip(), "python")
    for name in RUNTIME_FILES:
        try:
            shutil.copyfile(source / name, folder / Path(name).name)
        except OSError as error:
            raise EngineMissing(
                f"the Go module {SDK} has no python/{name}: {error.strerror}; {answer.stderr}"
            ) from error
        (folder / Path(name).name).chmod(0o755)
