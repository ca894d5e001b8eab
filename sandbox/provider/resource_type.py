"""One Pulumi resource type of a stand-in provider.

Property names are the provider's camelCase ones. Values are plain JSON values; ``UNKNOWN`` at preview for what is not
known yet.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

Inputs = dict[str, Any]
Outputs = dict[str, Any]
Invoke = Callable[[Inputs], Awaitable[Outputs]]

#: How the engine writes a value that is not known at preview.
#: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go (UnknownStringValue)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Refused(Exception):
    """What the real service refuses, with its own error code and words: ``BucketAlreadyExists: …``."""


class ResourceType(ABC):
    """What happens to resources of one type."""

    token: ClassVar[str]
    """For example ``aws:s3/bucket:Bucket``."""
    replaced_by: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change makes a new resource."""
    named: ClassVar[str | None] = None
    """The input that holds the resource's unique name, if it has one: two cannot bear it at the same time."""
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are secret."""
    computed: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are unknown until the resource exists."""

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Inputs the real provider refuses: (property, reason). Values may be UNKNOWN."""
        del inputs
        return []

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """Inputs with auto-naming and the provider's defaults; ``old`` inputs keep an automatic name stable."""
        del name, old
        return inputs

    @abstractmethod
    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Make it; returns id and outputs. Raises Refused."""

    @abstractmethod
    async def read(self, identifier: str) -> Outputs | None:
        """Outputs as they are now, or None when it is gone."""

    @abstractmethod
    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Change it in place. Raises Refused."""

    @abstractmethod
    async def delete(self, identifier: str) -> None:
        """Take it away; what is gone already is no error. Raises Refused while it is in use."""
