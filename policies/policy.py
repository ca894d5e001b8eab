"""What a policy is made of, and what it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from policies.values import at, separately

Level = Literal["advisory", "mandatory", "remediate", "disabled"]
ANY_KIND: tuple[str, ...] = ("*",)


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource. ``values`` are its inputs, for a whole stack its outputs, as ``values.seen`` makes them."""

    kind: str
    name: str
    urn: str
    values: Mapping[str, Any]
    protected: bool = False
    sources: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    """Property → resources its value is made from; for a whole stack only, and at preview too."""

    def made_from(self, key: str, *others: Resource) -> bool:
        """Whether the property is made from one of ``others``."""
        return any(source is other for source in self.sources.get(key, ()) for other in others)


@dataclass(frozen=True)
class Stack:
    """All resources of a stack."""

    resources: Sequence[Resource]
    config: Mapping[str, str] = field(default_factory=dict)
    """The stack's settings as the engine has them, by key without the project; what is secret is left out."""

    def of(self, *kinds: str) -> list[Resource]:
        """The resources of some types."""
        return [found for found in self.resources if found.kind in kinds]


@dataclass(frozen=True)
class Finding:
    """What is wrong, and with which resource; None means the stack as a whole."""

    resource: Resource | None
    what: str


@dataclass(frozen=True)
class Setting:
    """A threshold that a stack may set: its default, what it means, and its JSON type."""

    default: Any
    meaning: str
    type: Literal["integer", "string"] = "integer"


Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """What every policy says of itself."""

    name: str
    description: str
    """What must hold, in one sentence."""
    reason: str
    """Why, in one sentence."""
    remedy: str
    """What to do, in one sentence."""
    origin: str
    """Rules of others that ask for the same, or the document it follows."""
    level: Level = "mandatory"
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def with_defaults(self, given: Mapping[str, Any]) -> Settings:
        """The thresholds of a stack. The engine hands every number over as a float."""
        found = {name: given.get(name, setting.default) for name, setting in self.settings.items()}
        return {name: int(value) if self.settings[name].type == "integer" else value for name, value in found.items()}


@dataclass(frozen=True)
class ResourcePolicy(Policy):
    """Judges one resource by its inputs, before it is applied."""

    kinds: tuple[str, ...] = ()
    """Resource types that it looks at."""
    judge: Callable[[Resource, Settings], Iterable[str]] = lambda *_: ()
    repair: Callable[[Resource], Mapping[str, Any]] | None = None
    """Inputs to replace after a finding, where that is safe; used at the level ``remediate``."""

    def concerns(self, kind: str) -> bool:
        """Whether it looks at resources of this type."""
        return kind in self.kinds or self.kinds == ANY_KIND


@dataclass(frozen=True)
class StackPolicy(Policy):
    """Judges the stack as a whole, when the program has declared all of it."""

    judge: Callable[[Stack, Settings], Iterable[Finding]] = lambda *_: ()


def wanted(resource: Resource, values: Mapping[str, Any]) -> Iterator[str]:
    """A finding for each property that is not what it must be; the first unknown one ends in NotKnown at the end."""

    def judge(key: str) -> Iterator[str]:
        if at(resource.values, key) != values[key]:
            yield f"{key} is not {shown(values[key])}"

    yield from separately(values, judge)


def shown(value: Any) -> str:
    """A value as it stands in a settings file."""
    return str(value).lower() if isinstance(value, bool) else str(value)
