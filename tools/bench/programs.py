"""The server and the peers: pinned, made by their own package managers, left out by name where they cannot be had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import filelock

from tools.bootstrap import cache_folder, find_uv

VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
RCLONE = "github.com/rclone/rclone@v1.76.0"
HUGO = "github.com/gohugoio/hugo@v0.160.0"
AWSCLI = "awscli==1.46.3"
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_ROOT = Path(__file__).resolve().parents[2]


class NotHere(Exception):
    """A program cannot be had on this machine; the text says why."""


def from_go(module: str, say: Callable[[str], None], *, tags: str = "") -> Path:
    """Executable of a Go module, built once into the cache folder with these build tags."""
    name = module.split("@")[0].rsplit("/", 1)[-1]
    folder = cache_folder() / "bench" / "bin"
    program = folder / name
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise NotHere(f"{name}: Go is not installed")
    say(f"building {module} (once, some minutes)")
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
    command = ["go", "install", "-tags", tags, module]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return program


def from_npm(
    name: str, version: str, program: str, say: Callable[[str], None], overrides: Mapping[str, str] = _NONE
) -> Path:
    """Folder of a package from npm, without install scripts; ``overrides`` are versions of what it depends on.

    It is the folder that the tests of the official clients use.
    """
    folder = cache_folder() / "clients" / f"{name}-{version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    if shutil.which("npm") is None:
        raise NotHere(f"{name}: npm is not installed")
    with filelock.FileLock(f"{folder}.lock"):
        if not (folder / program).exists():
            say(f"installing {name} {version} (once, some minutes)")
            _install(folder, f"{name}@{version}", {"private": True, "overrides": dict(overrides)})
    return folder


def _install(folder: Path, package: str, manifest: Mapping[str, object]) -> None:
    """Install beside the folder, which appears whole or not at all. Raises NotHere."""
    unfinished = folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    (unfinished / "package.json").write_text(json.dumps(manifest))
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", ".", package]
    done = subprocess.run(command, cwd=unfinished, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"{package}: {' '.join(done.stderr.strip().splitlines()[-1:])}")
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def aws_cli(say: Callable[[str], None]) -> Path:
    """Folder with the aws CLI; run as ``python -m awscli`` with it on PYTHONPATH."""
    folder = cache_folder() / "bench" / AWSCLI.replace("==", "-")
    if (folder / "awscli").exists():
        return folder
    say(f"installing {AWSCLI}")
    command = [
        str(find_uv(_ROOT)),
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--target",
        str(folder),
        AWSCLI,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"aws s3 sync: {done.stderr.strip().splitlines()[-1]}")
    return folder
