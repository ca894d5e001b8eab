"""The edge component, mode ``load-balancer``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.edge import balancing, headers, probing, redirects, zone
from components.edge.args import EdgeArgs, check
from components.origin import Origin


class Edge(pulumi.ComponentResource):
    """The site's name at Cloudflare: probes each platform and sends visitors to the first healthy one."""

    site_url: pulumi.Output[str]
    """``https://…`` address of the site, without a trailing slash."""
    pool_ids: pulumi.Output[dict[str, str]]
    """Platform → id of its pool, for whoever brings a platform back in steps."""
    load_balancer_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: EdgeArgs,
        origins: Sequence[Origin],
        rules: pulumi.Output[dict[str, Any]] | None = None,
        folders: pulumi.Output[list[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Serve ``origins``, in failover order, as ``args.hostname``. Raises EdgeError with every mistake.

        ``rules`` of the release are needed where an origin cannot send headers of its own, its ``folders`` where one
        does not lead to the slash of a folder.
        """
        check(args, origins)
        inputs = {"hostname": args.hostname, "origins": [origin.hostname for origin in origins]}
        super().__init__("peacefulrobot:edge:Edge", name, inputs, opts)
        child = pulumi.ResourceOptions(parent=self)
        monitor = probing.declare_monitor(f"{name}-monitor", args, child)
        pools = probing.declare_pools(f"{name}-pool", args, origins, monitor, child)
        load_balancer = balancing.declare_load_balancer(f"{name}-load-balancer", args, pools, child)
        balancing.declare_alert(f"{name}-alert", args, pools, child)
        zone.declare_settings(f"{name}-setting", args, child)
        zone.declare_caching(f"{name}-caching", args, child)
        slashless = None if all(origin.adds_slash for origin in origins) else folders
        redirects.declare_redirects(f"{name}-redirect", args, slashless, child)
        if rules is not None and not all(origin.sends_headers for origin in origins):
            headers.declare_headers(f"{name}-headers", args, rules, child)
        zone.declare_records(f"{name}-record", args, child)
        self.site_url = load_balancer.name.apply(lambda hostname: f"https://{hostname}")
        self.pool_ids = pulumi.Output.all(**{key: pool.id for key, pool in pools.items()}).apply(dict)
        self.load_balancer_id = load_balancer.id
        outputs = {"siteUrl": self.site_url, "poolIds": self.pool_ids, "loadBalancerId": self.load_balancer_id}
        self.register_outputs(outputs)
