"""The files that pin Python packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("requirements.txt", "tools/uv-requirements.txt")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One package of a lock file."""

    name: str
    version: str
    """Empty where no exact version is pinned."""
    hashes: tuple[str, ...]
    """SHA-256 of each file that may be installed, in hex."""
    is_for_this_system: bool


def locked(path: Path) -> Iterator[Locked]:
    """Every package of a lock file that ``uv pip compile --generate-hashes`` wrote."""
    text = path.read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        stated = line.split("#")[0].strip()
        if not stated or stated.startswith("-"):
            continue
        wanted = Requirement(stated.split("--hash")[0].strip())
        exact = [one.version for one in wanted.specifier if one.operator == "=="]
        here = wanted.marker is None or wanted.marker.evaluate()
        yield Locked(canonicalize_name(wanted.name), exact[0] if exact else "", tuple(_HASH.findall(stated)), here)
