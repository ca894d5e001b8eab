"""Cloudflare's own notifications: what its monitors find, and a platform that somebody switches off by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.edge.args import EdgeArgs
from components.edge.balancing import ALERT
from components.monitoring.settings import CloudflareNotifications
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_cloudflare as cloudflare
else:
    cloudflare = lazily("pulumi_cloudflare")

#: https://developers.cloudflare.com/notifications/notification-available/#load-balancing
SWITCHED = "load_balancing_pool_enablement_alert"
PoolIds = pulumi.Output[list[str]]


def declare_notifications(
    name: str, args: EdgeArgs, own: CloudflareNotifications, pools: PoolIds, opts: pulumi.ResourceOptions
) -> None:
    """One policy for each kind of news; ``alertEmail`` has the edge's own."""
    health = cloudflare.NotificationPolicyFiltersArgs(
        pool_ids=pools, new_healths=["Unhealthy", "Healthy"], event_sources=["pool"]
    )
    _declare(f"{name}-health", args, own, ALERT, "health of the platforms, told to all", health, opts)
    switched = cloudflare.NotificationPolicyFiltersArgs(pool_ids=pools, enableds=["true", "false"])
    _declare(f"{name}-switched", args, own, SWITCHED, "a platform is switched on or off", switched, opts)


def _declare(
    name: str,
    args: EdgeArgs,
    own: CloudflareNotifications,
    kind: str,
    about: str,
    filters: cloudflare.NotificationPolicyFiltersArgs,
    opts: pulumi.ResourceOptions,
) -> cloudflare.NotificationPolicy:
    mechanisms = cloudflare.NotificationPolicyMechanismsArgs(
        emails=[cloudflare.NotificationPolicyMechanismsEmailArgs(id=address) for address in own.emails] or None,
        webhooks=[cloudflare.NotificationPolicyMechanismsWebhookArgs(id=one) for one in own.webhooks] or None,
        pagerduties=[cloudflare.NotificationPolicyMechanismsPagerdutyArgs(id=one) for one in own.pagerduty] or None,
    )
    return cloudflare.NotificationPolicy(
        name,
        account_id=args.account_id,
        name=f"{args.hostname}: {about}",
        alert_type=kind,
        enabled=True,
        mechanisms=mechanisms,
        filters=filters,
        opts=opts,
    )
