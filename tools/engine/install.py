"""Finds the Pulumi engine, or gets it.

In this order: ``pulumi`` on PATH, if its version fits and its Python language host lies beside it; the cache folder;
the official installer, where the internet can be reached; the Go modules with our own language host.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from filelock import FileLock, Timeout

from tools.engine import go_build
from tools.engine.errors import EngineMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

OLDEST, BEFORE = (3, 250, 0), (4,)
LANGUAGE_HOST = "pulumi-language-python"
OWN_FILES = ("language_host.py", LANGUAGE_HOST)
INSTALLER = "https://get.pulumi.com/install.sh"
PROBE_SECONDS = (3, 5)
"""Connect and read time-outs of the probe: a machine without internet must not wait for the installer's own."""
INSTALLER_SECONDS = 900
INSTALLER_CODE = """
import sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""


@dataclass(frozen=True)
class Engine:
    """A ready engine: ``folder`` holds ``pulumi`` and its Python language host, and goes first on PATH."""

    folder: Path
    origin: str

    @property
    def binary(self) -> Path:
        """The command."""
        return self.folder / "pulumi"


def ensure(cache: Path, console: Console) -> Engine:
    """An engine that fits, installed into ``cache``/engine first if there is none; else :class:`EngineMissing`."""
    found = on_path()
    if found is not None:
        return found
    folder = cache / "engine"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, console):
        remove_partial(folder)
        return in_cache(folder) or acquire(folder, console)


@contextlib.contextmanager
def alone(folder: Path, console: Console) -> Iterator[None]:
    """Hold the cache's lock; says so when another run has it, for that may build for minutes."""
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.print(f"Waiting for another run that prepares the Pulumi engine in {folder}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def acquire(folder: Path, console: Console) -> Engine:
    """Get the engine by the installer or by Go; the error names what was tried and how each failed."""
    tried: list[str] = []
    for origin, way in (("official installer", by_installer), ("Go modules", by_go)):
        try:
            return Engine(way(folder, console), origin)
        except EngineMissing as missing:
            tried.append(f"- {origin}: {missing}")
            console.print(f"Pulumi engine by {origin}: {missing}", markup=False, highlight=False)
    raise EngineMissing(
        f"no Pulumi engine (3.250.0 or newer, below 4) on PATH or in {folder}, and none could be got:\n"
        + "\n".join(tried)
        + "\nInstall Pulumi (https://www.pulumi.com/docs/install/), or Go 1.25 or newer, and run it again."
    )


def version_of(binary: Path) -> tuple[int, ...] | None:
    """Version of an engine; None if it cannot be run or says none."""
    try:
        answer = subprocess.run([binary, "version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", answer.stdout.strip())
    return tuple(map(int, found.groups())) if found else None


def fits(binary: Path) -> bool:
    """Whether the engine's version is in range and its Python language host lies beside it."""
    if not (binary.resolve().parent / LANGUAGE_HOST).exists() and not (binary.parent / LANGUAGE_HOST).exists():
        return False
    version = version_of(binary)
    return version is not None and OLDEST <= version < BEFORE


def on_path() -> Engine | None:
    """The engine that the user has, if it fits."""
    found = shutil.which("pulumi")
    return Engine(Path(found).parent, "PATH") if found and fits(Path(found)) else None


def in_cache(folder: Path) -> Engine | None:
    """What an earlier run installed; a folder under its final name is whole, for it was renamed to it at the end."""
    if (official_folder(folder) / "bin/pulumi").exists():
        return Engine(official_folder(folder) / "bin", "cache")
    built = go_build.existing_build(folder)
    return Engine(assemble(folder, built), "cache") if built else None


def official_folder(folder: Path) -> Path:
    """Where the official installer's engine is kept."""
    return folder / f"official-{go_build.engine_version()}"


def own_digest() -> str:
    """Digest of the language host, so that checkouts with different ones share the cache without a quarrel."""
    contents = [(go_build.MODULE / name).read_bytes() for name in OWN_FILES]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:8]


def by_installer(folder: Path, console: Console) -> Path:
    """Run the official installer of the SDK, after a short probe of its address."""
    probe()
    version = go_build.engine_version()
    console.print(f"Installing the Pulumi engine {version} by the official installer")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder, prefix="partial-") as scratch:
        command = [sys.executable, "-c", INSTALLER_CODE, scratch, version]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=INSTALLER_SECONDS, check=False)
        except subprocess.TimeoutExpired as expired:
            raise EngineMissing(f"not finished after {INSTALLER_SECONDS} s") from expired
        if answer.returncode != 0 or not fits(Path(scratch, "bin/pulumi")):
            raise EngineMissing(f"it failed: {(answer.stderr or answer.stdout).strip()[-500:]}")
        Path(scratch, "bin").rename(official(folder))
    console.print(f"Installed the engine in {time.monotonic() - started:.0f} s")
    return official_folder(folder) / "bin"


def official(folder: Path) -> Path:
    """The final place of the installer's ``bin``, with its parent made."""
    official_folder(folder).mkdir(parents=True, exist_ok=True)
    return official_folder(folder) / "bin"


def probe() -> None:
    """Raise :class:`EngineMissing` if the installer's address does not answer soon."""
    try:
        answer = requests.head(INSTALLER, timeout=PROBE_SECONDS, allow_redirects=True)
    except requests.RequestException as error:
        raise EngineMissing(f"{INSTALLER} cannot be reached from here ({type(error).__name__})") from error
    if not answer.ok:
        raise EngineMissing(f"{INSTALLER} answers {answer.status_code} here")


def by_go(folder: Path, console: Console) -> Path:
    """Build with Go, and put this checkout's language host beside the engine."""
    return assemble(folder, go_build.build(folder, go_build.find_go(), console))


def assemble(folder: Path, built: Path) -> Path:
    """A folder with the engine of ``built`` (a hard link), its runtime files and the language host."""
    final = folder / f"{built.name.removeprefix('build-')}-host-{own_digest()}" / "bin"
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="partial-") as scratch:
        result = Path(scratch, "bin")
        result.mkdir()
        for source in built.iterdir():
            (result / source.name).hardlink_to(source)
        for name in OWN_FILES:
            shutil.copy(go_build.MODULE / name, result / name)
        result.rename(final)
    return final


def remove_partial(folder: Path) -> None:
    """Remove what killed runs left; the caller holds the lock, so none of it is in use."""
    for left in folder.glob("partial-*"):
        shutil.rmtree(left)
