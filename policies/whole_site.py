"""Policies for the site as a whole: every platform is behind the edge, on clouds of their own, with one release."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from platforms import FOUNDATIONS
from policies.edge import BALANCER, POOL, WORKER
from policies.policy import Finding, Resource, Setting, Settings, Stack, StackPolicy
from policies.values import NotKnown, Unknown, at, entries, is_set, separately, text, texts

PUBLISH = "publisher:index:Publish"
VERIFY = "publisher:index:Verify"
ROUTES = {
    "cloudflare:index/workersRoute:WorkersRoute": "script",
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": "service",
}
#: What a Worker is given beside its own text.
_TOLD_BY = ("bindings", "content")


def platforms_of(stack: Stack) -> dict[str, Resource]:
    """Enabled platforms: name → the resource that publishes to it."""
    return {text(at(found.values, "platform")): found for found in stack.of(PUBLISH)}


def verified_by(stack: Stack) -> dict[str, Resource]:
    """Name → the resource that asks the platform's public address, and so knows its host header."""
    return {text(at(found.values, "platform")): found for found in stack.of(VERIFY)}


def _is_verified(stack: Stack, _: Settings) -> Iterator[Finding]:
    known = verified_by(stack)
    for name, publish in platforms_of(stack).items():
        if name not in known:
            yield Finding(publish, f"what {name} serves is never asked")


PLATFORM_IS_VERIFIED = StackPolicy(
    name="platform-is-verified",
    description="Whatever is published is asked for at its public address.",
    reason="A platform that took a release and serves another one looks published.",
    remedy="Declare a Verify beside each Publish: Publication.go_live does.",
    origin="design",
    judge=_is_verified,
)


def _is_behind_the_edge(stack: Stack, _: Settings) -> Iterator[Finding]:
    names, known = platforms_of(stack), verified_by(stack)
    balancers = stack.of(BALANCER)
    workers = [] if balancers else _serving(stack)
    if names and not balancers and not workers:
        yield _without_edge(stack)
        return

    def judge(name: str) -> Iterator[Finding]:
        host = known.get(name, names[name])
        yield from separately(balancers, lambda balancer: _behind_balancer(stack, balancer, name, host))
        yield from separately(workers, lambda worker: _behind_worker(worker, name, host))

    yield from separately(names, judge)


def _without_edge(stack: Stack) -> Finding:
    for worker in stack.of(WORKER):
        return Finding(worker, "no route leads visitors to the Worker, and there is no load balancer")
    return Finding(None, "there is neither a load balancer nor a Worker before the platforms")


def _behind_balancer(stack: Stack, balancer: Resource, name: str, host: Resource) -> Iterator[Finding]:
    """Whether a pool of the balancer has the platform, with its own Host header and a monitor."""
    pools = [pool for pool in stack.of(POOL) if balancer.made_from("defaultPools", pool)]
    pairs = [(pool, one) for pool in pools for one in entries(at(pool.values, "origins")) if at(one, "name") == name]
    if not pairs:
        yield Finding(balancer, f"no pool of it has {name}")
    for pool, origin in pairs:
        if not is_set(at(pool.values, "monitor")):
            yield Finding(pool, f"{name} is not checked by a monitor")
        for what, value in (("address", at(origin, "address")), ("Host header", _only(at(origin, "header", "hosts")))):
            if not _leads_to(pool, value, host):
                yield Finding(pool, f"the {what} of {name} is not the platform's own")


def _only(value: Any) -> Any:
    """The one element of a list; None where it has none or more."""
    if isinstance(value, Unknown):
        return value
    found = entries(value)
    return found[0] if len(found) == 1 else None


def _leads_to(pool: Resource, value: Any, host: Resource) -> bool:
    """Whether a value is the platform's host; at preview, whether it is made from the same resource."""
    own = at(host.values, "hostHeader")
    if isinstance(value, Unknown) or isinstance(own, Unknown):
        return pool.made_from("origins", *host.sources.get("hostHeader", ()))
    return is_set(value) and value == own


def _serving(stack: Stack) -> list[Resource]:
    """Workers that a route of the stack leads to; without one, nobody comes to a Worker. Raises NotKnown."""
    routes = [(route, key) for kind, key in ROUTES.items() for route in stack.of(kind)]
    return [worker for worker in stack.of(WORKER) if any(_leads_there(route, key, worker) for route, key in routes)]


