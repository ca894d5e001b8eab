"""What of a stack is not as it was declared, from the engine's own comparison (``pulumi refresh --preview-only``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from tools.deploy.errors import Refused

DIFFERS = 3
"""Exit code of the command when something differs."""
_AS_DECLARED = {"same", "refresh", "read"}
_GONE = {"delete", "discard"}


@dataclass(frozen=True)
class Difference:
    """One resource. Values are left out: some are secrets."""

    kind: str
    """Type token."""
    name: str
    properties: tuple[str, ...]
    """Paths of what differs; empty for a resource that is gone."""

    @property
    def what(self) -> str:
        """In words."""
        if not self.properties:
            return "is gone"
        return f"{', '.join(self.properties)} changed"


def differences(answer: str) -> list[Difference]:
    """Read what ``refresh --preview-only --json`` printed; raises Refused where that is something else."""
    try:
        steps = json.loads(answer)["steps"]
        found = [_difference(step) for step in steps if step["op"] not in _AS_DECLARED]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(
            f"the engine's comparison cannot be read ({type(error).__name__}); is the pinned engine in use?"
        ) from error
    return sorted(found, key=lambda one: (one.kind, one.name))


def _difference(step: Mapping[str, Any]) -> Difference:
    kind, name = str(step["urn"]).split("::")[2:4]
    named = sorted({*(step.get("detailedDiff") or {}), *(step.get("diffReasons") or ())})
    properties = () if step["op"] in _GONE else tuple(_without_parents(named)) or ("something",)
    return Difference(kind.rsplit("$", 1)[-1], name, properties)


def _without_parents(paths: Sequence[str]) -> list[str]:
    """``origins`` says nothing beside ``origins[0].enabled``."""
    return [path for path in paths if not any(other.startswith((f"{path}.", f"{path}[")) for other in paths)]


def table(found: Sequence[Difference]) -> Table:
    """The differences for people."""
    result = Table(title="Not as declared", title_justify="left", header_style="bold")
    for heading in ("resource", "type", "difference"):
        result.add_column(heading, overflow="fold")
    for one in found:
        result.add_row(one.name, one.kind, one.what)
    return result
