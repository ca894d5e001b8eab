"""Checks of the pipelines' files, and for secrets in the tree and its history. Nothing asks the network.

zizmor and check-jsonschema are locked with the project's other packages. actionlint and gitleaks are programs in Go:
they are built once a machine, at pinned versions that Go's checksum database vouches for, and left out by name where
they cannot be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tools.bootstrap import cache_folder

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
GITLEAKS = "github.com/zricethezav/gitleaks/v8@v8.30.1"
_BUILD_SECONDS = 900
_PROGRAM = {ACTIONLINT: "actionlint", GITLEAKS: "gitleaks"}


class NotHere(Exception):
    """A program cannot be had on this machine; the text says why."""


@dataclass(frozen=True)
class Check:
    """One call of a linter."""

    name: str
    command: Sequence[str]


def program(module: str, *, build: bool) -> Path:
    """The executable of a Go module from the cache, built into it first if ``build``; raises NotHere."""
    name, version = _PROGRAM[module], module.rpartition("@")[2]
    folder = cache_folder() / "lint" / f"{name}-{version}"
    if (folder / name).exists():
        return folder / name
    if not build:
        raise NotHere(f"{name}: not built yet; `make lint-ci BUILD=yes` builds it")
    if shutil.which("go") is None:
        raise NotHere(f"{name}: there is no `go` on PATH to build it with")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock", timeout=_BUILD_SECONDS):
        return folder / name if (folder / name).exists() else _built(module, folder)


def _built(module: str, folder: Path) -> Path:
    name, unfinished = _PROGRAM[module], folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    environment = {**os.environ, "GOBIN": str(unfinished), "GOWORK": "off", "GOFLAGS": ""}
    built = subprocess.run(
        ["go", "install", module], env=environment, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS
    )
    made = unfinished / Path(module.partition("@")[0]).name
    if built.returncode or not (unfinished / name).exists():
        # Go names a program after the last part of its path, which for gitleaks is its major version.
        if built.returncode or not made.exists():
            said = built.stderr.strip().splitlines()
            raise NotHere(f"{name}: {said[-1] if said else 'go install made no program'}")
        made.rename(unfinished / name)
    unfinished.rename(folder)
    return folder / name


def workflows(root: Path) -> list[Path]:
    """The workflows of this repository and those that are handed to content repositories."""
    folders = (root / ".github/workflows", root / "examples/content-repository/.github/workflows")
    return sorted(path for folder in folders for path in folder.glob("*.yml"))


def pipelines(root: Path) -> list[Path]:
    """The same for GitLab."""
    return [
        root / ".gitlab-ci.yml",
        *sorted((root / ".gitlab").glob("*.yml")),
        root / "examples/content-repository/.gitlab-ci.yml",
    ]


def python_checks(root: Path) -> list[Check]:
    """What the locked packages check."""
    beside = Path(sys.executable).parent
    files = [str(path) for path in workflows(root)]
    schema = [str(beside / "check-jsonschema"), "--builtin-schema"]
    return [
        Check("zizmor", [str(beside / "zizmor"), "--offline", "--no-progress", "--pedantic", *files]),
        Check("check-jsonschema (GitHub)", [*schema, "vendor.github-workflows", *files]),
        Check("check-jsonschema (time-outs)", [*schema, "custom.github-workflows-require-timeout", *files]),
        Check("check-jsonschema (GitLab)", [*schema, "vendor.gitlab-ci", *map(str, pipelines(root))]),
    ]


def go_checks(root: Path, *, build: bool, skipped: Callable[[str], None]) -> Iterator[Check]:
    """What the programs in Go check; ``skipped`` is told of each that cannot be had."""
    for module, arguments in _go_commands(root):
        try:
            found = program(module, build=build)
        except NotHere as missing:
            skipped(str(missing))
        else:
            yield from (
                Check(" ".join([found.name, *first[:1]]) if first[0].isalpha() else found.name, [str(found), *first])
                for first in arguments
            )


def _go_commands(root: Path) -> list[tuple[str, list[list[str]]]]:
    files = [str(path) for path in workflows(root)]
    quiet = ["--no-banner", "--redact", "--config", str(root / ".gitleaks.toml")]
    history = [["git", *quiet, "--log-opts=HEAD", str(root)]] if (root / ".git").exists() else []
    return [
        # Without these it runs shellcheck and pyflakes where they happen to be installed.
        (ACTIONLINT, [["-no-color", "-shellcheck=", "-pyflakes=", *files]]),
        (GITLEAKS, [*history, ["dir", *quiet, str(root)]]),
    ]


def failures(checks: Sequence[Check], root: Path) -> Iterator[tuple[Check, str]]:
    """Run each; yields those that find something, with all that they said."""
    for check in checks:
        done = subprocess.run(check.command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            yield check, f"{done.stdout}\n{done.stderr}".strip()
