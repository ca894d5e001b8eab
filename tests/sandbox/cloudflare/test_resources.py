"""Resource types: what they answer to the engine, and what they refuse as the real service does."""

from __future__ import annotations

import pytest

from sandbox import cloudflare
from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID
from sandbox.provider.resource_type import UNKNOWN, Refused
from sandbox.world import World
from tests.sandbox.cloudflare.small_world import ALERT, BALANCER, MONITOR, POOL, RECORD, RULESET, SETTING

ACCOUNT, ZONE = {"accountId": ACCOUNT_ID}, {"zoneId": ZONE_ID}


class Kinds:
    def __init__(self, folder):
        self.world = World(folder)
        self.twin = cloudflare.twin(self.world)
        self.by_token = {kind.token: kind for kind in self.twin.resource_types}

    async def make(self, token, **inputs):
        kind = self.by_token[token]
        assert kind.check(inputs) == []
        return await kind.create(inputs)

    async def pool(self, name="one", monitor=None, **changed):
        endpoint = {"name": name, "address": f"{name}.example"}
        given = {**ACCOUNT, "name": name, "origins": [endpoint], **({"monitor": monitor} if monitor else {})}
        return (await self.make(POOL, **{**given, **changed}))[0]

    async def balancer(self, *pools, name="www.peacefulrobot.com", **changed):
        given = {**ZONE, "name": name, "defaultPools": list(pools), "fallbackPool": pools[0], "steeringPolicy": "off"}
        return (await self.make(BALANCER, **{**given, **changed}))[0]


@pytest.fixture
def kinds(tmp_path):
    found = Kinds(tmp_path)
    yield found
    found.world.store.close()


RULE = {"expression": "true", "action": "set_cache_settings", "actionParameters": {"cache": True}}
RULESET_INPUTS = {**ZONE, "name": "default", "kind": "zone", "phase": "http_request_cache_settings", "rules": [RULE]}
SIMPLE = [
    (MONITOR, {**ACCOUNT, "type": "https", "expectedBody": "ok", "header": {"X-Some-Name": ["a"]}}),
    (
        POOL,
        {
            **ACCOUNT,
            "name": "p",
            "origins": [{"name": "o", "address": "o.example", "header": {"hosts": ["o.example"]}}],
        },
    ),
    (RECORD, {**ZONE, "name": "peacefulrobot.com", "type": "AAAA", "content": "100::", "proxied": True, "ttl": 1}),
    (
        RECORD,
        {
            **ZONE,
            "name": "peacefulrobot.com",
            "type": "CAA",
            "ttl": 1,
            "data": {"flags": 0, "tag": "issue", "value": "x"},
        },
    ),
    (SETTING, {**ZONE, "settingId": "ssl", "value": "strict"}),
    (SETTING, {**ZONE, "settingId": "security_header", "value": {"strict_transport_security": {"max_age": 5}}}),
    (RULESET, RULESET_INPUTS),
    (
        ALERT,
        {
            **ACCOUNT,
            "name": "n",
            "alertType": "load_balancing_health_alert",
            "mechanisms": {"emails": [{"id": "a@b.c"}]},
        },
    ),
]


def holds(outputs, inputs):
    """Every input stands among the outputs under the same name; outputs may hold more."""
    if isinstance(inputs, dict):
        return all(key in outputs and holds(outputs[key], value) for key, value in inputs.items())
    if isinstance(inputs, list):
        return len(outputs) == len(inputs) and all(map(holds, outputs, inputs))
    return outputs == inputs


@pytest.mark.parametrize(("token", "inputs"), SIMPLE)
async def test_outputs_hold_the_inputs_under_the_providers_names(kinds, token, inputs):
    identifier, outputs = await kinds.make(token, **inputs)
    assert holds(outputs, inputs)
    assert await kinds.by_token[token].read(identifier) == outputs


