"""Several processes that share one sample, each on sandboxes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.chaos.findings import Case
from tools.chaos.sampling import Sample
from tools.deploy.places import ROOT

_LOOK = 0.5
NOTHING_BROKEN, SOMETHING_BROKEN = 0, 1


class JobFailed(Exception):
    """A process ended without having tried its share."""


def share(arguments: Sequence[str], shares: Sequence[Sample], folder: Path) -> Iterator[Case]:
    """Cases of ``python -m tools.chaos`` with these arguments for each share, as they come. Raises JobFailed."""
    folders = [folder / f"job-{number}" for number in range(1, len(shares) + 1)]
    for one in folders:
        one.mkdir(parents=True, exist_ok=True)
        (one / "chaos.json").unlink(missing_ok=True)
    processes = [
        subprocess.Popen([*_command(sample), *arguments, "--report", str(one)], cwd=ROOT, stdout=subprocess.DEVNULL)
        for sample, one in zip(shares, folders, strict=True)
    ]
    told = [0] * len(folders)
    try:
        while True:
            ended = [process.poll() for process in processes]
            for place, one in enumerate(folders):
                found = _cases(one)
                yield from found[told[place] :]
                told[place] = len(found)
            if None not in ended:
                break
            time.sleep(_LOOK)
        broken = [any(case.broken for case in _cases(one)) for one in folders]
        if ended != [SOMETHING_BROKEN if found else NOTHING_BROKEN for found in broken] or not any(told):
            raise JobFailed(f"the processes ended with {ended} after {told} cases; what they said stands above.")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _command(sample: Sample) -> list[str]:
    own = ["--every", str(sample.every), *(["--from", str(sample.first)] if sample.first else [])]
    return [sys.executable, "-m", "tools.chaos", "--format", "json", "--quiet", "--share", *own]


def _cases(folder: Path) -> list[Case]:
    """What a process has found so far; it replaces its file as a whole."""
    try:
        document = json.loads((folder / "chaos.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [Case(**{**case, "broken": tuple(case["broken"])}) for case in document["cases"]]
