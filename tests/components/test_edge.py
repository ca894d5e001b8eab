from __future__ import annotations

import json
import re
from dataclasses import replace

import pulumi
import pulumi_cloudflare as cloudflare
import pytest

from components.edge import Edge, EdgeArgs, EdgeError
from components.edge.zone import transport_security
from components.origin import Origin
from components.settings import read
from sandbox.cloudflare.expressions import parse
from tests.components.graph import Graph, settled

ACCOUNT, ZONE = "a" * 32, "b" * 32
MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
SETTING = "cloudflare:index/zoneSetting:ZoneSetting"
RULESET = "cloudflare:index/ruleset:Ruleset"
ALERT = "cloudflare:index/notificationPolicy:NotificationPolicy"


def origin(name, hostname=None, host_header=None):
    hostname = hostname or f"site.{name}.example"
    return Origin(
        name=name,
        hostname=pulumi.Output.from_input(hostname),
        host_header=pulumi.Output.from_input(host_header or hostname),
        url=pulumi.Output.from_input(f"https://{hostname}"),
    )


def arguments(**changed):
    given = {"account_id": ACCOUNT, "zone_id": ZONE, "hostname": "www.example.org", "apex": "example.org"}
    return EdgeArgs(**{**given, **changed})


async def declared(names=("one", "two"), preview=False, **changed):
    """Graph of an edge and its outputs, all awaited."""
    graph = Graph()
    pulumi.runtime.set_mocks(graph, preview=preview)
    edge = Edge("edge", arguments(**changed), [origin(name) for name in names])
    outputs = await pulumi.Output.all(edge.site_url, edge.pool_ids, edge.load_balancer_id).future()
    await settled()
    return graph, outputs


def leaves(value):
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)


@pytest.mark.parametrize("preview", [True, False])
async def test_each_platform_is_a_pool_of_one_endpoint_in_failover_order(preview):
    names = ["vercel", "netlify", "aws", "firebase", "azure", "gitlab"]
    graph, outputs = await declared(names, preview=preview)
    pools = graph.of(POOL)
    assert {pool["name"] for pool in pools} == {f"www-example-org-{name}" for name in names}
    assert [len(pool["origins"]) for pool in pools] == [1] * 6
    (balancer,) = graph.of(BALANCER)
    if not preview:
        assert balancer["defaultPools"] == [f"edge-pool-{name}-id" for name in names]
        assert outputs[1] == {name: f"edge-pool-{name}-id" for name in names}


async def test_the_host_header_of_an_endpoint_is_the_platforms_own():
    graph, _ = await declared()
    for name in ("one", "two"):
        (endpoint,) = graph.named(f"edge-pool-{name}").inputs["origins"]
        assert endpoint == {
            "name": name,
            "address": f"site.{name}.example",
            "header": {"hosts": [f"site.{name}.example"]},
            "enabled": True,
            "weight": 1,
        }


async def test_pool_names_hold_only_what_the_service_allows():
    graph, _ = await declared()
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", pool["name"]) for pool in graph.of(POOL))


async def test_the_monitor_is_explicit_about_every_default_that_bites():
    graph, _ = await declared(consecutive_up=3, consecutive_down=1)
    (monitor,) = graph.of(MONITOR)
    wanted = {
        "type": "https",
        "method": "GET",
        "path": "/.well-known/release.json",
        "interval": 60,
        "timeout": 5,
        "retries": 2,
        "consecutiveUp": 3,
        "consecutiveDown": 1,
        "expectedCodes": "200",
        "expectedBody": "peaceful-robot-ok",
        "followRedirects": False,
        "allowInsecure": False,
        "probeZone": "example.org",
        "accountId": ACCOUNT,
    }
    assert {key: monitor[key] for key in wanted} == wanted
    assert "header" not in monitor
    assert "port" not in monitor


async def test_every_pool_has_the_monitor_and_a_health_threshold():
    graph, _ = await declared(regions=("WEU", "ENAM", "WEU"))
    for pool in graph.of(POOL):
        assert pool["monitor"] == "edge-monitor-id"
        assert pool["minimumOrigins"] == 1
        assert pool["enabled"] is True
        assert pool["checkRegions"] == ["ENAM", "WEU"]


async def test_the_load_balancer_fails_over_at_the_edge_and_across_pools():
    graph, _ = await declared()
    (balancer,) = graph.of(BALANCER)
    assert balancer["name"] == "www.example.org"
    assert balancer["proxied"] is True
    assert balancer["steeringPolicy"] == "off"
    assert balancer["sessionAffinity"] == "none"
    assert balancer["adaptiveRouting"] == {"failoverAcrossPools": True}
    assert set(balancer) == {
        *("zoneId", "name", "description", "enabled", "proxied", "steeringPolicy", "defaultPools", "fallbackPool"),
        *("adaptiveRouting", "sessionAffinity"),
    }


