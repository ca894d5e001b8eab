"""Pools. Defaults: terraform-provider-cloudflare, internal/services/load_balancer_pool/schema.go."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from sandbox.cloudflare.errors import invalid, not_unique
from sandbox.cloudflare.objects.base import Kind, Objects, Reasons, between, one_of
from sandbox.cloudflare.objects.monitor import MonitorKind
from sandbox.provider.resource_type import UNKNOWN, Inputs
from sandbox.store import Document

REGIONS = ("WNAM", "ENAM", "WEU", "EEU", "NSAM", "SSAM", "OC", "ME", "NAF", "SAF", "SAS", "SEAS", "NEAS", "ALL_REGIONS")
#: Without an Enterprise plan. https://developers.cloudflare.com/load-balancing/reference/limitations/
_MOST_POOLS = _MOST_ENDPOINTS = 20
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ENDPOINT: dict[str, Any] = {"enabled": True, "weight": 1}
_SHEDDING: dict[str, Any] = {
    "default_percent": 0,
    "default_policy": "random",
    "session_percent": 0,
    "session_policy": "hash",
}


class PoolKind(Kind):
    """Endpoints that stand in for each other."""

    name = "pool"
    missing = "pool not found"
    initial: ClassVar[dict[str, Any]] = {"enabled": True, "minimum_origins": 1}
    carried = ("disabled_at",)

    @classmethod
    def complete(cls, given: Document, objects: Objects) -> Document:
        """Endpoints come back sorted by name (https://github.com/cloudflare/terraform-provider-cloudflare/issues/7028)."""
        document = {**cls.initial, **given}
        endpoints = [{**_ENDPOINT, **endpoint} for endpoint in document.get("origins") or []]
        document["origins"] = sorted(endpoints, key=lambda endpoint: str(endpoint.get("name")))
        if document.get("load_shedding"):
            document["load_shedding"] = {**_SHEDDING, **document["load_shedding"]}
        if document["enabled"]:
            document.pop("disabled_at", None)
        else:
            document.setdefault("disabled_at", objects.now())
        return document

    @classmethod
    def reasons(cls, inputs: Inputs) -> Reasons:
        """Regions, weights and shedding as the provider's schema limits them."""
        found: Reasons = []
        regions = inputs.get("checkRegions")
        for region in regions if isinstance(regions, list) else []:
            found += one_of({"checkRegions": region}, "checkRegions", REGIONS)
        origins = inputs.get("origins")
        for endpoint in origins if isinstance(origins, list) else []:
            found += [("origins", reason) for _, reason in between(endpoint, "weight", 0, 1)]
        shedding = inputs.get("loadShedding")
        if isinstance(shedding, dict):
            limits = between(shedding, "defaultPercent", 0, 100) + between(shedding, "sessionPercent", 0, 100)
            found += [("loadShedding", reason) for _, reason in limits]
        return found

    @classmethod
    def check(cls, document: Document, objects: Objects) -> None:
        """Names, quotas, references and what a plan below Enterprise does not have."""
        name = document.get("name")
        if not name or not _NAME.fullmatch(str(name)):
            raise invalid("name may hold letters, digits, hyphens and underscores only")
        others = [found for found in objects.all(cls) if found["id"] != document["id"]]
        if any(found["name"] == name for found in others):
            raise not_unique()
        if len(others) >= _MOST_POOLS:
            raise invalid(f"pool quota of {_MOST_POOLS} exceeded")
        _check_probing(document, objects)
        _check_endpoints(document["origins"], sum(len(found["origins"]) for found in others), objects)


def _check_probing(document: Document, objects: Objects) -> None:
    monitor = document.get("monitor")
    if monitor and objects.find(MonitorKind, monitor) is None:
        raise invalid(f"monitor {monitor} does not exist")
    regions = document.get("check_regions") or []
    if monitor and (not regions or "ALL_REGIONS" in regions):
        # Words: https://github.com/cloudflare/cloudflare-ingress-controller/issues/18
        raise invalid(
            "Probing from every data centre is not allowed with this subscription. Please choose regions to probe from."
        )
    if document.get("monitor_group"):
        raise invalid("monitor groups are not allowed with this subscription")
    shedding = document.get("load_shedding") or {}
    for key in ("default_percent", "session_percent"):
        if not 0 <= shedding.get(key, 0) <= 100:
            raise invalid(f"load_shedding.{key} must be in range [0, 100]")
    if shedding.get("default_policy", "random") not in {"random", "hash"}:
        raise invalid("load_shedding.default_policy must be random or hash")
    if shedding.get("session_policy", "hash") != "hash":
        raise invalid("load_shedding.session_policy must be hash")


def _check_endpoints(endpoints: list[Document], elsewhere: int, objects: Objects) -> None:
    if not 1 <= len(endpoints) <= _MOST_ENDPOINTS - elsewhere:
        # Words: https://github.com/hashicorp/terraform/issues/17948
        raise invalid(f"the origin list length must be in range [1, {_MOST_ENDPOINTS - elsewhere}]")
    names = [endpoint.get("name") for endpoint in endpoints]
    if None in names or len(set(names)) != len(names):
        raise invalid("origin names must be given and unique in the pool")
    for endpoint in endpoints:
        _check_endpoint(endpoint, objects)


def _check_endpoint(endpoint: Document, objects: Objects) -> None:
    address = endpoint.get("address")
    if not address or address == UNKNOWN:
        raise invalid("origin address is required")
    weight = endpoint["weight"]
    if not 0 <= weight <= 1 or round(weight * 100) != weight * 100:
        raise invalid("origin weight must be in range [0, 1] in steps of 0.01")
    hosts = (endpoint.get("header") or {}).get("Host") or []
    if len(hosts) > 1:
        raise invalid("only one Host header is allowed per origin")
    for host in hosts:
        # https://developers.cloudflare.com/load-balancing/additional-options/override-http-host-headers/
        if host != address and not objects.in_zone(host):
            raise invalid(f'Host header "{host}" not allowed for origin domain "{address}"')