@pytest.mark.parametrize(("token", "inputs"), SIMPLE)
async def test_objects_survive_a_restart(tmp_path, token, inputs):
    first = Kinds(tmp_path)
    identifier, outputs = await first.make(token, **inputs)
    first.world.store.close()
    second = Kinds(tmp_path)
    assert await second.by_token[token].read(identifier) == outputs
    second.world.store.close()


@pytest.mark.parametrize(("token", "inputs"), [row for row in SIMPLE if row[0] != SETTING])
async def test_a_deleted_object_is_gone_and_deleting_it_again_is_no_error(kinds, token, inputs):
    identifier, _ = await kinds.make(token, **inputs)
    await kinds.by_token[token].delete(identifier)
    assert await kinds.by_token[token].read(identifier) is None
    await kinds.by_token[token].delete(identifier)


async def test_a_forgotten_zone_setting_keeps_its_value(kinds):
    identifier, _ = await kinds.make(SETTING, **ZONE, settingId="ssl", value="strict")
    await kinds.by_token[SETTING].delete(identifier)
    assert (await kinds.by_token[SETTING].read(identifier))["value"] == "strict"


async def test_a_load_balancer_answers_with_its_zone(kinds):
    identifier = await kinds.balancer(await kinds.pool())
    outputs = await kinds.by_token[BALANCER].read(identifier)
    assert outputs["zoneName"] == "peacefulrobot.com"
    assert outputs["createdOn"].endswith("Z")


async def test_another_domain_becomes_the_sandboxs_zone(kinds):
    identifier = await kinds.balancer(await kinds.pool(), name="www.example.org")
    assert (await kinds.by_token[BALANCER].read(identifier))["zoneName"] == "example.org"


async def test_ids_of_pools_stay_as_they_are_in_maps(kinds):
    pool = await kinds.pool()
    steering = {"defaultWeight": 0.5, "poolWeights": {pool: 0.25}}
    identifier = await kinds.balancer(pool, steeringPolicy="random", randomSteering=steering)
    assert (await kinds.by_token[BALANCER].read(identifier))["randomSteering"] == steering


async def test_origins_come_back_sorted_by_name(kinds):
    endpoints = [{"name": name, "address": f"{name}.example"} for name in ("b", "a")]
    identifier = await kinds.pool(origins=endpoints)
    found = (await kinds.by_token[POOL].read(identifier))["origins"]
    assert [endpoint["name"] for endpoint in found] == ["a", "b"]


async def test_an_overwrite_by_the_provider_sends_load_shedding_as_its_state_has_it(kinds):
    identifier = await kinds.pool()
    kind = kinds.by_token[POOL]
    kind.account.edit(kind.kind, identifier, {"load_shedding": {"default_percent": 95}})
    state = await kind.read(identifier)
    inputs = {**ACCOUNT, "name": "one", "origins": state["origins"], "description": "new"}
    assert (await kind.update(identifier, state, inputs))["loadShedding"]["defaultPercent"] == 95


REFERENCED = "This object is referenced by other objects, delete them first. (1005)"


async def test_a_pool_or_monitor_in_use_is_not_deleted(kinds):
    monitor, _ = await kinds.make(MONITOR, **ACCOUNT)
    pool = await kinds.pool(monitor=monitor, checkRegions=["WEU"])
    balancer = await kinds.balancer(pool)
    for token, identifier in ((POOL, pool), (MONITOR, monitor)):
        with pytest.raises(Refused) as raised:
            await kinds.by_token[token].delete(identifier)
        assert str(raised.value) == REFERENCED
    for token, identifier in ((BALANCER, balancer), (POOL, pool), (MONITOR, monitor)):
        await kinds.by_token[token].delete(identifier)
        assert await kinds.by_token[token].read(identifier) is None


