"""Run an official client as its user would, while the sandbox serves in the same event loop."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path


async def run(arguments: list[str], environment: dict[str, str], folder: Path, *, expect: int | None = 0) -> str:
    """Run a command in ``folder`` with a home of its own; returns stdout and stderr together."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "CI": "1",
        "NO_UPDATE_NOTIFIER": "1",
    }
    process = await asyncio.create_subprocess_exec(
        *arguments,
        env={**own, **environment},
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 300)
    text = output.decode(errors="replace")
    if expect is not None:
        assert process.returncode == expect, text
    return text
