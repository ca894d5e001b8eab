"""The server and the peers: pinned, made by their own package managers, left out by name where they cannot be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.bootstrap import cache_folder, find_uv

VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
RCLONE = "github.com/rclone/rclone@v1.76.0"
AWSCLI = "awscli==1.46.3"
_ROOT = Path(__file__).resolve().parents[2]


class NotHere(Exception):
    """A program cannot be had on this machine; the text says why."""


def from_go(module: str, say: Callable[[str], None]) -> Path:
    """Executable of a Go module, built once into the cache folder."""
    name = module.split("@")[0].rsplit("/", 1)[-1]
    folder = cache_folder() / "bench" / "bin"
    program = folder / name
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise NotHere(f"{name}: Go is not installed")
    say(f"building {module} (once, some minutes)")
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["go", "install", module], env={**os.environ, "GOBIN": str(folder)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotHere(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return program


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
