"""What a preview would do, event by event: what the policies and the plan guard judge."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.deploy.engine_process import EngineProcess
from tools.deploy.errors import Refused

#: Without it, the engine has no ``--event-log``.
_DEBUG = {"PULUMI_DEBUG_COMMANDS": "true"}
#: Has the publisher warn of what one platform refuses. As an error it would end the preview, which would then hide what
#: else the run does: ``up`` goes on with the other platforms, and deletes what is no longer declared.
_WHOLE_PLAN = {"PUBLISHER_WHOLE_PLAN": "true"}


@dataclass(frozen=True)
class Preview:
    """What the engine said."""

    events: Sequence[Mapping[str, Any]]
    failure: Refused | None = None
    """Why it did not end well."""


@dataclass(frozen=True)
class EventLog:
    """Where an engine writes what it would do."""

    path: Path

    @property
    def options(self) -> tuple[str, str]:
        """What has the engine write there."""
        return "--event-log", str(self.path)

    def events(self) -> list[Mapping[str, Any]]:
        """What it has written."""
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        return [json.loads(line) for line in lines]


@contextmanager
def watched(process: EngineProcess) -> Iterator[tuple[EngineProcess, EventLog]]:
    """The engine, able to write its events, and where to."""
    with tempfile.TemporaryDirectory() as folder:
        asking = replace(process, environment={**process.environment, **_DEBUG})
        yield asking, EventLog(Path(folder) / "events.jsonl")


def previewed(process: EngineProcess, given: Sequence[str] = ()) -> Preview:
    """Preview all of it quietly with the ``given`` options; a failure is in the answer and not raised."""
    failure: Refused | None = None
    with watched(process) as (asking, log):
        asking = replace(asking, environment={**asking.environment, **_WHOLE_PLAN})
        try:
            asking.ask("preview", *log.options, *given)
        except Refused as refused:
            failure = refused
        return Preview(log.events(), failure)
