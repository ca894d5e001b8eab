"""The sandbox's Cloudflare account: one zone, and every object in it, shared by the provider stand-in, API and edge."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.cloudflare.errors import ApiError, referenced
from sandbox.cloudflare.objects import (
    KINDS,
    DnsRecordKind,
    Kind,
    LoadBalancerKind,
    MonitorKind,
    PoolKind,
    RulesetKind,
    WorkerRouteKind,
    ZoneSettingKind,
)
from sandbox.cloudflare.objects.load_balancer import referred_pools
from sandbox.cloudflare.objects.worker import route_host, route_matches
from sandbox.store import Document, Store
from sandbox.world import Clock

ACCOUNT_ID = "5a4db0c0000000000000000000000acc"
ZONE_ID = "5a4db0c000000000000000000000020e"
ZONE_NAME = "peacefulrobot.com"
_PREFIX = "cloudflare:"


class Account:
    """Objects by kind and id. What a method answers is durable; reads come from memory."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._objects: dict[str, dict[str, Document]] = {name: store.all(_PREFIX + name) for name in KINDS}
        self._watchers: list[Callable[[], None]] = []

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after every change of any object."""
        self._watchers.append(changed)

    def all(self, kind: type[Kind]) -> list[Document]:
        """Documents of a kind, oldest first."""
        return sorted(self._objects[kind.name].values(), key=lambda found: (found["created_on"], found["id"]))

    def find(self, kind: type[Kind], identifier: str) -> Document | None:
        """A document, or None."""
        return self._objects[kind.name].get(identifier)

    def get(self, kind: type[Kind], identifier: str) -> Document:
        """A document; raises ApiError 404."""
        found = self.find(kind, identifier)
        if found is None:
            raise ApiError(404, kind.missing_code, kind.missing)
        return found

    def create(self, kind: type[Kind], given: Document) -> Document:
        """A new object; raises ApiError where the service would refuse it."""
        identifier = kind.identifier(given) or secrets.token_hex(16)
        born = self.now()
        document = {**kind.complete(given, self), "id": identifier, "created_on": born, "modified_on": born}
        kind.check(document, self)
        return self._keep(kind, document)

    def replace(self, kind: type[Kind], identifier: str, given: Document) -> Document:
        """Overwrite an object (PUT); what is not given falls back to its default."""
        old = self.get(kind, identifier)
        carried = {key: old[key] for key in kind.carried if key in old}
        kept = {"id": identifier, "created_on": old["created_on"], "modified_on": self.now()}
        document = {**kind.complete({**given, **carried}, self), **kept}
        kind.check(document, self)
        return self._keep(kind, document)

    def edit(self, kind: type[Kind], identifier: str, changes: Document) -> Document:
        """Change the given properties of an object (PATCH); null clears one."""
        merged = {**self.get(kind, identifier), **changes}
        return self.replace(kind, identifier, {key: value for key, value in merged.items() if value is not None})

    def delete(self, kind: type[Kind], identifier: str) -> None:
        """Take an object away; raises ApiError 404, or 412 while others use it."""
        self.get(kind, identifier)
        if self.users(kind, identifier):
            raise referenced()
        del self._objects[kind.name][identifier]
        self._store.delete(_PREFIX + kind.name, identifier)
        self._changed()

    def now(self) -> str:
        """The sandbox's time as the API writes it."""
        return datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def token(self) -> str:
        """API token of this sandbox; the same after a restart."""
        return self._token("api")

    def reading_token(self) -> str:
        """Another API token, which may read everything and change nothing."""
        return self._token("reading")

    def _token(self, name: str) -> str:
        found = self._store.get("cloudflare:token", name)
        if found is None:
            found = {"value": secrets.token_urlsafe(30)}
            self._store.put("cloudflare:token", name, found)
        return str(found["value"])

    def zone_name(self) -> str:
        """Name of the zone: the shipped site's, until a load balancer or a route of another domain is made."""
        hostnames = [str(found["name"]) for found in self.all(LoadBalancerKind)]
        hostnames += [route_host(str(found["pattern"])) for found in self.all(WorkerRouteKind)]
        others = [name for name in hostnames if name != ZONE_NAME and not name.endswith(f".{ZONE_NAME}")]
        return others[-1].split(".", 1)[1] if others else ZONE_NAME

    def in_zone(self, hostname: str) -> bool:
        """Tell whether a name lies below the account's zone."""
        return hostname.endswith((f".{self.zone_name()}", f".{ZONE_NAME}"))

    def setting(self, name: str) -> Any:
        """Value of a zone setting: as set, or the service's default, or None."""
        found = self.find(ZoneSettingKind, name)
        return found["value"] if found else ZoneSettingKind.initial.get(name)

    def rules(self, phase: str) -> list[Document]:
        """Enabled rules of a phase, in order."""
        found = [one for one in self.all(RulesetKind) if one["phase"] == phase]
        return [rule for ruleset in found for rule in ruleset.get("rules", []) if rule.get("enabled", True)]

    def load_balancer(self, hostname: str) -> Document | None:
        """The enabled load balancer of a name; a specific record beats a wildcard.

        https://developers.cloudflare.com/load-balancing/load-balancers/dns-records/#priority-order
        """
        enabled = {str(found["name"]): found for found in self.all(LoadBalancerKind) if found["enabled"]}
        if hostname in enabled or self.proxied_record(hostname):
            return enabled.get(hostname)
        return enabled.get(f"*.{hostname.partition('.')[2]}")

    def worker_route(self, scheme: str, host: str, path: str) -> Document | None:
        """The route of a URL: the longest pattern that fits. A name needs a proxied record or load balancer for one."""
        balancer = self.load_balancer(host)
        if not self.proxied_record(host) and not (balancer and balancer["proxied"]):
            return None
        found = [one for one in self.all(WorkerRouteKind) if route_matches(one["pattern"], scheme, host, path)]
        return max(found, key=lambda one: len(one["pattern"]), default=None)

    def site_names(self) -> list[str]:
        """Names under which a site is served, oldest first."""
        balancers = [str(found["name"]) for found in self.all(LoadBalancerKind) if found["enabled"]]
        routes = [route_host(str(found["pattern"])) for found in self.all(WorkerRouteKind) if found.get("script")]
        return balancers + [name for name in routes if self.proxied_record(name) and name not in balancers]

    def proxied_record(self, hostname: str) -> Document | None:
        """The proxied address record of a name."""
        records = (found for found in self.all(DnsRecordKind) if found["name"] == hostname and found["proxied"])
        return next(records, None)

    def served_names(self) -> list[str]:
        """Public names that lead to the edge."""
        balancers = [str(found["name"]) for found in self.all(LoadBalancerKind) if found["enabled"]]
        return balancers + [str(found["name"]) for found in self.all(DnsRecordKind) if found["proxied"]]

    def monitor_of(self, pool: Document) -> Document | None:
        """The monitor of a pool, if it has one."""
        return self.find(MonitorKind, pool["monitor"]) if pool.get("monitor") else None

    def pools_of(self, load_balancer: Document) -> list[Document]:
        """Its default pools, in failover order."""
        return [self.get(PoolKind, identifier) for identifier in load_balancer["default_pools"]]

    def users(self, kind: type[Kind], identifier: str) -> list[Document]:
        """Objects that refer to this one."""
        if kind is MonitorKind:
            return [pool for pool in self.all(PoolKind) if pool.get("monitor") == identifier]
        if kind is PoolKind:
            return [found for found in self.all(LoadBalancerKind) if identifier in referred_pools(found)]
        return []

    def _keep(self, kind: type[Kind], document: Document) -> Document:
        self._store.put(_PREFIX + kind.name, document["id"], document)
        self._objects[kind.name][document["id"]] = document
        self._changed()
        return document

    def _changed(self) -> None:
        for changed in self._watchers:
            changed()