@pytest.mark.parametrize(("fallback", "expected"), [("", "edge-pool-one-id"), ("two", "edge-pool-two-id")])
async def test_the_fallback_pool_is_the_first_unless_set(fallback, expected):
    graph, _ = await declared(fallback=fallback)
    assert graph.of(BALANCER)[0]["fallbackPool"] == expected


async def test_nothing_is_written_as_an_empty_map_or_list():
    graph, _ = await declared(notification_email="ops@example.org")
    for found in graph.resources:
        if found.typ.startswith("cloudflare:"):
            assert all(leaves_value for leaves_value in leaves(found.inputs)), found.name


async def test_record_names_are_fully_qualified_and_proxied_ones_have_the_automatic_ttl():
    graph, _ = await declared()
    records = graph.of(RECORD)
    assert {record["name"] for record in records} == {"example.org"}
    assert all(record["ttl"] == 1 for record in records)
    assert all("settings" not in record for record in records)
    (apex,) = [record for record in records if record["type"] == "AAAA"]
    assert (apex["content"], apex["proxied"]) == ("100::", True)


async def test_no_record_stands_under_the_load_balancers_name():
    graph, _ = await declared()
    assert all(record["name"] != "www.example.org" for record in graph.of(RECORD))


async def test_only_the_authorities_that_cloudflare_uses_may_issue_certificates():
    graph, _ = await declared(notification_email="ops@example.org")
    records = [record["data"] for record in graph.of(RECORD) if record["type"] == "CAA"]
    issuers = {data["value"].split(";")[0] for data in records if data["tag"] == "issue"}
    assert issuers == {"letsencrypt.org", "pki.goog", "sectigo.com", "ssl.com"}
    assert {"flags": 0, "tag": "iodef", "value": "mailto:ops@example.org"} in records


async def test_settings_that_alter_bytes_are_off_and_transport_is_strict():
    graph, _ = await declared()
    settings = {setting["settingId"]: setting["value"] for setting in graph.of(SETTING)}
    off = ("automatic_https_rewrites", "email_obfuscation", "rocket_loader", "always_online")
    assert [settings[key] for key in off] == ["off"] * 4
    assert settings["browser_cache_ttl"] == 0
    assert settings["ssl"] == "strict"
    assert settings["always_use_https"] == "on"
    assert settings["min_tls_version"] == "1.2"
    assert settings["tls_1_3"] == "on"


async def test_the_zones_hsts_is_that_of_the_stack_under_its_wire_names():
    headers = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload"}
    graph, _ = await declared(headers=headers)
    (value,) = [found["value"] for found in graph.of(SETTING) if found["settingId"] == "security_header"]
    wanted = {"enabled": True, "max_age": 63072000, "include_subdomains": True, "preload": True, "nosniff": False}
    assert value == {"strict_transport_security": wanted}


@pytest.mark.parametrize(
    ("headers", "enabled", "max_age"),
    [
        ({}, False, 0),
        ({"strict-transport-security": "max-age=0"}, False, 0),
        ({"STRICT-TRANSPORT-SECURITY": 'includeSubDomains; max-age="300"'}, True, 300),
        ({"Strict-Transport-Security": "max-age=soon"}, False, 0),
    ],
)
def test_hsts_is_read_from_any_spelling(headers, enabled, max_age):
    found = transport_security(headers)
    assert (found["enabled"], found["max_age"]) == (enabled, max_age)


async def test_the_bare_domain_is_redirected_with_path_and_query():
    graph, _ = await declared()
    (ruleset,) = [found for found in graph.of(RULESET) if found["phase"] == "http_request_dynamic_redirect"]
    (rule,) = ruleset["rules"]
    assert rule["expression"] == '(http.host eq "example.org")'
    assert rule["actionParameters"]["fromValue"] == {
        "statusCode": 301,
        "preserveQueryString": True,
        "targetUrl": {"expression": 'concat("https://www.example.org", http.request.uri.path)'},
    }


async def test_the_cache_obeys_the_sites_own_headers():
    graph, _ = await declared()
    (ruleset,) = [found for found in graph.of(RULESET) if found["phase"] == "http_request_cache_settings"]
    (rule,) = ruleset["rules"]
    parameters = rule["actionParameters"]
    assert parameters["edgeTtl"] == {"mode": "bypass_by_default"}
    assert parameters["browserTtl"] == {"mode": "respect_origin"}
    assert parameters["respectStrongEtags"] is True
    assert parameters["serveStale"] == {"disableStaleWhileUpdating": True}


