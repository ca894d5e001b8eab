"""Where a visitor is sent, and who is told when that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi

from components.edge.args import EdgeArgs
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_cloudflare as cloudflare
else:
    cloudflare = lazily("pulumi_cloudflare")

Pools = Mapping[str, cloudflare.LoadBalancerPool]

#: Written with underscores; the SDK's own documentation shows ``*`` in their place.
ALERT = "load_balancing_health_alert"


def declare_load_balancer(
    name: str, args: EdgeArgs, pools: Pools, opts: pulumi.ResourceOptions
) -> cloudflare.LoadBalancer:
    """Ordered failover: the first healthy platform serves.

    What is not needed stays unset; maps and time-outs that were only written down come back different on each run.
    https://github.com/cloudflare/terraform-provider-cloudflare/issues/7339
    """
    return cloudflare.LoadBalancer(
        name,
        zone_id=args.zone_id,
        name=args.hostname,
        description=f"{args.hostname}: {', '.join(pools)}",
        enabled=True,
        proxied=True,  # the provider's default is False: slow failover by DNS, platforms exposed
        steering_policy="off",
        default_pools=[pool.id for pool in pools.values()],
        fallback_pool=pools[args.fallback or next(iter(pools))].id,
        # Without this the one retry after a refused connection stays inside a pool, and each has one endpoint only.
        # https://developers.cloudflare.com/load-balancing/understand-basics/adaptive-routing/
        adaptive_routing=cloudflare.LoadBalancerAdaptiveRoutingArgs(failover_across_pools=True),
        session_affinity="none",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=args.protect)),
    )


def declare_alert(
    name: str, args: EdgeArgs, pools: Pools, opts: pulumi.ResourceOptions
) -> cloudflare.NotificationPolicy | None:
    """E-mail on each change of a pool's health, if somebody wants it.

    A policy of its own: ``notification_email`` of a pool is deprecated.
    https://developers.cloudflare.com/load-balancing/reference/migration-guides/health-monitor-notifications/
    """
    if not args.notification_email:
        return None
    emails = [cloudflare.NotificationPolicyMechanismsEmailArgs(id=args.notification_email)]
    return cloudflare.NotificationPolicy(
        name,
        account_id=args.account_id,
        name=f"{args.hostname}: health of the platforms",
        alert_type=ALERT,
        enabled=True,
        mechanisms=cloudflare.NotificationPolicyMechanismsArgs(emails=emails),
        filters=cloudflare.NotificationPolicyFiltersArgs(
            pool_ids=[pool.id for pool in pools.values()],
            new_healths=["Unhealthy", "Healthy"],
            event_sources=["pool"],
        ),
        opts=opts,
    )
