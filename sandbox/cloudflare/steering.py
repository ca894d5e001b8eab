"""Which endpoints a request is sent to. Pure: randomness and health are given.

Policies: https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from sandbox.cloudflare.affinity import Session, retried
from sandbox.cloudflare.health import HealthView
from sandbox.store import Document


@dataclass(frozen=True)
class Choice:
    """One endpoint of one pool."""

    pool: Document
    endpoint: Document


@dataclass(frozen=True)
class Steering:
    """One moment's view for choosing."""

    health: HealthView
    resolves: Callable[[str], bool]
    """Tell whether a name has an address: endpoints whose name has none are steered around.
    https://developers.cloudflare.com/load-balancing/troubleshooting/load-balancing-faq/"""
    random: Random

    def choose(
        self,
        balancer: Document,
        pools: Sequence[Document],
        fallback: Document,
        client: str,
        session: Session | None = None,
    ) -> tuple[Choice, ...]:
        """Endpoints to try, at most two: the first, and the one for the single retry. Empty: nothing can serve.

        A retry stays inside the pool, unless the load balancer fails over across pools.
        https://developers.cloudflare.com/load-balancing/understand-basics/adaptive-routing/
        """
        usable = [pool for pool in pools if self._usable(pool)]
        held = self._held(usable, session)
        shed = held is not None and self._session_shed(held.pool, client)
        if held is not None and shed:
            usable = [pool for pool in usable if pool["id"] != held.pool["id"]]
        order = self._pool_order(balancer, usable, client)
        if held is not None and not shed:
            return (held, *(self._others(balancer, order, held) if retried(balancer) else ()))
        if not order:
            return self._last_resort(fallback)
        return self._choices(balancer, order)[:2]

    def _choices(self, balancer: Document, order: Sequence[Document]) -> tuple[Choice, ...]:
        across = (balancer.get("adaptive_routing") or {}).get("failover_across_pools", False)
        within = order if across else order[:1]
        return tuple(Choice(pool, endpoint) for pool in within for endpoint in self._up(pool))

    def _held(self, pools: Sequence[Document], session: Session | None) -> Choice | None:
        """The endpoint of a session, while it is up."""
        found = (
            Choice(pool, endpoint)
            for pool in pools
            for endpoint in self._up(pool)
            if session == (pool["id"], endpoint["name"])
        )
        return next(found, None)

    def _others(self, balancer: Document, order: Sequence[Document], held: Choice) -> tuple[Choice, ...]:
        first = [pool for pool in order if pool["id"] == held.pool["id"]]
        rest = [pool for pool in order if pool not in first]
        return tuple(one for one in self._choices(balancer, [*first, *rest]) if one != held)[:1]

    def _session_shed(self, pool: Document, client: str) -> bool:
        """Tell whether a session is taken from its pool: by address, for chance would wear all sessions down."""
        return _place(client) * 100 < float((pool.get("load_shedding") or {}).get("session_percent", 0))

    def _usable(self, pool: Document) -> bool:
        return self.health.pool_up(pool) and bool(self._up(pool))

    def _pool_order(self, balancer: Document, pools: list[Document], client: str) -> list[Document]:
        """Pools in the order of the policy, those that shed this request left out."""
        if balancer["steering_policy"] == "random":
            steering = balancer.get("random_steering") or {}
            weights = steering.get("pool_weights") or {}
            default = steering.get("default_weight", 1)
            pools = self._shuffled(pools, [float(weights.get(pool["id"], default)) for pool in pools])
        kept = [pool for pool in pools if not self._sheds(pool, client)]
        return kept + [pool for pool in pools if pool not in kept] if kept else []

    def _sheds(self, pool: Document, client: str) -> bool:
        """Tell whether a pool hands this request on.

        When every pool does, the fallback pool serves.
        https://developers.cloudflare.com/load-balancing/additional-options/load-shedding/
        """
        shedding = pool.get("load_shedding") or {}
        percent = float(shedding.get("default_percent", 0))
        if shedding.get("default_policy", "random") == "random":
            return self.random.random() * 100 < percent
        return _place(client) * 100 < percent

    def _up(self, pool: Document) -> list[Document]:
        ready = [one for one in pool["origins"] if self.health.endpoint_up(pool, one) and self.resolves(one["address"])]
        return self._shuffled(ready, [float(endpoint["weight"]) for endpoint in ready])

    def _last_resort(self, fallback: Document) -> tuple[Choice, ...]:
        """The fallback pool; its health is ignored, but it must be enabled. Known healthy endpoints come first."""
        if not fallback["enabled"]:
            return ()
        enabled = [one for one in fallback["origins"] if one["enabled"] and self.resolves(one["address"])]
        shuffled = self._shuffled(enabled, [float(endpoint["weight"]) for endpoint in enabled])
        ordered = sorted(shuffled, key=lambda endpoint: not self.health.endpoint_up(fallback, endpoint))
        return tuple(Choice(fallback, endpoint) for endpoint in ordered[:1])

    def _shuffled(self, items: list[Document], weights: list[float]) -> list[Document]:
        """Draw without putting back, each with a chance in proportion to its weight; weight 0 is never drawn."""
        left = [(item, weight) for item, weight in zip(items, weights, strict=True) if weight > 0]
        drawn = []
        while left:
            index = self.random.choices(range(len(left)), [weight for _, weight in left])[0]
            drawn.append(left.pop(index)[0])
        return drawn


def _place(client: str) -> float:
    """Place of a visitor's address in the hash space, 0 to 1."""
    return int.from_bytes(hashlib.sha256(client.encode()).digest()[:4], "big") / 2**32