def _leads_there(route: Resource, key: str, worker: Resource) -> bool:
    if any(source.kind == WORKER for source in route.sources.get(key, ())):
        return route.made_from(key, worker)
    name = text(at(route.values, key))
    return bool(name) and name == text(at(worker.values, "scriptName"))


def _behind_worker(worker: Resource, name: str, host: Resource) -> Iterator[Finding]:
    """Whether the Worker's text or bindings name the platform's host; at preview, whether one is made from it."""
    own = at(host.values, "hostHeader")
    told = [at(worker.values, key) for key in _TOLD_BY]
    unsure = [value for value in (own, *told) if isinstance(value, Unknown)]
    if unsure and any(worker.made_from(key, *host.sources.get("hostHeader", ())) for key in _TOLD_BY):
        return
    if any(_names(value, text(own)) for value in told):
        return
    if unsure:
        raise NotKnown(unsure[0].path)
    yield Finding(worker, f"the Worker is not told the host of {name}")


def _names(value: Any, host: str) -> bool:
    """Whether a text within ``value`` holds the host, and not a longer one that ends or begins like it."""
    whole = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])")
    return bool(host) and any(whole.search(found) for _, found in texts(value))


PLATFORM_IS_BEHIND_THE_EDGE = StackPolicy(
    name="platform-is-behind-the-edge",
    description="Every enabled platform is an origin of the edge, with its own host and a monitor.",
    reason="A platform that the edge does not know is paid for, published to, and serves nobody in an outage.",
    remedy="Hand every host's Origin to the Edge.",
    origin="design",
    judge=_is_behind_the_edge,
)


def _stands_on_clouds(stack: Stack, settings: Settings) -> Iterator[Finding]:
    names = sorted(platforms_of(stack))
    unknown = [name for name in names if name not in FOUNDATIONS]
    for name in unknown:
        yield Finding(None, f"nobody has written down what {name} stands on (FOUNDATIONS in platforms.py)")
    needed = settings["clouds"]
    foundations = [FOUNDATIONS[name][0] for name in names if name not in unknown]
    if names and not any(_apart(chosen) for chosen in combinations(foundations, needed)):
        yield Finding(None, f"{', '.join(names)}: no {needed} of them stand on providers that they do not share")


def _apart(foundations: tuple[frozenset[str], ...]) -> bool:
    return all(not one & other for one, other in combinations(foundations, 2))


SITE_STANDS_ON_TWO_CLOUDS = StackPolicy(
    name="site-stands-on-two-clouds",
    description="The site stands on platforms that share no provider.",
    reason="Two platforms on one cloud go down together, as on 2025-10-20.",
    remedy="Add a platform on another cloud to the setting hosts.",
    origin="design; https://aws.amazon.com/message/101925/",
    settings={"clouds": Setting(2, "how many platforms must share no provider")},
    judge=_stands_on_clouds,
)


def _shows_one_release(stack: Stack, _: Settings) -> Iterator[Finding]:
    releases: Mapping[str, Any] = {name: at(found.values, "release") for name, found in platforms_of(stack).items()}
    if len({text(release) for release in releases.values()}) > 1:
        yield Finding(None, f"{', '.join(sorted(releases))} are not given the same release")


PLATFORMS_SHOW_ONE_RELEASE = StackPolicy(
    name="platforms-show-one-release",
    description="All platforms are given the same release.",
    reason="Which release a visitor sees would depend on which platform is healthy.",
    remedy="Give every Publication the same Website.",
    origin="design",
    judge=_shows_one_release,
)


def _is_small(stack: Stack, settings: Settings) -> Iterator[Finding]:
    if len(stack.resources) > settings["resources"]:
        yield Finding(None, f"it has {len(stack.resources)} resources; {settings['resources']} are allowed")


STACK_IS_SMALL = StackPolicy(
    name="stack-is-small",
    description="The stack keeps within its budget of resources.",
    reason="Their number must not grow with the site: each costs time in every preview, and some cost money.",
    remedy="Keep what grows with the content in one resource, or raise the budget with its reason.",
    origin="design",
    settings={"resources": Setting(200, "the most resources a stack may have, components and providers included")},
    judge=_is_small,
)
