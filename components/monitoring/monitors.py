"""UptimeRobot's monitors: each asks for the page that the load balancer's monitor asks for, and wants its word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.edge.args import EdgeArgs
from components.monitoring.settings import UptimeRobot
from components.origin import Origin


class UptimeRobotMonitor(pulumi.CustomResource):
    """The plugin's resource."""

    url: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__("publisher:index:UptimeRobotMonitor", name, dict(inputs), opts)


def declare_site_monitor(
    name: str, args: EdgeArgs, own: UptimeRobot, site_url: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> UptimeRobotMonitor:
    """The public name, as visitors have it."""
    return UptimeRobotMonitor(name, _inputs(args.hostname, site_url, args, own), opts)


def declare_platform_monitor(
    name: str, args: EdgeArgs, own: UptimeRobot, origin: Origin, opts: pulumi.ResourceOptions
) -> UptimeRobotMonitor:
    """One platform by its own address, so that it is noticed before it is needed."""
    return UptimeRobotMonitor(name, _inputs(f"{args.hostname} on {origin.name}", origin.url, args, own), opts)


def _inputs(title: str, url: pulumi.Output[str], args: EdgeArgs, own: UptimeRobot) -> dict[str, Any]:
    return {
        "name": title,
        "url": url.apply(lambda base: f"{base}{args.path}"),
        "keyword": args.expected_body,
        "interval": own.interval,
        "timeout": own.timeout,
        "contacts": [one.model_dump() for one in own.contacts],
        **({} if own.retries is None else {"retries": own.retries}),
    }