ENDPOINT = {"name": "o", "address": "o.example"}
POOL_REFUSED = [
    ({"name": "has space"}, "letters, digits, hyphens and underscores"),
    ({"origins": []}, "the origin list length must be in range [1, 20]"),
    ({"origins": [{"name": f"o{n}", "address": "o.example"} for n in range(21)]}, "must be in range [1, 20]"),
    ({"origins": [ENDPOINT, ENDPOINT]}, "unique"),
    ({"origins": [{"name": "o"}]}, "origin address is required"),
    ({"origins": [{**ENDPOINT, "weight": 0.005}]}, "steps of 0.01"),
    (
        {"origins": [{**ENDPOINT, "header": {"hosts": ["www.else.example"]}}]},
        'Host header "www.else.example" not allowed for origin domain "o.example": validation failed (1002)',
    ),
    ({"origins": [{**ENDPOINT, "header": {"hosts": ["o.example", "p.example"]}}]}, "only one Host header"),
    ({"monitor": "0" * 32, "checkRegions": ["WEU"]}, "does not exist"),
    ({"monitorGroup": "0" * 32}, "monitor groups"),
]


@pytest.mark.parametrize(("changed", "words"), POOL_REFUSED)
async def test_a_wrong_pool_is_refused(kinds, changed, words):
    with pytest.raises(Refused) as raised:
        await kinds.pool(**changed)
    assert words in str(raised.value)


@pytest.mark.parametrize("host", ["o.example", "anything.peacefulrobot.com"])
async def test_a_host_header_may_be_the_address_or_lie_in_a_zone_of_the_account(kinds, host):
    await kinds.pool(origins=[{**ENDPOINT, "header": {"hosts": [host]}}])


@pytest.mark.parametrize("regions", [None, [], ["ALL_REGIONS"]])
async def test_checking_from_everywhere_is_refused_on_this_plan(kinds, regions):
    monitor, _ = await kinds.make(MONITOR, **ACCOUNT)
    with pytest.raises(Refused, match="Probing from every data centre is not allowed with this subscription"):
        await kinds.pool(monitor=monitor, **({} if regions is None else {"checkRegions": regions}))


async def test_pool_names_are_unique(kinds):
    await kinds.pool("same")
    with pytest.raises(Refused, match=r"value not unique \(1003\)"):
        await kinds.pool("same")


async def test_twenty_endpoints_are_the_most_of_an_account(kinds):
    for number in range(20):
        await kinds.pool(f"p{number}")
    with pytest.raises(Refused, match="pool quota of 20"):
        await kinds.pool("one-more")


MONITOR_REFUSED = [
    ({"interval": 15}, "interval must be in range [60, 3600]"),
    ({"interval": 3601}, "interval must be in range [60, 3600]"),
    ({"type": "icmp_ping"}, "not allowed with this subscription"),
    ({"type": "tcp"}, "port is required"),
    ({"path": "x"}, "path must start with /"),
    ({"expectedCodes": "ok"}, "expected_codes"),
    ({"header": {"User-Agent": ["me"]}}, "User-Agent header cannot be overridden"),
    ({"retries": -1}, "negative"),
]


@pytest.mark.parametrize(("changed", "words"), MONITOR_REFUSED)
async def test_a_wrong_monitor_is_refused(kinds, changed, words):
    with pytest.raises(Refused) as raised:
        await kinds.make(MONITOR, **ACCOUNT, **changed)
    assert words in str(raised.value)


BALANCER_REFUSED = [
    ({"steeringPolicy": "geo"}, "geo is not allowed with this subscription"),
    ({"defaultPools": []}, "default_pools must not be empty"),
    ({"defaultPools": ["0" * 32]}, "does not exist"),
    ({"fallbackPool": "0" * 32}, "does not exist"),
    ({"name": "www.peacefulrobot.com."}, "without a final dot"),
    ({"steeringPolicy": "random", "randomSteering": {"poolWeights": {"0" * 32: 1}}}, "does not exist"),
]


