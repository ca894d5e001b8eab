"""The monitoring component: what looks at the site from outside, by the stack's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.edge import Edge, EdgeArgs
from components.monitoring.monitors import UptimeRobotMonitor, declare_platform_monitor, declare_site_monitor
from components.monitoring.notifications import declare_notifications
from components.monitoring.settings import MonitoringSettings, UptimeRobot
from components.origin import Origin


class Monitoring(pulumi.ComponentResource):
    """Monitors and notifications of one site."""

    monitors: pulumi.Output[list[dict[str, Any]]]
    """Address and id of each monitor of UptimeRobot."""

    def __init__(
        self,
        name: str,
        args: EdgeArgs,
        own: MonitoringSettings,
        edge: Edge,
        origins: Mapping[str, Origin],
        verified: Mapping[str, pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Watch ``edge`` and each of ``origins``, by name; ``verified`` is what shows that it serves.

        A monitor is made after that: one that is made before the first release would alert at once.
        """
        super().__init__("peacefulrobot:monitoring:Monitoring", name, {"hostname": args.hostname}, opts)
        made: list[UptimeRobotMonitor] = []
        if own.uptime_robot is not None:
            made = list(self._monitors(name, args, own.uptime_robot, edge, origins, verified))
        if own.cloudflare is not None:
            pools = edge.pool_ids.apply(lambda found: sorted(found.values()))
            child = pulumi.ResourceOptions(parent=self)
            declare_notifications(f"{name}-notification", args, own.cloudflare, pools, child)
        self.monitors = pulumi.Output.all(*(pulumi.Output.all(one.url, one.id) for one in made)).apply(
            lambda found: [{"url": url, "id": identifier} for url, identifier in found]
        )
        self.register_outputs({"monitors": self.monitors})

    def _monitors(
        self,
        name: str,
        args: EdgeArgs,
        own: UptimeRobot,
        edge: Edge,
        origins: Mapping[str, Origin],
        verified: Mapping[str, pulumi.Resource],
    ) -> list[UptimeRobotMonitor]:
        after = pulumi.ResourceOptions(parent=self, depends_on=[edge, *verified.values()])
        found = [declare_site_monitor(f"{name}-site", args, own, edge.site_url, after)]
        for key, origin in origins.items() if own.platforms else ():
            opts = pulumi.ResourceOptions(parent=self, depends_on=[verified[key]])
            found.append(declare_platform_monitor(f"{name}-{key}", args, own, origin, opts))
        return found
