"""Who watches from outside and tells: UptimeRobot's monitors and Cloudflare's notifications.

Light to import: the settings are checked from here, and a stack that asks for nothing needs none of the SDKs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.edge import Edge
    from components.hosts import Host
    from components.monitoring.component import Monitoring
    from components.publishing import Publication
    from components.settings import Settings


def declare(
    settings: Settings, edge: Edge, hosts: Mapping[str, Host], publications: Mapping[str, Publication]
) -> Monitoring | None:
    """What the stack's settings ask for; None where they ask for nothing. All publications have gone live."""
    own = settings.monitoring
    if own.uptime_robot is None and own.cloudflare is None:
        return None
    from components.edge import EdgeArgs
    from components.monitoring.component import Monitoring

    origins = {name: host.origin for name, host in hosts.items()}
    verified = {name: publication.verified for name, publication in publications.items()}
    return Monitoring("monitoring", EdgeArgs.from_settings(settings), own, edge, origins, verified)
