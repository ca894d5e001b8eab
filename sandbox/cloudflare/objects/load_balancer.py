"""Load balancers. Defaults: terraform-provider-cloudflare, internal/services/load_balancer/schema.go."""

from __future__ import annotations

from typing import Any, ClassVar

from sandbox.cloudflare.errors import invalid, not_unique
from sandbox.cloudflare.objects.base import Kind, Objects, Reasons, between, one_of
from sandbox.cloudflare.objects.pool import PoolKind
from sandbox.provider.resource_type import Inputs
from sandbox.store import Document

_POLICIES = (
    "off",
    "geo",
    "random",
    "dynamic_latency",
    "proximity",
    "least_outstanding_requests",
    "least_connections",
    "",
)
#: What there is without the Traffic Steering add-on.
#: https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/standard-options/
_STANDARD = frozenset({"off", "random", ""})
_AFFINITIES = ("none", "cookie", "ip_cookie", "header", "")
_MOST = 20


class LoadBalancerKind(Kind):
    """A public name, and the pools that serve it in failover order."""

    name = "load_balancer"
    missing = "load balancer not found"
    initial: ClassVar[dict[str, Any]] = {
        "enabled": True,
        "proxied": False,
        "steering_policy": "",
        "session_affinity": "none",
        "default_pools": [],
    }

    @classmethod
    def complete(cls, given: Document, objects: Objects) -> Document:
        """Nested objects get their defaults too."""
        del objects
        document = {**cls.initial, **given}
        if "adaptive_routing" in document:
            document["adaptive_routing"] = {"failover_across_pools": False, **document["adaptive_routing"]}
        if "random_steering" in document:
            document["random_steering"] = {"default_weight": 1, **document["random_steering"]}
        return document

    @classmethod
    def reasons(cls, inputs: Inputs) -> Reasons:
        """Policies and weights as the provider's schema limits them."""
        found = one_of(inputs, "steeringPolicy", _POLICIES) + one_of(inputs, "sessionAffinity", _AFFINITIES)
        steering = inputs.get("randomSteering")
        if isinstance(steering, dict):
            found += [("randomSteering", reason) for _, reason in between(steering, "defaultWeight", 0, 1)]
        return found

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """Names, quotas, references and what needs an add-on."""
        name = document.get("name")
        if not name or "." not in str(name) or str(name).endswith("."):
            raise invalid("name must be a fully qualified hostname of the zone, without a final dot")
        others = [found for found in objects.all(cls) if found["id"] != document["id"]]
        if any(found["name"] == name for found in others):
            raise not_unique()
        if len(others) >= _MOST:
            raise invalid(f"load balancer quota of {_MOST} exceeded")
        if document["steering_policy"] not in _STANDARD:
            raise invalid(f"steering policy {document['steering_policy']} is not allowed with this subscription")
        if document["session_affinity"] == "header":
            raise invalid("session affinity by header is not played by the sandbox")
        _check_pools(document, objects)


def _check_pools(document: Document, objects: Objects) -> None:
    if not document["default_pools"]:
        raise invalid("default_pools must not be empty")
    if not document.get("fallback_pool"):
        raise invalid("fallback_pool is required")
    for identifier in (*document["default_pools"], document["fallback_pool"]):
        if objects.find(PoolKind, identifier) is None:
            raise invalid(f"pool {identifier} does not exist")
    weights = (document.get("random_steering") or {}).get("pool_weights") or {}
    for identifier in weights:
        if objects.find(PoolKind, identifier) is None:
            raise invalid(f"random_steering.pool_weights names pool {identifier}, which does not exist")


def referred_pools(document: Document) -> set[str]:
    """Ids of all pools that a load balancer refers to, those for regions included."""
    maps = [document.get(key) or {} for key in ("region_pools", "country_pools", "pop_pools")]
    nested = [pool for found in maps for pools in found.values() for pool in pools]
    return {*document["default_pools"], document["fallback_pool"], *nested}