async def test_a_zone_has_one_ruleset_a_phase_with_the_name_and_refs_that_are_kept():
    graph, _ = await declared()
    rulesets = graph.of(RULESET)
    assert len({ruleset["phase"] for ruleset in rulesets}) == len(rulesets)
    assert {ruleset["name"] for ruleset in rulesets} == {"default"}
    assert all(rule["ref"] for ruleset in rulesets for rule in ruleset["rules"])


async def test_a_site_on_the_bare_domain_has_no_redirect_and_no_record_beside_it():
    graph, _ = await declared(hostname="example.org")
    assert [found["phase"] for found in graph.of(RULESET)] == ["http_request_cache_settings"]
    assert {record["type"] for record in graph.of(RECORD)} == {"CAA"}


async def test_an_address_is_told_of_the_health_of_every_pool():
    graph, _ = await declared(notification_email="ops@example.org")
    (policy,) = graph.of(ALERT)
    assert policy["alertType"] == "load_balancing_health_alert"
    assert policy["mechanisms"] == {"emails": [{"id": "ops@example.org"}]}
    assert policy["filters"] == {
        "poolIds": ["edge-pool-one-id", "edge-pool-two-id"],
        "newHealths": ["Unhealthy", "Healthy"],
        "eventSources": ["pool"],
    }


async def test_nobody_is_told_without_an_address():
    graph, _ = await declared()
    assert graph.of(ALERT) == []


@pytest.fixture
def options(monkeypatch):
    """Resource options by name, as the SDK's classes are given them."""
    seen = {}

    def record(kind):
        original = kind.__init__

        def wrapped(self, resource_name, /, **inputs):
            seen[resource_name] = inputs["opts"]
            original(self, resource_name, **inputs)

        monkeypatch.setattr(kind, "__init__", wrapped)

    for kind in (cloudflare.LoadBalancer, cloudflare.LoadBalancerPool, cloudflare.ZoneSetting):
        record(kind)
    return seen


@pytest.mark.parametrize("protect", [True, False])
async def test_the_load_balancer_is_protected_as_the_stack_says(options, protect):
    await declared(protect=protect)
    assert options["edge-load-balancer"].protect is protect


async def test_pools_keep_what_others_write_and_are_never_deleted_first(options):
    await declared()
    for name in ("edge-pool-one", "edge-pool-two"):
        assert options[name].delete_before_replace is False
        assert "loadShedding" in options[name].ignore_changes
        assert {"origins[0].port", "origins[0].disabledAt"} <= set(options[name].ignore_changes)


async def test_options_of_a_zone_setting_do_not_depend_on_the_stack(options):
    await declared(protect=True)
    first = {name: found.protect for name, found in options.items() if "setting" in name}
    await declared(protect=False)
    assert first == {name: found.protect for name, found in options.items() if "setting" in name}


async def test_the_site_url_is_https_under_the_sites_name():
    _, outputs = await declared()
    assert outputs[0] == "https://www.example.org"


def test_arguments_come_from_the_settings_of_a_stack():
    hsts = {"Strict-Transport-Security": "max-age=63072000; includeSubDomains"}
    found = EdgeArgs.from_settings(
        read(
            {
                "cloudflareAccountId": ACCOUNT,
                "cloudflareZoneId": ZONE,
                "domain": "example.org",
                "monitorInterval": "120",
                "monitorRegions": '["WEU", "ENAM"]',
                "monitorUp": "3",
                "alertEmail": "ops@example.org",
                "securityHeaders": json.dumps(hsts),
                "protect": "false",
            }
        )
    )
    assert (found.hostname, found.apex) == ("www.example.org", "example.org")
    assert (found.interval, found.consecutive_up, list(found.regions)) == (120, 3, ["WEU", "ENAM"])
    assert (found.notification_email, found.protect) == ("ops@example.org", False)
    assert found.headers["Strict-Transport-Security"] == hsts["Strict-Transport-Security"]
    assert found.headers["X-Content-Type-Options"] == "nosniff"


MISTAKES = [
    ({"consecutive_up": 0}, "consecutive_up"),
    ({"consecutive_down": 0}, "consecutive_down"),
    ({"interval": 15}, "interval"),
    ({"path": "release.json"}, "path"),
    ({"expected_body": ""}, "expected_body"),
    ({"regions": ()}, "regions"),
    ({"hostname": "www.elsewhere.org"}, "hostname"),
    ({"hostname": "www.example.org.", "apex": "example.org."}, "hostname"),
    ({"fallback": "three"}, "fallback"),
]


