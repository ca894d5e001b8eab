"""The edge in mode ``worker``: what is declared, and what is refused."""

from __future__ import annotations

import json

import pulumi
import pulumi_cloudflare as cloudflare
import pytest

from components.edge import Edge, EdgeError, script
from tests.components.graph import Graph, settled
from tests.components.test_edge import (
    ALERT,
    BALANCER,
    MONITOR,
    POOL,
    RECORD,
    RULESET,
    SETTING,
    arguments,
    origin,
)

SCRIPT = "cloudflare:index/workersScript:WorkersScript"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
RELEASE = "r0123456789abcdef"
COPIED = {"notFound": ["0" * 16], "types": {"byEnding": {".html": "text/html"}, "single": {}}, "files": ""}
RULES = {
    "redirects": [{"source": "/there", "target": "https://partner.example/x", "status": 302, "force": False}],
    "headers": [{"pattern": "/blog/*", "headers": [["X-Extra", "yes"]]}],
    "floor": [["X-Frame-Options", "DENY"]],
    "notFound": "404.html",
}


async def declared(tmp_path, monkeypatch, origins=None, *, rules=RULES, staged=True, preview=False, **changed):
    """The graph of an edge in mode ``worker``, declared from the folder ``tmp_path``, and what the edge gives."""
    monkeypatch.chdir(tmp_path)
    if staged:
        (tmp_path / ".edge-copy" / RELEASE).mkdir(parents=True, exist_ok=True)
    graph = Graph()
    pulumi.runtime.set_mocks(graph, preview=preview)
    args = arguments(mode="worker", **{"copy_folder": ".edge-copy", **changed})
    edge = Edge(
        "edge",
        args,
        origins or [origin("one"), origin("two")],
        pulumi.Output.from_input(rules),
        release=pulumi.Output.from_input(RELEASE),
        served=pulumi.Output.from_input(COPIED),
    )
    outputs = await pulumi.Output.all(edge.site_url, edge.pool_ids, edge.load_balancer_id).future()
    await settled()
    return graph, outputs


def configuration(graph):
    """What the declared script is told."""
    (found,) = graph.of(SCRIPT)
    return json.loads(found["content"].rsplit("export default worker(", 1)[1].removesuffix(");\n"))


async def test_nothing_that_is_paid_for_is_declared(tmp_path, monkeypatch):
    graph, outputs = await declared(tmp_path, monkeypatch)
    assert [graph.of(kind) for kind in (MONITOR, POOL, BALANCER, ALERT)] == [[]] * 4
    assert outputs == ["https://www.example.org", {}, ""]


async def test_the_script_is_a_module_with_the_copy_as_its_assets(tmp_path, monkeypatch):
    graph, _ = await declared(tmp_path, monkeypatch)
    (found,) = graph.of(SCRIPT)
    assert (found["scriptName"], found["mainModule"]) == ("www-example-org", "worker.js")
    assert found["bindings"] == [{"name": "ASSETS", "type": "assets"}]
    assert found["assets"] == {
        "config": {"htmlHandling": "none", "notFoundHandling": "none", "runWorkerFirst": True},
        "directory": f".edge-copy/{RELEASE}",
    }
    assert "keepAssets" not in found


async def test_the_folder_of_the_copy_is_the_same_on_every_machine(tmp_path, monkeypatch):
    folders = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        graph, _ = await declared(tmp_path / name, monkeypatch)
        folders.append(graph.of(SCRIPT))
    assert folders[0] == folders[1]


async def test_a_release_without_a_copy_here_keeps_the_assets_of_the_last_upload(tmp_path, monkeypatch):
    graph, _ = await declared(tmp_path, monkeypatch, staged=False)
    (found,) = graph.of(SCRIPT)
    assert found["keepAssets"] is True
    assert "directory" not in found["assets"]


async def test_without_a_copy_there_are_no_assets_and_no_binding(tmp_path, monkeypatch):
    graph, _ = await declared(tmp_path, monkeypatch, copy_folder="")
    (found,) = graph.of(SCRIPT)
    assert not {"assets", "keepAssets", "bindings"} & found.keys()
    assert configuration(graph)["copy"] is False


