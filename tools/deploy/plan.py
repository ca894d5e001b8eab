"""What a run would do, as the engine's preview tells it.

https://pkg.go.dev/github.com/pulumi/pulumi/sdk/v3/go/common/apitype#StepEventMetadata
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Operations that change nothing.
_SAME = frozenset({"same", "read", "refresh"})
#: Operations after which the resource is there no more, or is another one.
_ENDING = frozenset({"delete", "replace", "delete-replaced", "discard-replaced"})
_DIGITS = 16


@dataclass(frozen=True)
class Step:
    """One resource in a plan."""

    op: str
    urn: str
    kind: str
    """Its type token."""
    old: Mapping[str, Any] = field(default_factory=dict)
    """Inputs as they are; empty for a new one."""
    new: Mapping[str, Any] = field(default_factory=dict)
    """Inputs as they would be; empty for one that goes."""
    changed: tuple[str, ...] = ()
    """Inputs that differ."""

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.split("::")[-1]

    @property
    def ends(self) -> bool:
        """Whether it would be deleted, or replaced by another one."""
        return self.op in _ENDING

    @property
    def changes(self) -> bool:
        """Whether anything would be done."""
        return self.op not in _SAME


def steps(events: Iterable[Mapping[str, Any]]) -> list[Step]:
    """The steps of a preview's events, in the engine's order."""
    return [_step(event["resourcePreEvent"]["metadata"]) for event in events if "resourcePreEvent" in event]


def _step(found: Mapping[str, Any]) -> Step:
    old, new = (((found.get(side) or {}).get("inputs")) or {} for side in ("old", "new"))
    changed = found.get("diffs") or list(found.get("detailedDiff") or {})
    return Step(found["op"], found["urn"], found["type"], old, new, tuple(sorted(set(changed))))


def token(plan: Sequence[Step]) -> str:
    """Names this very plan: what is done to which resource, and the inputs that it gets. ``p`` and 16 hex digits.

    The engine writes ``[secret]`` in the place of secrets, so none can be guessed from a token.
    """
    told = sorted(
        (step.urn, step.op, json.dumps(step.new, sort_keys=True), json.dumps(step.old, sort_keys=True))
        for step in plan
        if step.changes
    )
    return "p" + hashlib.sha256(json.dumps(told).encode()).hexdigest()[:_DIGITS]
