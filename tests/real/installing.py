"""Official clients, installed once a machine into the cache folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import filelock
import pytest

from publisher.session import cache_folder
from tools.bootstrap import find_uv

ROOT = Path(__file__).resolve().parents[2]


def installed(
    name: str, version: str, command: list[str], program: str, files: Mapping[str, str] | None = None
) -> Path:
    """Folder of a client; made by ``command`` in one of ``files`` unless it is there. Skips where that fails."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{name} cannot be installed: {command[0]} is not there")
    folder = cache_folder() / "clients" / f"{name}-{version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"):
        if (folder / program).exists():
            return folder
        unfinished = folder.with_name(f".{folder.name}-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for path, text in (files or {}).items():
            (unfinished / path).write_text(text)
        done = subprocess.run(command, cwd=unfinished, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode or not (unfinished / program).exists():
            pytest.skip(f"{name} {version} cannot be had here: {done.stderr.strip().splitlines()[-1:]}")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return folder


def from_npm(name: str, version: str, program: str, overrides: Mapping[str, str] | None = None) -> Path:
    """A client from npm, without its install scripts; ``overrides`` are versions of what it depends on."""
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", ".", f"{name}@{version}"]
    manifest = {"private": True, "overrides": dict(overrides or {})}
    return installed(name, version, command, program, {"package.json": json.dumps(manifest)})


def from_pypi(name: str, version: str, program: str) -> Path:
    """A client from PyPI, beside its dependencies."""
    uv = str(find_uv(ROOT))
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", ".", f"{name}=={version}"]
    return installed(name, version, command, program)


def environment_from_pypi(name: str, version: str) -> Path:
    """Python of a virtual environment with a program that must not meet this project's packages."""
    uv, program = str(find_uv(ROOT)), "venv/bin/python"
    make = f'"$0" venv --quiet --python "$1" venv && "$0" pip install --quiet --python {program} "$2" && touch done'
    folder = installed(name, version, ["sh", "-c", make, uv, sys.executable, f"{name}=={version}"], "done")
    return folder / program


def chromium() -> str:
    """Path of Chromium, from Debian's packages where it is missing and may be installed; else skips."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        with filelock.FileLock(cache_folder() / "apt.lock"):
            for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
                subprocess.run(
                    ["apt-get", *command],
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                    capture_output=True,
                    timeout=900,
                    check=False,
                )
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not there and cannot be installed here")
    return found
