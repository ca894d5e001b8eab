"""Files of the engine's file backend: what is older than needed goes, and a damaged state is replaced by its last copy.

Beside ``stacks/PROJECT/STACK.json`` the backend keeps the state before it as ``.bak``, and with each run a copy under
``backups/`` and one with a summary under ``history/``; the engine writes a log under ``home/logs``. It removes none
of them. https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/backend/diy/state.go
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tools.deploy.errors import Refused

#: Runs whose files are kept.
KEPT = 10
#: Seconds after which a file that was never finished is not being written any more.
_UNFINISHED = 3600.0
#: Files that one run leaves in a folder, at the most.
_EACH = {"history": 2, "backups": 2, "logs": 3}


def is_whole(path: Path) -> bool:
    """Whether a state can be read to its end."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return isinstance(document["version"], int) and isinstance(document["checkpoint"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def restore(state: Path, backend: Path) -> Path | None:
    """Replace a state that cannot be read by its newest copy that can; returns the copy, None if nothing was wrong.

    A disk that fills while the engine saves leaves such a state. Raises Refused where no copy is whole.
    """
    if not state.exists() or is_whole(state):
        return None
    for copy in _copies(state, backend):
        if is_whole(copy):
            new = state.with_name(f".{state.name}.new")
            shutil.copyfile(copy, new)
            with new.open("rb") as file:
                os.fsync(file.fileno())
            new.replace(state)
            return copy
    raise Refused(
        f"{state} cannot be read, and neither can any copy of it under {backend}: it was damaged, perhaps by a full "
        "disk. Nothing was changed. Put back a copy of your own, or begin anew with `make clean`"
    )


def _copies(state: Path, backend: Path) -> Iterator[Path]:
    """Copies of a state, the newest first."""
    yield state.with_name(f"{state.name}.bak")
    folder = backend / ".pulumi" / "backups" / state.parent.name
    yield from sorted(folder.glob(f"{state.stem}/{state.stem}.*.json"), reverse=True)


def remove_old(backend: Path, project: str, stack: str, kept: int = KEPT) -> int:
    """Remove what runs before the ``kept`` newest have left; returns how many files that were."""
    folders = {
        "history": backend / ".pulumi" / "history" / project / stack,
        "backups": backend / ".pulumi" / "backups" / project / stack,
        "logs": backend / "home" / "logs",
    }
    removed = 0
    for unfinished in (backend / ".pulumi").rglob("*.tmp"):
        with suppress(OSError):
            if time.time() - unfinished.stat().st_mtime > _UNFINISHED:
                unfinished.unlink()
                removed += 1
    for kind, folder in folders.items():
        if folder.is_dir():
            files = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime)
            for old in files[: -kept * _EACH[kind]]:
                old.unlink(missing_ok=True)
                removed += 1
    return removed
