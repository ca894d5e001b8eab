"""Host components, one module for each platform, found by name.

A module ends in ``HOST``, its component. Its arguments class is a frozen dataclass whose fields are the stack's
``hostSettings.NAME`` plus what every host gets (`CommonArgs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol

import pulumi

from components.origin import Origin
from platforms import PLATFORMS


@dataclass(frozen=True)
class ApiLookup:
    """Where a platform's API tells the id of a resource, which it makes up itself, by the resource's unique name.

    The answer is the resource, or a list in which the one with the inputs' ``name`` is searched.
    """

    base_variable: str
    """Variable of the environment with the API's address."""
    base: str
    """The address where the variable is not set."""
    path: str
    """Template of inputs: ``/v9/projects/{name}``."""
    token_variable: str
    header: str = "Authorization"
    prefix: str = "Bearer "
    query: tuple[str, ...] = ()
    """Inputs that are sent along where they are given, under their own names."""


class Host(Protocol):
    """What the program knows of a host component."""

    arguments: ClassVar[type[Any]]
    """Frozen dataclass of the settings."""
    origin: Origin
    target: dict[str, pulumi.Input[str]]
    """Where the publisher publishes to: outputs of the declared resources, by the names its platform expects."""
    scope: dict[str, pulumi.Input[str]]
    """Only where pipelines sign in by OIDC: what their role is limited to."""


#: Fields of every host's arguments that the stack as a whole decides; not to be set for one host.
COMMON_FIELDS = ("site", "protect", "headers")


def host_class(name: str) -> type[Any]:
    """Component of the platform ``name``; raises KeyError for a name that is not registered."""
    if name not in PLATFORMS:
        raise KeyError(f"there is no platform {name!r}; known: {', '.join(PLATFORMS)}")
    found: type[Any] = import_module(f"components.hosts.{name}").HOST
    return found
