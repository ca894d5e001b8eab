"""Which twins a sandbox runs: for each registered platform, Cloudflare in front, UptimeRobot and GitHub beside."""

from __future__ import annotations

from importlib import import_module

from platforms import PLATFORMS
from sandbox.twin import Twin
from sandbox.world import World

_SERVICES = ("sandbox.cloudflare", "sandbox.uptimerobot", "sandbox.github")


def twins(world: World) -> list[Twin]:
    """All twins of a world, platforms first."""
    modules = [*(f"sandbox.platforms.{name}" for name in PLATFORMS), *_SERVICES]
    return [import_module(module).twin(world) for module in modules]
