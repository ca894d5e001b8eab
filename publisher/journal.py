"""What a run did, written as it happens: one JSON line for each operation.

``make up`` reads it for its table. A platform without a line had nothing to do. The file is named by
``PUBLISHER_JOURNAL``; without that variable nothing is written.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Entry:
    """One finished operation on one platform."""

    operation: Literal["upload", "publish", "verify"]
    platform: str
    release: str
    seconds: float
    files_sent: int = 0
    bytes_sent: int = 0
    calls: int = 0
    """Calls that create or publish a deployment (what platforms charge for)."""


class Journal:
    """Appends entries; lines of several operations never mix (O_APPEND, one write each)."""

    def __init__(self, path: Path | None = None) -> None:
        named = os.environ.get("PUBLISHER_JOURNAL")
        self._path = path or (Path(named) if named else None)

    def add(self, entry: Entry) -> None:
        """Write one line."""
        if self._path is None:
            return
        line = json.dumps(asdict(entry)).encode() + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
