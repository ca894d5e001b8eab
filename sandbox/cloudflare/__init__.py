"""Cloudflare on this machine: one account with one zone, its API, and the edge in front of the platforms."""

from __future__ import annotations

from random import Random

from sandbox.cloudflare.account import Account
from sandbox.cloudflare.api import BASE, application
from sandbox.cloudflare.edge import Edge
from sandbox.cloudflare.objects import PoolKind
from sandbox.cloudflare.resources import TYPES
from sandbox.cloudflare.workers import Fleet
from sandbox.cloudflare.workers.resources import WorkersRouteType, WorkersScriptType
from sandbox.twin import ControlPlane, Twin
from sandbox.world import World

NAME = "cloudflare"


def twin(world: World, *, random: Random | None = None) -> Twin:
    """Cloudflare's twin; it stands in front of the others. ``random`` chooses pools; tests give a seeded one."""
    account = Account(world.store, world.clock)
    fleet = Fleet(world)
    edge = Edge(world, account, fleet, random=random)
    world.serve_names(NAME, account.served_names)

    def environment(url: str) -> dict[str, str]:
        # CLOUDFLARE_BASE_URL is read by the SDKs, CLOUDFLARE_API_BASE_URL by wrangler.
        bases = dict.fromkeys(("CLOUDFLARE_BASE_URL", "CLOUDFLARE_API_BASE_URL"), f"{url}{BASE}")
        return {**bases, "CLOUDFLARE_API_TOKEN": account.token()}

    return Twin(
        name=NAME,
        resource_types=[
            *(kind(account) for kind in TYPES),
            WorkersScriptType(account, fleet),
            WorkersRouteType(account),
        ],
        control=[ControlPlane(NAME, application(account, edge, fleet, world.clock), environment)],
        edge=edge.application(),
        health=lambda: health(account, edge, fleet),
    )


def health(account: Account, edge: Edge, fleet: Fleet) -> dict[str, str]:
    """State of each platform hostname that is an endpoint, or that a Worker asks: how its last answer there was."""
    if not edge.running:
        return {}
    view = edge.prober.view()
    found = {name: "healthy" if well else "unhealthy" for name, well in fleet.outbound.well.items()}
    for pool in account.all(PoolKind):
        for endpoint in pool["origins"]:
            hosts = (endpoint.get("header") or {}).get("Host") or []
            found.update(dict.fromkeys([endpoint["address"], *hosts], view.state(pool, endpoint)))
    return found
