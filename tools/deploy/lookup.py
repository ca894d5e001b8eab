"""Finds out whether a resource whose creation was cut off is there.

Cloudflare gives ids of its own, so its lists are searched for what tells a resource apart. Other platforms' resources
whose id is one of their inputs are named by their host component: ``IDENTIFIED_BY``, type → input, or type → how the id
is composed of inputs and variables of the environment (``/groups/{group}/{name}``). For those with an id of the
platform's own and a unique name it tells where the platform's API shows it: ``FOUND_BY_API``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import quote

import cloudflare
import requests

from components.hosts import ApiLookup
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
_MADE_AGAIN = frozenset({"gcp:projects/service:Service"})
"""Types whose creation switches something on; doing it twice changes nothing."""
_LOOK_THEMSELVES_UP = ("publisher:", "pulumi:")
"""Packages whose creations first look for what an earlier run made, or make nothing outside."""


def finder(environment: Mapping[str, str] = os.environ) -> Callable[[str, Inputs], str | Fate]:
    """Looks up with the credentials and endpoints of ``environment``."""

    def find(kind: str, inputs: Inputs) -> str | Fate:
        if kind.startswith(_LOOK_THEMSELVES_UP) or kind in _MADE_AGAIN:
            return Fate.AGAIN
        if kind.startswith("cloudflare:"):
            return at_cloudflare(kind.rsplit(":", 1)[-1], inputs, environment)
        searched = declared("FOUND_BY_API").get(kind)
        if searched is not None:
            return by_api(searched, kind, inputs, environment)
        return composed(declared("IDENTIFIED_BY").get(kind, ""), inputs, environment)

    return find


def by_api(searched: ApiLookup, kind: str, inputs: Inputs, environment: Mapping[str, str]) -> str | Fate:
    """Ask the platform for the resource of this name."""
    base = environment.get(searched.base_variable, searched.base).rstrip("/")
    headers = {searched.header: f"{searched.prefix}{environment.get(searched.token_variable, '')}"}
    try:
        with requests.Session() as session:
            session.trust_env = not base.startswith("http://127.0.0.1")
            query = {key: inputs[key] for key in searched.query if inputs.get(key)}
            answer = session.get(base + composed_path(searched.path, inputs), params=query, headers=headers, timeout=30)
        if answer.status_code == requests.codes.not_found:
            return Fate.ABSENT
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, KeyError) as error:
        raise Refused(
            f"an earlier run was cut off while it made a {kind}, and the platform does not say whether it is there "
            f"({type(error).__name__}): nothing was changed; check {searched.token_variable}, and run it again"
        ) from error
    some = found if isinstance(found, list) else [found]
    return next((str(one["id"]) for one in some if one.get("name") == inputs["name"]), Fate.ABSENT)


def composed_path(path: str, inputs: Inputs) -> str:
    """A template filled with inputs, each encoded for a URL."""
    return path.format_map({key: quote(str(value), safe="") for key, value in inputs.items()})


def composed(named: str, inputs: Inputs, environment: Mapping[str, str]) -> str | Fate:
    """Id by what ``IDENTIFIED_BY`` says of a type; UNKNOWN where a part of it is not there."""
    if "{" not in named:
        return str(inputs[named]) if named and inputs.get(named) else Fate.UNKNOWN
    try:
        return named.format_map({**environment, **{key: value for key, value in inputs.items() if value}})
    except KeyError:
        return Fate.UNKNOWN


def declared(constant: str) -> dict[str, Any]:
    """What the host components declare under this name, by type."""
    found: dict[str, Any] = {}
    for name in PLATFORMS:
        found.update(getattr(import_module(f"components.hosts.{name}"), constant, {}))
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
