"""Finds ``workerd``, or gets it from npm, once for all checkouts.

https://github.com/cloudflare/workerd (the binaries are npm packages, one for each system)
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import filelock

VERSION = "1.20261117.1"
OWN = "PEACEFULROBOT_WORKERD"
_SYSTEMS = {
    ("linux", "x86_64"): "linux-64",
    ("linux", "aarch64"): "linux-arm64",
    ("darwin", "x86_64"): "darwin-64",
    ("darwin", "arm64"): "darwin-arm64",
}
_SECONDS = 300


class WorkerdMissing(Exception):
    """The runtime cannot be had: why, and what to do."""


def workerd() -> Path:
    """The binary: what PEACEFULROBOT_WORKERD names, else the cache folder's, else npm's. Raises WorkerdMissing."""
    named = os.environ.get(OWN)
    if named:
        if os.access(named, os.X_OK):
            return Path(named)
        raise WorkerdMissing(f"{OWN} names {named}, which cannot be run; correct it or unset it")
    package = f"workerd-{_system()}"
    folder = _cache() / "clients" / f"{package}-{VERSION}"
    binary = folder / "node_modules" / "@cloudflare" / package / "bin" / "workerd"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"):
        if not binary.exists():
            _install(f"@cloudflare/{package}@{VERSION}", folder)
    return binary


def _cache() -> Path:
    chosen = os.environ.get("PEACEFULROBOT_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(chosen) if chosen else Path(base) / "peacefulrobot-infra"


def _system() -> str:
    key = (sys.platform, platform.machine())
    if key not in _SYSTEMS:
        raise WorkerdMissing(
            f"there is no workerd package for {key[0]} on {key[1]}; use edgeMode load-balancer here, or name a binary "
            f"of your own in {OWN}"
        )
    return _SYSTEMS[key]


def _install(package: str, folder: Path) -> None:
    unfinished = folder.with_name(f".{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", ".", package]
    try:
        done = subprocess.run(
            command, cwd=unfinished, capture_output=True, text=True, timeout=_SECONDS, check=False, env=_environment()
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _missing(package, str(error)) from error
    if done.returncode:
        raise _missing(package, " ".join(done.stderr.split())[-300:])
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def _environment() -> dict[str, str]:
    """Without the sandbox's own proxy, which knows no hosts but its own."""
    own = ("http_proxy", "https_proxy") if "PULUMI_DEBUG_PROVIDERS" in os.environ else ()
    return {name: value for name, value in os.environ.items() if name.lower() not in own}


def _missing(package: str, reason: str) -> WorkerdMissing:
    return WorkerdMissing(
        f"edgeMode worker runs in workerd, and npm could not install {package}: {reason}. Install Node.js with npm and "
        f"allow it to reach its registry, or name a binary in {OWN}, or set edgeMode to load-balancer"
    )
