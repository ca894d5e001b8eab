"""Finds out whether a resource whose creation was cut off is there.

Cloudflare gives ids of its own, so its lists are searched for what tells a resource apart. Other platforms' resources
whose id is one of their inputs are named by their host component: ``IDENTIFIED_BY``, type → input.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import cloudflare

from platforms import PLATFORMS
from tools.deploy.errors import Refused
from tools.deploy.pending import Fate

Inputs = Mapping[str, Any]


class Search(NamedTuple):
    """How to find one kind of Cloudflare resource: a list, and the inputs that tell one apart in it."""

    list_all: Callable[[cloudflare.Cloudflare, Inputs], Iterable[Any]]
    told_apart_by: tuple[str, ...]


_SEARCHES: Mapping[str, Search] = {
    "LoadBalancer": Search(lambda api, given: api.load_balancers.list(zone_id=given["zoneId"]), ("name",)),
    "LoadBalancerPool": Search(
        lambda api, given: api.load_balancers.pools.list(account_id=given["accountId"]), ("name",)
    ),
    "LoadBalancerMonitor": Search(
        lambda api, given: api.load_balancers.monitors.list(account_id=given["accountId"]), ("description", "path")
    ),
    "DnsRecord": Search(
        lambda api, given: api.dns.records.list(zone_id=given["zoneId"]), ("name", "type", "content", "data")
    ),
    "Ruleset": Search(lambda api, given: api.rulesets.list(zone_id=given["zoneId"]), ("kind", "phase")),
    "NotificationPolicy": Search(
        lambda api, given: api.alerting.policies.list(account_id=given["accountId"]), ("name",)
    ),
}
_MADE_BY_CHANGING = {"ZoneSetting"}
"""Kinds whose creation changes what is there anyway; doing it twice makes nothing twice."""
_LOOK_THEMSELVES_UP = ("publisher:", "pulumi:")
"""Packages whose creations first look for what an earlier run made, or make nothing outside."""


def finder(environment: Mapping[str, str] = os.environ) -> Callable[[str, Inputs], str | Fate]:
    """Looks up with the credentials and endpoints of ``environment``."""

    def find(kind: str, inputs: Inputs) -> str | Fate:
        if kind.startswith(_LOOK_THEMSELVES_UP):
            return Fate.AGAIN
        if kind.startswith("cloudflare:"):
            return at_cloudflare(kind.rsplit(":", 1)[-1], inputs, environment)
        named = identified_by().get(kind)
        return str(inputs[named]) if named and inputs.get(named) else Fate.UNKNOWN

    return find


def identified_by() -> dict[str, str]:
    """Type → the input that is its id, as the host components declare it."""
    found: dict[str, str] = {}
    for name in PLATFORMS:
        found.update(getattr(import_module(f"components.hosts.{name}"), "IDENTIFIED_BY", {}))
    return found


def at_cloudflare(kind: str, inputs: Inputs, environment: Mapping[str, str]) -> str | Fate:
    """Id of the Cloudflare resource, or that there is none."""
    if kind in _MADE_BY_CHANGING:
        return Fate.AGAIN
    search = _SEARCHES.get(kind)
    if search is None:
        return Fate.UNKNOWN
    try:
        for found in search.list_all(client(environment), inputs):
            if all(same(getattr(found, key, None), inputs[key]) for key in search.told_apart_by if inputs.get(key)):
                return str(found.id)
    except cloudflare.CloudflareError as error:
        raise Refused(
            f"an earlier run was cut off while it made a {kind}, and Cloudflare does not say whether it is there "
            f"({type(error).__name__}): nothing was changed; run it again when its API can be reached"
        ) from error
    return Fate.ABSENT


def same(there: Any, given: Any) -> bool:
    """Whether what is there has the given value; of a structure only the given parts are compared."""
    if not isinstance(given, Mapping):
        return bool(there == given)
    parts = there if isinstance(there, Mapping) else getattr(there, "__dict__", {})
    return all(same(parts.get(key), value) for key, value in given.items() if not key.startswith("__"))


def client(environment: Mapping[str, str]) -> cloudflare.Cloudflare:
    """Client with the endpoint and the credentials that the provider uses."""
    address = environment.get("CLOUDFLARE_BASE_URL")
    local = (address or "").startswith("http://127.0.0.1")
    return cloudflare.Cloudflare(
        base_url=address,
        api_token=environment.get("CLOUDFLARE_API_TOKEN"),
        api_key=environment.get("CLOUDFLARE_API_KEY"),
        api_email=environment.get("CLOUDFLARE_EMAIL"),
        http_client=cloudflare.DefaultHttpxClient(trust_env=False) if local else None,
    )