@pytest.mark.parametrize(("changed", "key"), MISTAKES)
async def test_a_mistake_is_named_by_its_key(changed, key):
    with pytest.raises(EdgeError, match=f"- {key}") as raised:
        Edge("edge", arguments(**changed), [origin("one"), origin("two")])
    assert str(raised.value).count("\n  - ") == 1


@pytest.mark.parametrize(
    ("names", "words"),
    [([], "enable a platform"), (["one", "one"], "stands twice"), ([f"p{n}" for n in range(21)], "20 endpoints")],
)
async def test_platforms_that_cannot_be_served_are_refused(names, words):
    with pytest.raises(EdgeError, match=words):
        Edge("edge", arguments(), [origin(name) for name in names])


async def test_all_mistakes_are_told_at_once():
    with pytest.raises(EdgeError) as raised:
        Edge("edge", arguments(consecutive_up=0, path="x", fallback="none"), [origin("one")])
    assert str(raised.value).count("\n  - ") == 3


RULES = {
    "floor": [["X-Frame-Options", "DENY"]],
    "headers": [
        {"pattern": "/posts/*", "headers": [["X-Extra", "posts"]]},
        {"pattern": '/caf\u00e9 "x"', "headers": [["X-Extra", "one"]]},
    ],
}


async def with_rules(*, sends_headers):
    graph = Graph()
    pulumi.runtime.set_mocks(graph)
    origins = [origin("one"), replace(origin("two"), sends_headers=sends_headers)]
    Edge("edge", arguments(), origins, pulumi.Output.from_input(RULES))
    await settled()
    return [found for found in graph.of(RULESET) if found["phase"] == "http_response_headers_transform"]


async def test_where_a_platform_cannot_send_headers_the_edge_sets_them_for_all():
    (ruleset,) = await with_rules(sends_headers=False)
    assert [rule["expression"] for rule in ruleset["rules"]] == [
        '(http.host eq "www.example.org")',
        '(http.host eq "www.example.org" and starts_with(http.request.uri.path, "/posts/"))',
        '(http.host eq "www.example.org" and http.request.uri.path eq "/caf%C3%A9%20%22x%22")',
    ]
    changes = ruleset["rules"][0]["actionParameters"]["headers"]
    assert changes == {"X-Frame-Options": {"operation": "set", "value": "DENY"}}
    assert len({rule["ref"] for rule in ruleset["rules"]}) == 3
    for rule in ruleset["rules"]:
        parse(rule["expression"])


async def test_where_every_platform_sends_them_the_edge_has_no_rule():
    assert await with_rules(sends_headers=True) == []


async def with_folders(*, adds_slash, folders=("/posts", "/caf%C3%A9%20%22x%22"), **changed):
    graph = Graph()
    pulumi.runtime.set_mocks(graph)
    origins = [origin("one"), replace(origin("two"), adds_slash=adds_slash)]
    Edge("edge", arguments(**changed), origins, folders=pulumi.Output.from_input(list(folders)))
    await settled()
    found = [ruleset for ruleset in graph.of(RULESET) if ruleset["phase"] == "http_request_dynamic_redirect"]
    return [rule for ruleset in found for rule in ruleset["rules"]]


async def test_where_a_platform_does_not_add_the_slash_of_a_folder_the_edge_does():
    apex, slash = await with_folders(adds_slash=False)
    assert apex["ref"] == "apex"
    assert slash["expression"] == (
        '(http.host eq "www.example.org" and http.request.uri.path in {"/posts" "/caf%C3%A9%20%22x%22"})'
    )
    request = {"http.host": "www.example.org", "http.request.uri.path": "/posts"}
    assert parse(slash["expression"])(request)
    target = slash["actionParameters"]["fromValue"]
    assert parse(target["targetUrl"]["expression"])(request) == "/posts/"
    assert (target["statusCode"], target["preserveQueryString"]) == (301, True)


async def test_many_folders_are_spread_over_rules_of_allowed_length():
    folders = [f"/folder-with-a-long-name-{number:04d}" for number in range(400)]
    rules = await with_folders(adds_slash=False, folders=folders, hostname="example.org")
    assert len(rules) == 4
    assert all(len(rule["expression"]) <= 4096 for rule in rules)
    assert len({rule["ref"] for rule in rules}) == 4


async def test_where_every_platform_adds_the_slash_the_edge_has_no_rule_for_it():
    assert [rule["ref"] for rule in await with_folders(adds_slash=True)] == ["apex"]
