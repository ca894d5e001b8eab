"""Operations that a killed engine had begun: what became of them is found out before the next run.

Left alone, the engine only warns about them and makes a resource a second time whose creation was cut off. Its own
``refresh --import-pending-creates`` drops them as well (3.250.0: nothing reads what it marks). So the state is
exported, every such operation is resolved, and the result is imported:

- a resource that is found out there is put into the state with its id, and then read by a refresh of just this one;
- one that looks itself up when it is created (the publisher's, and what is merely a setting) is forgotten;
- one that cannot be looked up is forgotten with a warning, for it may exist twice afterwards;
- updates and deletions that were cut off are forgotten: the state still has the old values, so they are done again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tools.deploy.engine_process import EngineProcess


class Fate(Enum):
    """What became of an operation."""

    ADOPTED = "was made; it is taken over"
    ABSENT = "was not made; it is made now"
    AGAIN = "is looked up or done again by this run"
    UNKNOWN = "may have been made; if it was, there are two now: remove the one that is not in use"


FindId = Callable[[str, Mapping[str, Any]], "str | Fate"]
"""Provider id of what has this type and these inputs, or what else became of its creation."""


@dataclass(frozen=True)
class Resolved:
    """One operation and its fate."""

    urn: str
    kind: str
    operation: str
    fate: Fate

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass
class Repair:
    """The state with all operations resolved."""

    state: dict[str, Any]
    resolved: list[Resolved] = field(default_factory=list)

    @property
    def adopted(self) -> list[str]:
        """URNs that a refresh has to read."""
        return [one.urn for one in self.resolved if one.fate is Fate.ADOPTED]


def resolve(state: dict[str, Any], find_id: FindId) -> Repair:
    """Resolve the pending operations of an exported ``state``; the state itself is changed."""
    deployment = state.get("deployment") or {}
    repair = Repair(state)
    known = {resource["urn"] for resource in deployment.get("resources") or []}
    for operation in deployment.pop("pending_operations", None) or []:
        resource = operation["resource"]
        fate, found = decide(operation["type"], resource, known, find_id)
        if found:
            # A refresh reads by id and inputs; the outputs are replaced by what it reads.
            deployment["resources"].append({**resource, "id": found, "outputs": resource.get("inputs", {})})
            known.add(resource["urn"])
        repair.resolved.append(Resolved(resource["urn"], resource["type"], operation["type"], fate))
    return repair


def decide(operation: str, resource: Mapping[str, Any], known: set[str], find_id: FindId) -> tuple[Fate, str | None]:
    """What became of one operation, and the id if the resource is to be taken over."""
    if operation != "creating":
        return Fate.AGAIN, None
    found = find_id(resource["type"], resource.get("inputs", {}))
    if isinstance(found, Fate):
        return found, None
    # A replacement: the state has the old one under this URN and cannot hold both.
    return (Fate.UNKNOWN, None) if resource["urn"] in known else (Fate.ADOPTED, found)


def repair(engine: EngineProcess, find_id: FindId) -> list[Resolved]:
    """Resolve what is pending in the stack; returns it, empty if nothing is."""
    state = json.loads(engine.ask("stack", "export"))
    if not (state.get("deployment") or {}).get("pending_operations"):
        return []
    repaired = resolve(state, find_id)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as file:
        json.dump(repaired.state, file)
        file.flush()
        engine.ask("stack", "import", "--file", file.name)
    if repaired.adopted:
        targets = [part for urn in repaired.adopted for part in ("--target", urn)]
        engine.ask("refresh", "--yes", "--skip-preview", *targets)
    return repaired.resolved


def state_file(backend: Path, project: str, stack: str) -> Path:
    """Where a file backend keeps the state of a stack."""
    return backend / ".pulumi" / "stacks" / project / f"{stack}.json"


def has_pending(state: Path) -> bool:
    """Whether a state file holds pending operations; True when it cannot be told."""
    try:
        checkpoint = json.loads(state.read_text("utf-8"))["checkpoint"]
        return bool((checkpoint.get("latest") or {}).get("pending_operations"))
    except (OSError, ValueError, KeyError):
        return True
