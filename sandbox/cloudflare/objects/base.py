"""What a kind of object in the account has to say for itself."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from sandbox.provider.resource_type import UNKNOWN, Inputs
from sandbox.store import Document

Reasons = list[tuple[str, str]]


class Objects(Protocol):
    """What the rules of a kind need to see of the account."""

    def all(self, kind: type[Kind]) -> list[Document]:
        """Documents of a kind."""

    def find(self, kind: type[Kind], identifier: str) -> Document | None:
        """A document, or None."""

    def in_zone(self, hostname: str) -> bool:
        """Tell whether a name lies below the account's zone."""

    def zone_name(self) -> str:
        """Name of the zone."""

    def now(self) -> str:
        """The sandbox's time."""


class Kind:
    """Rules of one kind of object. Documents are in the API's names."""

    name: ClassVar[str]
    missing: ClassVar[str] = "object not found"
    missing_code: ClassVar[int] = 1001
    initial: ClassVar[dict[str, Any]] = {}
    """What the service fills in where nothing is given."""
    carried: ClassVar[tuple[str, ...]] = ()
    """Properties the service keeps through an overwrite, besides id and dates."""

    @classmethod
    def identifier(cls, given: Document) -> str | None:
        """Id that follows from the object itself; None for a made-up one."""
        del given
        return None

    @classmethod
    def complete(cls, given: Document, objects: Objects) -> Document:
        """The document as the service keeps it."""
        del objects
        return {**cls.initial, **given}

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """Raise ApiError where the service refuses the object."""

    @classmethod
    def reasons(cls, inputs: Inputs) -> Reasons:
        """What the provider's own schema refuses before anything is sent: (property, reason), in provider names."""
        del inputs
        return []


def one_of(inputs: Inputs, key: str, allowed: tuple[str, ...]) -> Reasons:
    """Refuse a value that is not among the allowed ones."""
    value = inputs.get(key)
    if value is None or value == UNKNOWN or str(value).lower() in [one.lower() for one in allowed]:
        return []
    return [(key, f"value must be one of: {', '.join(allowed)}; got: {value}")]


def between(inputs: Inputs, key: str, low: float, high: float) -> Reasons:
    """Refuse a number outside of a range."""
    value = inputs.get(key)
    if value is None or value == UNKNOWN or low <= float(value) <= high:
        return []
    return [(key, f"value must be between {low} and {high}; got: {value}")]
