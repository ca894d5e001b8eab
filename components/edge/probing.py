"""How Cloudflare finds out which platforms are well: one monitor, one pool for each platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pulumi

from components.edge.args import EdgeArgs
from components.edge.shedding import Shedding
from components.origin import Origin
from components.sdk import lazily

if TYPE_CHECKING:
    import pulumi_cloudflare as cloudflare
else:
    cloudflare = lazily("pulumi_cloudflare")

#: Leaves of a pool that somebody else writes. ``loadShedding`` belongs to whoever brings a recovered platform back in
#: steps; without this an ``up`` would take it away (``shedding`` keeps it where a pool changes otherwise). The other
#: two the provider makes up on each run. https://github.com/cloudflare/terraform-provider-cloudflare/issues/7329
NOT_OURS = ["loadShedding", "origins[0].disabledAt", "origins[0].port"]


def declare_monitor(name: str, args: EdgeArgs, opts: pulumi.ResourceOptions) -> cloudflare.LoadBalancerMonitor:
    """The check that every platform must pass.

    No ``header``: a pool endpoint's own Host wins over the monitor's, and each platform has its own.
    https://developers.cloudflare.com/load-balancing/monitors/#host-header-prioritization
    No ``port``: only for other ports than the protocol's own.
    """
    return cloudflare.LoadBalancerMonitor(
        name,
        account_id=args.account_id,
        description=f"{args.hostname}: {args.path}",
        type="https",  # the provider's default is http
        method="GET",
        path=args.path,
        interval=args.interval,
        timeout=args.timeout,
        retries=args.retries,
        consecutive_up=args.consecutive_up,
        consecutive_down=args.consecutive_down,
        expected_codes="200",
        expected_body=args.expected_body,
        follow_redirects=False,
        allow_insecure=False,  # or a platform with an expired certificate would look healthy
        probe_zone=args.apex,
        opts=opts,
    )


def declare_pools(
    name: str,
    args: EdgeArgs,
    origins: Sequence[Origin],
    monitor: cloudflare.LoadBalancerMonitor,
    opts: pulumi.ResourceOptions,
) -> dict[str, cloudflare.LoadBalancerPool]:
    """One pool for each platform, by its name, in failover order."""
    # A pool that a load balancer refers to cannot be deleted (412, code 1005): never delete it before its successor is
    # in place. https://github.com/cloudflare/terraform-provider-cloudflare/issues/66
    hooks = Shedding(args.account_id).hooks(f"{name}-shedding")
    keep = pulumi.ResourceOptions(delete_before_replace=False, ignore_changes=NOT_OURS, hooks=hooks)
    options = pulumi.ResourceOptions.merge(opts, keep)
    return {origin.name: _declare_pool(f"{name}-{origin.name}", args, origin, monitor, options) for origin in origins}


def pool_name(args: EdgeArgs, origin: str) -> str:
    """Name of a platform's pool: unique in the account, of the letters, digits, ``-`` and ``_`` that are allowed.

    Made of the site's name too, so that two sites share an account.
    """
    return f"{args.hostname.replace('.', '-')}-{origin}"


def _declare_pool(
    name: str,
    args: EdgeArgs,
    origin: Origin,
    monitor: cloudflare.LoadBalancerMonitor,
    opts: pulumi.ResourceOptions,
) -> cloudflare.LoadBalancerPool:
    return cloudflare.LoadBalancerPool(
        name,
        account_id=args.account_id,
        name=pool_name(args, origin.name),
        description=f"{args.hostname} on {origin.name}",
        enabled=True,
        monitor=monitor.id,
        minimum_origins=1,
        check_regions=sorted(set(args.regions)),
        origins=[_endpoint(origin)],
        opts=opts,
    )


def _endpoint(origin: Origin) -> cloudflare.LoadBalancerPoolOriginArgs:
    """The only endpoint of its pool: several ones come back sorted by name, which shows as a change.

    https://github.com/cloudflare/terraform-provider-cloudflare/issues/7028
    The Host header is allowed because it is the endpoint's address or publicly resolves to it.
    https://developers.cloudflare.com/load-balancing/additional-options/override-http-host-headers/
    """
    return cloudflare.LoadBalancerPoolOriginArgs(
        name=origin.name,
        address=origin.hostname,
        header=cloudflare.LoadBalancerPoolOriginHeaderArgs(hosts=[origin.host_header]),
        enabled=True,
        weight=1,
    )
