"""What is declared, under Pulumi's mocks."""

from __future__ import annotations

import pulumi

from components.edge import EdgeArgs
from components.monitoring.component import Monitoring
from components.monitoring.settings import MonitoringSettings
from components.origin import Origin
from tests.components.graph import Graph, settled

MONITOR = "publisher:index:UptimeRobotMonitor"
POLICY = "cloudflare:index/notificationPolicy:NotificationPolicy"
ARGS = EdgeArgs("a" * 32, "b" * 32, "www.example.org", "example.org")


class Edge(pulumi.ComponentResource):
    """As much of an edge as is looked at."""

    def __init__(self):
        super().__init__("test:Edge", "edge")
        self.site_url = pulumi.Output.from_input("https://www.example.org")
        self.pool_ids = pulumi.Output.from_input({"two": "pool-2", "one": "pool-1"})


class Verified(pulumi.CustomResource):
    def __init__(self, name):
        super().__init__("publisher:index:Verify", f"{name}-verify", {})


def origin(name):
    host = pulumi.Output.from_input(f"{name}-7f3.example")
    return Origin(name, host, host, pulumi.Output.from_input(f"https://{name}-7f3.example"))


async def declared(**given):
    graph = Graph()
    pulumi.runtime.set_mocks(graph, preview=False)
    names = ("one", "two")
    made = Monitoring(
        "monitoring",
        ARGS,
        MonitoringSettings.model_validate(given),
        Edge(),
        {name: origin(name) for name in names},
        {name: Verified(name) for name in names},
    )
    found = await made.monitors.future()
    await settled()
    return graph, found


CONTACTS = {"contacts": ["7000001"]}


async def test_the_public_name_and_each_platform_are_asked_for_the_word_that_the_load_balancer_wants():
    graph, found = await declared(uptimeRobot={**CONTACTS, "retries": 2})
    path = "/.well-known/release.json"
    assert sorted((one["name"], one["url"]) for one in graph.of(MONITOR)) == [
        ("www.example.org", f"https://www.example.org{path}"),
        ("www.example.org on one", f"https://one-7f3.example{path}"),
        ("www.example.org on two", f"https://two-7f3.example{path}"),
    ]
    for one in graph.of(MONITOR):
        assert (one["keyword"], one["interval"], one["retries"]) == (ARGS.expected_body, 300, 2)
        assert one["contacts"] == [{"id": "7000001", "threshold": 0, "recurrence": 0}]
    assert found[0] == {"url": f"https://www.example.org{path}", "id": "monitoring-site-id"}
    assert graph.of(POLICY) == []


async def test_the_platforms_can_be_left_out():
    graph, found = await declared(uptimeRobot={**CONTACTS, "platforms": False})
    assert [one["name"] for one in graph.of(MONITOR)] == ["www.example.org"]
    assert len(found) == 1


async def test_a_monitor_is_made_after_what_it_looks_at_has_been_seen_to_serve():
    graph, _ = await declared(uptimeRobot=CONTACTS)
    order = [one.name for one in graph.resources]
    assert order.index("monitoring-one") > order.index("one-verify")
    assert order.index("monitoring-site") > max(order.index("one-verify"), order.index("two-verify"))


async def test_cloudflare_tells_of_health_and_of_what_somebody_switches():
    graph, found = await declared(cloudflare={"emails": ["ops@example.org"], "webhooks": ["c" * 32]})
    health, switched = sorted(graph.of(POLICY), key=lambda one: one["alertType"])
    assert health["alertType"] == "load_balancing_health_alert"
    assert health["filters"] == {
        "poolIds": ["pool-1", "pool-2"],
        "newHealths": ["Unhealthy", "Healthy"],
        "eventSources": ["pool"],
    }
    assert switched["alertType"] == "load_balancing_pool_enablement_alert"
    assert switched["filters"] == {"poolIds": ["pool-1", "pool-2"], "enableds": ["true", "false"]}
    for one in (health, switched):
        assert one["mechanisms"] == {"emails": [{"id": "ops@example.org"}], "webhooks": [{"id": "c" * 32}]}
        assert one["enabled"] is True
    assert (found, graph.of(MONITOR)) == ([], [])
