"""The edge component, in its two modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.edge import balancing, headers, probing, redirects, serving, zone
from components.edge.args import EdgeArgs, EdgeError, check
from components.origin import Origin


class Edge(pulumi.ComponentResource):
    """The site's name at Cloudflare, served from the first platform that is well.

    Mode ``load-balancer`` probes each platform; in mode ``worker`` a Worker finds out with every request.
    """

    site_url: pulumi.Output[str]
    """``https://…`` address of the site, without a trailing slash."""
    pool_ids: pulumi.Output[dict[str, str]]
    """Platform → id of its pool, for whoever brings a platform back in steps; empty in mode ``worker``, which does so
    itself."""
    load_balancer_id: pulumi.Output[str]
    """Empty in mode ``worker``."""

    def __init__(
        self,
        name: str,
        args: EdgeArgs,
        origins: Sequence[Origin],
        rules: pulumi.Output[dict[str, Any]] | None = None,
        folders: pulumi.Output[list[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
        *,
        release: pulumi.Output[str] | None = None,
        served: pulumi.Output[dict[str, Any]] | None = None,
    ) -> None:
        """Serve ``origins``, in failover order, as ``args.hostname``. Raises EdgeError with every mistake.

        ``rules`` of the release are needed where an origin cannot send headers of its own, its ``folders`` where one
        does not lead to the slash of a folder. Mode ``worker`` needs ``rules`` always, and with them ``release`` and
        ``served`` of the website.
        """
        check(args, origins)
        inputs = {"hostname": args.hostname, "origins": [origin.hostname for origin in origins]}
        super().__init__("peacefulrobot:edge:Edge", name, inputs, opts)
        child = pulumi.ResourceOptions(parent=self)
        if args.mode == "worker":
            if rules is None or release is None or served is None:
                raise EdgeError("mode worker serves a release: give rules, release and served of the website")
            worker = serving.declare_worker(f"{name}-worker", args, origins, rules, release, served, child)
            route = serving.declare_route(f"{name}-route", args, worker, child)
            self._serve_by_worker(route.pattern)
        else:
            self._serve_by_load_balancer(name, args, origins, child)
        zone.declare_settings(f"{name}-setting", args, child)
        zone.declare_caching(f"{name}-caching", args, child)
        slashless = None if all(origin.adds_slash for origin in origins) else folders
        redirects.declare_redirects(f"{name}-redirect", args, slashless, child)
        if rules is not None and not all(origin.sends_headers for origin in origins):
            headers.declare_headers(f"{name}-headers", args, rules, child)
        zone.declare_records(f"{name}-record", args, child)
        outputs = {"siteUrl": self.site_url, "poolIds": self.pool_ids, "loadBalancerId": self.load_balancer_id}
        self.register_outputs(outputs)

    def _serve_by_load_balancer(
        self, name: str, args: EdgeArgs, origins: Sequence[Origin], opts: pulumi.ResourceOptions
    ) -> None:
        monitor = probing.declare_monitor(f"{name}-monitor", args, opts)
        pools = probing.declare_pools(f"{name}-pool", args, origins, monitor, opts)
        load_balancer = balancing.declare_load_balancer(f"{name}-load-balancer", args, pools, opts)
        balancing.declare_alert(f"{name}-alert", args, pools, opts)
        self.site_url = load_balancer.name.apply(lambda hostname: f"https://{hostname}")
        self.pool_ids = pulumi.Output.all(**{key: pool.id for key, pool in pools.items()}).apply(dict)
        self.load_balancer_id = load_balancer.id

    def _serve_by_worker(self, route: pulumi.Output[str]) -> None:
        self.site_url = route.apply(lambda pattern: f"https://{pattern.removesuffix('/*')}")
        self.pool_ids = pulumi.Output.from_input({})
        self.load_balancer_id = pulumi.Output.from_input("")
