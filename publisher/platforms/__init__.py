"""Hosting platforms, one module for each, found by name.

A module ends in ``PLATFORM`` (its Platform) and, where the platform's infrastructure has no SDK, ``RESOURCES`` (its
own resource handlers).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from platforms import PLATFORMS
from publisher.platforms.base import Platform, Traits

if TYPE_CHECKING:
    from publisher.resources.handler import Handler

__all__ = ["Platform", "Traits", "platform_class", "platform_resources"]


def platform_class(name: str) -> type[Platform]:
    """Class that publishes to ``name``; raises KeyError for a name that is not registered."""
    if name not in PLATFORMS:
        known = ", ".join(PLATFORMS)
        raise KeyError(f"there is no platform {name!r}; known: {known}")
    found: type[Platform] = import_module(f"publisher.platforms.{name}").PLATFORM
    return found


def platform_resources(name: str) -> tuple[type[Handler], ...]:
    """Resource handlers that a platform brings along; usually none."""
    found: tuple[type[Handler], ...] = getattr(import_module(f"publisher.platforms.{name}"), "RESOURCES", ())
    return found
