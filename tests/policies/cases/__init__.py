"""What each policy passes, what it finds, and what it cannot know yet: one module for each module of policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from policies.policy import Policy
from tests.policies.judging import Declared


@dataclass
class Case:
    """``given`` to ``policy``; ``says`` is part of each finding expected, or of the path that is not known."""

    policy: Policy
    given: tuple[Declared, ...]
    says: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)


def passes(policy: Policy, *given: Declared, **config: Any) -> Case:
    return Case(policy, given, (), config)


def finds(policy: Policy, says: str | tuple[str, ...], *given: Declared, **config: Any) -> Case:
    return Case(policy, given, (says,) if isinstance(says, str) else says, config)


def cannot_know(policy: Policy, path: str, *given: Declared, **config: Any) -> Case:
    return Case(policy, given, (path,), config)


def with_(given: Declared, **values: Any) -> Declared:
    """A copy with other inputs; None takes one away."""
    merged = {**given.values, **values}
    kept = {key: value for key, value in merged.items() if value is not None}
    return Declared(given.kind, kept, given.name, given.made_from, given.protect, given.parents)


def every(name: str) -> list[Case]:
    """All cases of one list: ``PASSING``, ``FAILING``, ``UNKNOWN_YET`` or ``DESPITE_UNKNOWN``."""
    modules = [import_module(f"{__name__}.{path.stem}") for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))]
    return [case for module in modules for case in getattr(module, name, [])]
