"""The preview that nobody sees, with which ``up`` begins: what the policies and the plan guard judge."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.deploy.engine_process import EngineProcess
from tools.deploy.errors import Refused

#: Without it, the engine has no ``--event-log``.
_DEBUG = {"PULUMI_DEBUG_COMMANDS": "true"}


@dataclass(frozen=True)
class Preview:
    """What the engine said."""

    events: Sequence[Mapping[str, Any]]
    failure: Refused | None = None
    """Why it did not end well."""


def previewed(process: EngineProcess, given: Sequence[str] = ()) -> Preview:
    """Preview quietly with the ``given`` options; a failure is in the answer and not raised."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "events.jsonl"
        asking = replace(process, environment={**process.environment, **_DEBUG})
        failure: Refused | None = None
        try:
            asking.ask("preview", "--event-log", str(log), *given)
        except Refused as refused:
            failure = refused
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return Preview([json.loads(line) for line in lines], failure)
