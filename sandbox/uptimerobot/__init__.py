"""UptimeRobot on your own machine: its API v3, and monitors that really look."""

from __future__ import annotations

from sandbox.twin import ControlPlane, Twin
from sandbox.uptimerobot.api import KEY, Api
from sandbox.world import World


def twin(world: World) -> Twin:
    """The UptimeRobot twin."""
    return Twin(name="uptimerobot", control=(ControlPlane("uptimerobot", Api(world).app(), _environment),))


def _environment(url: str) -> dict[str, str]:
    return {"UPTIMEROBOT_API_URL": f"{url}/v3", "UPTIMEROBOT_API_KEY": KEY}
