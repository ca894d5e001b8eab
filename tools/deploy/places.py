"""Where a checkout keeps its state, and what the caller's environment says about it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.deploy.errors import Refused

ROOT = Path(__file__).resolve().parents[2]
SANDBOX = "sandbox"
"""Name of the stack that runs on local platforms."""
CONTENT = "PEACEFULROBOT_CONTENT"
#: Bytes that must be free before a run: state, history and logs of the engine, and the sandbox's copies of the content.
_RESERVE = 64_000_000
_COPIES = 3
_GIT_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*://|^[\w.-]+@[\w.-]+:")


@dataclass(frozen=True)
class Places:
    """Folders and files of one checkout. ``state`` may be shared by nothing else."""

    root: Path
    state: Path

    @property
    def world(self) -> Path:
        """State of the sandbox itself: it survives restarts."""
        return self.state / "world"

    @property
    def description(self) -> Path:
        """What the running sandbox says of itself."""
        return self.world / "sandbox.json"

    @property
    def log(self) -> Path:
        """What the sandbox prints."""
        return self.state / "sandbox.log"

    @property
    def backend(self) -> Path:
        """State of the sandbox's stack."""
        return self.state / "pulumi"

    @property
    def journal(self) -> Path:
        """What the last run did, one JSON line for each operation."""
        return self.state / "journal.jsonl"

    def require_space(self, content_bytes: int = 0) -> None:
        """Refuse to begin on a disk that is nearly full: the engine cannot save its state there once it has begun."""
        folder = self.state
        while not folder.exists():
            folder = folder.parent
        free, needed = shutil.disk_usage(folder).free, _RESERVE + _COPIES * content_bytes
        if free < needed:
            raise Refused(
                f"{self.state}: the disk has {free / 1e6:,.0f} MB left, this run may need {needed / 1e6:,.0f} MB. "
                "Nothing was changed; make room, or set PEACEFULROBOT_STATE to a folder on another disk"
            )


def find(environment: Mapping[str, str] = os.environ) -> Places:
    """The places of this checkout; PEACEFULROBOT_STATE names another state folder."""
    own = environment.get("PEACEFULROBOT_STATE")
    return Places(ROOT, Path(own).expanduser().absolute() if own else ROOT / ".sandbox")


def content(environment: Mapping[str, str], folder: Path) -> str | None:
    """The content that the caller asks for: a Git address as it is, a path made absolute from ``folder``."""
    given = environment.get(CONTENT)
    if not given:
        return None
    if _GIT_ADDRESS.match(given):
        return given
    return os.path.normpath(folder / Path(given).expanduser())


def content_bytes(given: str | None) -> int:
    """Size of the content where it is a folder; 0 where it is fetched."""
    if not given or not Path(given).is_dir():
        return 0
    return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(given) for name in names)


def number(environment: Mapping[str, str], name: str, default: float) -> float:
    """A number from the environment."""
    given = environment.get(name)
    if not given:
        return default
    try:
        return float(given)
    except ValueError as error:
        raise Refused(f"{name} is {given!r}, which is no number; leave it away for {default:g}") from error