@pytest.mark.parametrize(("changed", "words"), BALANCER_REFUSED)
async def test_a_wrong_load_balancer_is_refused(kinds, changed, words):
    pool = await kinds.pool()
    with pytest.raises(Refused) as raised:
        await kinds.balancer(pool, **changed)
    assert words in str(raised.value)


async def test_a_second_load_balancer_under_one_name_is_refused(kinds):
    pool = await kinds.pool()
    await kinds.balancer(pool)
    with pytest.raises(Refused, match=r"value not unique \(1003\)"):
        await kinds.balancer(pool)


APEX = {**ZONE, "name": "peacefulrobot.com", "ttl": 1}


async def test_an_identical_record_is_refused_however_it_is_written(kinds):
    await kinds.make(RECORD, **APEX, type="AAAA", content="100::")
    with pytest.raises(Refused, match=r"An identical record already exists. \(81058\)"):
        await kinds.make(RECORD, **{**APEX, "name": "@"}, type="AAAA", content="0100:0:0:0:0:0:0:0")


@pytest.mark.parametrize(("first", "second", "code"), [("A", "CNAME", "81053"), ("CNAME", "A", "81054")])
async def test_an_alias_stands_alone(kinds, first, second, code):
    content = {"A": "192.0.2.1", "CNAME": "other.example"}
    await kinds.make(RECORD, **APEX, type=first, content=content[first])
    with pytest.raises(Refused, match=code):
        await kinds.make(RECORD, **APEX, type=second, content=content[second])


RECORD_REFUSED = [
    ({"type": "A", "content": "100::"}, "9005"),
    ({"type": "TXT"}, "9005"),
    ({"type": "TXT", "content": "x", "proxied": True}, "9004"),
    ({"type": "TXT", "content": "x", "ttl": 30}, "9021"),
]


@pytest.mark.parametrize(("changed", "code"), RECORD_REFUSED)
async def test_a_wrong_record_is_refused(kinds, changed, code):
    with pytest.raises(Refused, match=code):
        await kinds.make(RECORD, **{**APEX, **changed})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": "@"}, {"name": "peacefulrobot.com"}),
        ({"name": "www"}, {"name": "www.peacefulrobot.com"}),
        ({"type": "CNAME", "content": "a.example."}, {"content": "a.example"}),
    ],
)
async def test_names_and_aliases_come_back_as_the_service_writes_them(kinds, given, kept):
    _, outputs = await kinds.make(RECORD, **{**APEX, "type": "TXT", "content": "x", **given})
    assert holds(outputs, kept)


SCHEMA_REFUSED = [
    (MONITOR, {"type": "ftp"}, "type"),
    (POOL, {"checkRegions": ["MARS"]}, "checkRegions"),
    (POOL, {"origins": [{"weight": 2}]}, "origins"),
    (POOL, {"loadShedding": {"defaultPercent": 101}}, "loadShedding"),
    (BALANCER, {"steeringPolicy": "nearest"}, "steeringPolicy"),
    (BALANCER, {"sessionAffinity": "sticky"}, "sessionAffinity"),
    (BALANCER, {"randomSteering": {"defaultWeight": 2}}, "randomSteering"),
    (RECORD, {"type": "ALIAS"}, "type"),
    (RECORD, {"proxied": True, "ttl": 300}, "ttl"),
]


@pytest.mark.parametrize(("token", "inputs", "key"), SCHEMA_REFUSED)
def test_the_providers_schema_refuses_before_anything_is_made(kinds, token, inputs, key):
    assert [found for found, _ in kinds.by_token[token].check(inputs)] == [key]


