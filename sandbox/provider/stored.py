"""Resource types whose whole life is a document in the store; most of a stand-in provider."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from typing import ClassVar

from sandbox.provider.resource_type import Inputs, Outputs, ResourceType
from sandbox.store import Document, Store


def automatic_name(logical: str, old: Inputs, key: str, *, longest: int = 64) -> str:
    """Name the SDK leaves to the provider: the logical name and seven hex digits, kept from then on."""
    if isinstance(old.get(key), str):
        return str(old[key])
    return f"{logical[: longest - 8]}-{secrets.token_hex(4)[:7]}"


class StoredType(ResourceType):
    """Keeps each resource's outputs in the store under its token; a type adds what is computed and what is refused."""

    required: ClassVar[tuple[str, ...]] = ()
    named: ClassVar[str | None] = None
    """Property that gets an automatic name when the program gives none."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Name what is required and missing."""
        reason = 'Missing required argument. "{}" is required, but no definition was found.'
        return [(key, reason.format(key)) for key in self.required if inputs.get(key) is None]

    def defaults(self, name: str, inputs: Inputs, old: Inputs) -> Inputs:
        """Give an automatic name where one is due."""
        if self.named and inputs.get(self.named) is None:
            return {**inputs, self.named: automatic_name(name, old, self.named)}
        return inputs

    def refuse(self, inputs: Inputs, identifier: str | None) -> None:
        """Raise Refused for what the service would refuse; ``identifier`` is None for a new resource."""
        del inputs, identifier

    def in_use(self, identifier: str, document: Document) -> None:
        """Raise Refused when the resource cannot go yet."""
        del identifier, document

    @abstractmethod
    def identify(self, inputs: Inputs) -> str:
        """Id of a new resource."""

    def compute(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        """Outputs beside the inputs."""
        del identifier, inputs, old
        return {}

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Make the document."""
        self.refuse(inputs, None)
        identifier = self.identify(inputs)
        return identifier, self._write(identifier, inputs, None)

    async def read(self, identifier: str) -> Outputs | None:
        """The document."""
        return self.store.get(self.token, identifier)

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Write the document anew."""
        self.refuse(new, identifier)
        return self._write(identifier, new, self.store.get(self.token, identifier) or old)

    async def delete(self, identifier: str) -> None:
        """Remove the document unless it is in use."""
        document = self.store.get(self.token, identifier)
        if document is not None:
            self.in_use(identifier, document)
            self.store.delete(self.token, identifier)

    def _write(self, identifier: str, inputs: Inputs, old: Outputs | None) -> Outputs:
        outputs = {**inputs, **self.compute(identifier, inputs, old)}
        self.store.put(self.token, identifier, outputs)
        return outputs
