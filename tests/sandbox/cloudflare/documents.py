"""Load-balancing documents for tests of pure rules."""

from __future__ import annotations

from random import Random

from sandbox.cloudflare.health import EndpointHealth, HealthView, ProbeResult, endpoint_key
from sandbox.cloudflare.objects import LoadBalancerKind, MonitorKind
from sandbox.cloudflare.steering import Steering

GOOD, BAD = ProbeResult(True), ProbeResult(False, "TCP connection failed")


def monitor(**changed):
    return {**MonitorKind.initial, "id": "m", "consecutive_up": 1, "consecutive_down": 1, **changed}


def endpoint(name, **changed):
    return {"name": name, "address": f"{name}.example", "enabled": True, "weight": 1, **changed}


def pool(name, *endpoints, **changed):
    made = list(endpoints) or [endpoint(name)]
    return {"id": name, "name": name, "enabled": True, "minimum_origins": 1, "monitor": "m", "origins": made, **changed}


def balancer(pools, **changed):
    given = {
        "id": "b",
        "name": "www.example.org",
        "default_pools": [one["id"] for one in pools],
        "fallback_pool": pools[0]["id"],
    }
    return {**LoadBalancerKind.initial, "steering_policy": "off", **given, **changed}


def view(pools, up=(), down=()):
    """Health in which the endpoints named ``up`` and ``down`` are known, all others unknown."""
    found = {}
    for one in pools:
        for each in one["origins"]:
            if each["name"] in {*up, *down}:
                state = "healthy" if each["name"] in up else "unhealthy"
                found[endpoint_key(one, each)] = EndpointHealth(state=state)
    return HealthView(found)


def chosen(pools, *, up=(), down=(), unresolved=(), client="192.0.2.1", seed=1, fallback=None, session=None, **changed):
    """Names of the endpoints that a request is sent to, first and retry."""
    steering = Steering(view(pools, up, down), lambda name: name.partition(".")[0] not in unresolved, Random(seed))
    found = balancer(pools, **changed)
    picked = steering.choose(found, pools, fallback or pools[0], client, session)
    return [choice.endpoint["name"] for choice in picked]


def share(pools, times=4000, **given):
    """Share of requests whose first choice is each endpoint."""
    steering = Steering(view(pools, given.pop("up", ())), lambda _: True, Random(7))
    fallback, session = given.pop("fallback", pools[0]), given.pop("session", None)
    found = balancer(pools, **given)
    clients = [f"198.51.{number // 250}.{number % 250}" for number in range(times)]
    firsts = [steering.choose(found, pools, fallback, client, session)[0] for client in clients]
    names = [choice.endpoint["name"] for choice in firsts]
    return {name: names.count(name) / times for name in set(names)}
