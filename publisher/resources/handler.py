"""What a resource of the plugin does when the engine asks.

Values are plain JSON values; ``UNKNOWN`` stands for what a preview cannot know yet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from publisher.errors import PublisherError
from publisher.session import Session

Values = dict[str, Any]

#: How the engine writes a value that is not known at preview.
#: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go (UnknownStringValue)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Kind = Literal["add", "delete", "update"]


@dataclass(frozen=True)
class Failure:
    """An input that is wrong: which one, and what to do."""

    key: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """What a run would change: property path → kind; ``replaces`` lists what cannot be changed in place."""

    changed: Mapping[str, Kind] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One resource as the engine describes it."""

    urn: str
    name: str
    id: str = ""
    inputs: Values = field(default_factory=dict)
    """New inputs (for read: the inputs of the state)."""
    old_inputs: Values = field(default_factory=dict)
    outputs: Values = field(default_factory=dict)
    """Outputs of the state."""
    preview: bool = False


class Handler(ABC):
    """Base of the plugin's resources; compares inputs one by one unless a resource knows better."""

    token: ClassVar[str]
    replaced_by: ClassVar[Collection[str]] = ()
    """Inputs whose change makes a new resource."""
    secrets: ClassVar[Collection[str]] = ()
    """Outputs that the engine is to keep encrypted, and to show nowhere."""

    def __init__(self, session: Session) -> None:
        self.session = session

    async def check(self, request: Request) -> tuple[Values, list[Failure]]:
        """Inputs with what the plugin adds, and all mistakes at once."""
        return request.inputs, []

    async def difference(self, request: Request) -> Difference:
        """Compare the inputs of the state with the new ones."""
        changed = changes(request.old_inputs, request.inputs)
        return Difference(changed, tuple(key for key in changed if key in self.replaced_by))

    @abstractmethod
    async def create(self, request: Request) -> tuple[str, Values]:
        """Make it; looks first for what a killed run has made. Returns id and outputs."""

    async def update(self, request: Request) -> Values:
        """Change it in place; returns the outputs."""
        _, outputs = await self.create(request)
        return outputs

    async def read(self, request: Request) -> Values | None:
        """Outputs as they are now, or None when it is gone."""
        return request.outputs

    def inputs_read(self, request: Request, outputs: Values) -> Values:
        """Inputs that the ``outputs`` just read would have come from; by default those of the state.

        Where they differ from the program's, the next run sets right what somebody changed by hand.
        """
        del outputs
        return request.inputs

    async def delete(self, request: Request) -> None:
        """Take it away; nothing by default: content goes with the site that holds it."""
        del request


def result_of(inputs: Values, key: str, step: str) -> Any:
    """Value that an earlier step gave; with ``--continue-on-error`` it is missing when that step failed."""
    if key not in inputs:
        raise PublisherError(
            f"{inputs['platform']}: not tried, because {step} did not succeed; its own error says why."
        )
    return inputs[key]


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Kind]:
    """Keys that differ; keys with the same value are left out."""
    found: dict[str, Kind] = {}
    for key in sorted({*old, *new}):
        if key not in new:
            found[key] = "delete"
        elif key not in old:
            found[key] = "add"
        elif old[key] != new[key]:
            found[key] = "update"
    return found


def property_path(parent: str, key: str) -> str:
    """Path of ``key`` in the map ``parent``, as the engine writes it: ``files["about.html"]``."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{parent}["{escaped}"]'