@pytest.mark.parametrize(("token", "inputs", "key"), [row for row in SCHEMA_REFUSED if row[2] in {"type", "ttl"}])
def test_what_is_not_known_yet_is_not_refused(kinds, token, inputs, key):
    assert kinds.by_token[token].check({**inputs, key: UNKNOWN}) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("ssl", "best", "1007"),
        ("warp_speed", "on", "1006"),
        ("browser_cache_ttl", -1, "1007"),
        ("security_header", {}, "1007"),
        ("ssl", None, "1007"),
    ],
)
async def test_a_wrong_zone_setting_is_refused(kinds, name, value, code):
    with pytest.raises(Refused, match=code):
        await kinds.make(SETTING, **ZONE, settingId=name, value=value)


async def test_a_phase_has_one_ruleset(kinds):
    await kinds.make(RULESET, **RULESET_INPUTS)
    with pytest.raises(Refused, match=r"exceeded maximum number of zone rulesets for phase .* \(20217\)"):
        await kinds.make(RULESET, **RULESET_INPUTS)


REDIRECT = {"fromValue": {"statusCode": 301, "targetUrl": {"value": "https://x.example"}}}
RULE_REFUSED = [
    ({"phase": "http_request_firewall_custom"}, "20021"),
    ({"rules": [{**RULE, "action": "redirect"}]}, "20016"),
    ({"rules": [{**RULE, "expression": "(http.host eq"}]}, "20127"),
    ({"rules": [{**RULE, "expression": "ip.src eq 1"}]}, "unknown identifier 'ip.src'"),
    (
        {"phase": "http_request_dynamic_redirect", "rules": [{**RULE, "action": "redirect", "actionParameters": {}}]},
        "20044",
    ),
]


def transform(**headers):
    rule = {"action": "rewrite", "expression": "ssl", "actionParameters": {"headers": headers}}
    return {"phase": "http_response_headers_transform", "rules": [rule]}


RULE_REFUSED += [
    (transform(), "at least one"),
    (transform(**{"X-A": {"operation": "put", "value": "1"}}), "'put' is not a valid operation on header X-A"),
    (transform(**{"X-A": {"operation": "set"}}), "X-A needs either value or expression"),
    (transform(**{"X-A": {"operation": "set", "expression": "ip.src"}}), "unknown identifier"),
    (transform(Server={"operation": "set", "value": "x"}), "Server cannot be modified"),
    ({"rules": [RULE] * 11}, "exceeded maximum number of rules in the phase .*: 10"),
]


@pytest.mark.parametrize(("changed", "words"), RULE_REFUSED)
async def test_a_wrong_ruleset_is_refused(kinds, changed, words):
    with pytest.raises(Refused, match=words):
        await kinds.make(RULESET, **{**RULESET_INPUTS, **changed})


async def test_each_change_of_a_ruleset_is_a_new_version(kinds):
    identifier, outputs = await kinds.make(RULESET, **RULESET_INPUTS)
    again = await kinds.by_token[RULESET].update(identifier, outputs, {**RULESET_INPUTS, "description": "new"})
    assert (outputs["version"], again["version"]) == ("1", "2")


ALERT_REFUSED = [
    ({"alertType": "load*balancing*health*alert"}, "17103"),
    ({"mechanisms": {}}, "17104"),
    ({"filters": {"newHealths": ["Poorly"]}}, "Poorly"),
    ({"filters": {"poolIds": ["0" * 32]}}, "0000"),
]


@pytest.mark.parametrize(("changed", "words"), ALERT_REFUSED)
async def test_a_wrong_notification_policy_is_refused(kinds, changed, words):
    with pytest.raises(Refused, match=words):
        await kinds.make(ALERT, **{**SIMPLE[-1][1], **changed})


@pytest.mark.parametrize(("token", "inputs"), SIMPLE)
async def test_another_account_or_zone_is_refused_with_the_right_one(kinds, token, inputs):
    elsewhere = {key: "f" * 32 if key in {"accountId", "zoneId"} else value for key, value in inputs.items()}
    with pytest.raises(Refused, match=r"perhaps your object identifier is invalid\? \(7003\)"):
        await kinds.make(token, **elsewhere)