async def test_every_path_of_the_name_is_routed_after_the_name_leads_to_the_edge(tmp_path, monkeypatch):
    graph, _ = await declared(tmp_path, monkeypatch)
    (route,) = graph.of(ROUTE)
    assert (route["pattern"], route["script"]) == ("www.example.org/*", "www-example-org")
    record = next(found for found in graph.of(RECORD) if found["name"] == "www.example.org")
    assert (record["type"], record["content"], record["proxied"], record["ttl"]) == ("AAAA", "100::", True, 1)
    order = [found.name for found in graph.resources]
    assert order.index("edge-route-record") < order.index("edge-route")


async def test_platforms_are_asked_in_failover_order_by_their_own_names(tmp_path, monkeypatch):
    graph, _ = await declared(tmp_path, monkeypatch, origins=[origin("two"), origin("one")])
    assert configuration(graph)["origins"] == [
        {"name": "two", "host": "site.two.example"},
        {"name": "one", "host": "site.one.example"},
    ]


async def test_the_script_knows_the_rules_and_404_pages_of_the_release(tmp_path, monkeypatch):
    graph, _ = await declared(tmp_path, monkeypatch)
    found = configuration(graph)
    assert found["notFound"] == COPIED["notFound"]
    assert found["redirectHosts"] == ["partner.example"]
    assert found["redirects"][0]["status"] == 302
    assert found["headerNames"] == ["x-extra", "x-frame-options"]
    assert found["health"] == {"path": "/.well-known/release.json", "token": "peaceful-robot-ok"}


def by_key(inputs):
    """Concurrent registrations come in any order."""
    return {found.get("settingId") or found["phase"]: found for found in inputs}


async def test_the_zone_is_the_same_as_with_a_load_balancer(tmp_path, monkeypatch):
    from tests.components.test_edge import declared as with_load_balancer

    worker, _ = await declared(tmp_path, monkeypatch)
    balanced, _ = await with_load_balancer()
    for kind in (SETTING, RULESET):
        assert by_key(worker.of(kind)) == by_key(balanced.of(kind))
    names = {found["name"] for found in worker.of(RECORD)} - {"www.example.org"}
    assert names == {found["name"] for found in balanced.of(RECORD)}


@pytest.fixture
def options(monkeypatch):
    """Options of the Worker's own resources, by name."""
    seen = {}
    for kind in (cloudflare.WorkersScript, cloudflare.WorkersRoute):

        def remember(self, name, *args, __made=kind.__init__, opts=None, **inputs):
            seen[name] = opts
            __made(self, name, *args, opts=opts, **inputs)

        monkeypatch.setattr(kind, "__init__", remember)
    return seen


@pytest.mark.parametrize("protect", [True, False])
async def test_the_route_is_protected_as_the_stack_says(tmp_path, monkeypatch, options, protect):
    await declared(tmp_path, monkeypatch, protect=protect)
    assert options["edge-route"].protect is protect
    assert not options["edge-worker"].protect


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"hostname": f"{'a' * 60}.example.org"}, "hostname: .* longer than a Worker's name"),
        ({"origins": [origin(f"p{number}") for number in range(16)]}, "16 platforms, and a Worker can ask 15"),
    ],
)
async def test_what_a_worker_cannot_do_is_refused(tmp_path, monkeypatch, changed, words):
    with pytest.raises(EdgeError, match=words):
        await declared(tmp_path, monkeypatch, **changed)


async def test_a_platform_that_needs_another_host_header_is_refused(tmp_path, monkeypatch):
    foreign = origin("two", "pages.two.example", "site.example")
    with pytest.raises(EdgeError, match=r"origins: two is asked at pages\.two\.example as site\.example"):
        await declared(tmp_path, monkeypatch, origins=[origin("one"), foreign])


async def test_a_script_over_the_limit_of_the_free_plan_is_refused_at_preview(tmp_path, monkeypatch):
    monkeypatch.setattr(script, "MAX_SCRIPT", 1000)
    with pytest.raises(EdgeError, match="bytes after compression, and the free plan allows 1000"):
        await declared(tmp_path, monkeypatch, preview=True)


async def test_a_release_must_be_given():
    with pytest.raises(EdgeError, match="give rules, release and served"):
        Edge("edge", arguments(mode="worker"), [origin("one")])
