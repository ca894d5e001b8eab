from __future__ import annotations

import json

import grpc
import pytest
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel, PolicyConfigSchema, ResourceValidationPolicy, StackValidationPolicy, policy
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY

from policies.analyzer import _POLICIES, GROWING, Run, lean_analyzer, weakened_without_reason
from policies.values import SECRET
from tests.policies.program import Registered, analyze_request, analyzer, levels, registered_by, stack_request, struct

WEBSITE = "publisher:index:Website"
TOKEN = "glpat-" + "x" * 20
HIDDEN = {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": TOKEN}


class Aborted(Exception):
    """What gRPC's context raises."""


class Context:
    def abort(self, code, text):
        raise Aborted(code, text)


def seeing(run=None, **options):
    """A server with one policy of each kind that reports what it is shown."""
    shown = []

    def see(args, report):
        shown.append(args.props["__target"])

    def see_all(args, report):
        shown.extend(one.props["__target"] for one in args.resources)

    def repair(args):
        shown.append({"repairing": True})
        return {**args.props["__target"], "repaired": True}

    schema = PolicyConfigSchema(properties={})
    kept = [
        ResourceValidationPolicy("one", "One.", see, EnforcementLevel.MANDATORY, schema, repair),
        StackValidationPolicy("whole", "Whole.", see_all, EnforcementLevel.MANDATORY, schema),
    ]
    server = lean_analyzer(run or Run({}))("pack", "0", kept, EnforcementLevel.MANDATORY)
    return server, shown


def resource(kind="random:index/thing:Thing", **values):
    return Registered(kind, "it", f"urn:pulumi:stack::project::{kind}::it", values, values)


def test_a_policy_is_not_shown_what_grows_with_the_site():
    site = resource(WEBSITE, release="r1", files={"index.html": "00"}, kept=[{}], kinds={"a": ["b"]})
    server, shown = seeing()
    server.Analyze(analyze_request(site), None)
    server.AnalyzeStack(stack_request([site]), None)
    assert [dict(one) for one in shown] == [{"release": "r1"}] * 2
    assert set(GROWING[WEBSITE]) == {"files", "kept", "kinds"}


def test_other_resources_keep_properties_of_these_names():
    server, shown = seeing()
    server.Analyze(analyze_request(resource(files={"a": "b"})), None)
    assert "files" in shown[0]


def test_a_policy_is_shown_that_something_is_secret_and_not_what():
    hidden = resource(token=HIDDEN, inner={"list": [HIDDEN, "plain"]}, other={SPECIAL_SIG_KEY: "asset"})
    hidden.inputs.pop("other")
    hidden.outputs.pop("other", None)
    server, shown = seeing()
    server.Analyze(analyze_request(hidden), None)
    server.AnalyzeStack(stack_request([hidden]), None)
    for one in shown:
        assert one["token"] == SECRET
        assert list(one["inner"]["__target"]["list"]["__target"]) == [SECRET, "plain"]


def test_a_secret_within_a_plain_secret_property_is_no_finding_and_a_plain_one_is():
    server = analyzer()
    hidden, plain = resource(password=HIDDEN), resource(password=TOKEN)
    assert server.Analyze(analyze_request(hidden), None).diagnostics == []
    (found,) = server.Analyze(analyze_request(plain), None).diagnostics
    assert found.policyName == "no-plain-secret"
    assert TOKEN not in found.message


async def test_it_says_what_the_sdks_own_server_says(monkeypatch):
    """The SDK has no place to hook in: this fails when another version of it means something else."""
    resources = await registered_by("prod", monkeypatch)
    for one in resources:
        one.protect = False
    lean = analyzer()
    plain = lean.original("peacefulrobot", "0", lean._PolicyAnalyzerServicer__policies, EnforcementLevel.ADVISORY)
    for one in resources:
        request = analyze_request(one)
        assert lean.Analyze(request, None) == plain.Analyze(request, None)
    whole = stack_request(resources)
    answer = lean.AnalyzeStack(whole, None)
    assert answer == plain.AnalyzeStack(whole, None)
    assert lean.GetAnalyzerInfo(None, None) == plain.GetAnalyzerInfo(None, None)


def test_the_sdks_policy_pack_is_served_by_it_however_often_it_is_made():
    first, second = lean_analyzer(Run({})), lean_analyzer(Run({}))
    assert policy._PolicyAnalyzerServicer is second
    assert second.__bases__ == (first.original,)
    assert second.original is first.original
    assert first.original.__module__ == "pulumi_policy.policy"


def test_whatever_is_asked_reaches_the_sdks_own_server_with_its_context(monkeypatch):
    asked = {
        "Analyze": proto.AnalyzeRequest(),
        "AnalyzeStack": proto.AnalyzeStackRequest(),
        "Remediate": proto.AnalyzeRequest(),
        "ConfigureStack": proto.AnalyzerStackConfigureRequest(),
        "Configure": proto.ConfigureAnalyzerRequest(),
    }
    answers = {name: lambda self, request, context: (request, context) for name in asked}
    server, _ = seeing()
    kept = {_POLICIES: getattr(server, _POLICIES)}
    monkeypatch.setattr(policy, "_PolicyAnalyzerServicer", type("Plain", (), {**answers, **kept}))
    server = lean_analyzer(Run({}, repairs=True))()
    for name, request in asked.items():
        assert getattr(server, name)(request, "context") == (request, "context")


@pytest.mark.parametrize(("level", "repairs"), [("REMEDIATE", True), ("MANDATORY", False), ("ADVISORY", False)])
def test_inputs_are_replaced_at_the_level_remediate_only(level, repairs):
    run = Run({})
    server, _ = seeing(run)
    request = proto.ConfigureAnalyzerRequest()
    request.policyConfig["one"].enforcementLevel = proto.EnforcementLevel.Value(level)
    request.policyConfig["one"].properties.update({"reason": "because"})
    server.Configure(request, Context())
    asked = proto.AnalyzeRequest(type="t", name="it", urn="u", properties=struct({"a": HIDDEN}))
    found = server.Remediate(asked, None).remediations
    assert run.repairs is repairs
    assert [one.properties["a"]["value"] for one in found] == ([TOKEN] if repairs else [])
    assert server.Remediate(proto.AnalyzeRequest(type=WEBSITE), None).remediations == []


def test_a_policy_is_asked_about_the_types_only_that_it_looks_at():
    run = Run({}, repairs=True, concerns=lambda name, kind: (name, kind) == ("one", "azure-native:web:StaticSite"))
    server, shown = seeing(run)
    other = proto.AnalyzeRequest(type="random:index/thing:Thing", name="it", urn="u", properties=struct({"a": 1}))
    server.Analyze(other, None)
    server.Remediate(other, None)
    assert shown == []
    its_own = proto.AnalyzeRequest(type="azure-native:web/v20240401:StaticSite", properties=struct({"a": 1}))
    server.Analyze(its_own, None)
    assert shown == [{"a": 1}]
    server.AnalyzeStack(stack_request([resource(b=2)]), None)
    assert shown[1:] == [{"b": 2}]


def test_where_no_policy_of_a_type_repairs_the_inputs_are_not_read(monkeypatch):
    server, _ = seeing(Run({}, repairs=True, concerns=lambda *_: False))
    monkeypatch.setattr(policy, "deserialize_properties", None)
    assert server.Remediate(proto.AnalyzeRequest(type="t"), None) == proto.RemediateResponse()


def test_it_learns_whether_this_is_a_preview():
    run = Run({})
    server, _ = seeing(run)
    server.ConfigureStack(proto.AnalyzerStackConfigureRequest(dry_run=True), None)
    assert run.preview is True
    server.ConfigureStack(proto.AnalyzerStackConfigureRequest(dry_run=False), None)
    assert run.preview is False


def test_policies_see_the_settings_of_this_project_and_no_secret_among_them():
    run = Run({})
    server, _ = seeing(run)
    given = {"mine:budget": "30", "mine:token": TOKEN, "aws:region": "us-east-1", "minestrone:budget": "1"}
    request = proto.AnalyzerStackConfigureRequest(project="mine", config=given, config_secret_keys=["mine:token"])
    server.ConfigureStack(request, None)
    assert run.config == {"budget": "30"}


@pytest.mark.parametrize(
    ("level", "reason", "refused"),
    [
        ("disabled", None, True),
        ("advisory", None, True),
        ("advisory", "  ", True),
        ("advisory", "It is known, and ends in May.", False),
        ("mandatory", None, False),
        ("remediate", None, False),
    ],
)
def test_a_weaker_level_needs_a_reason(level, reason, refused):
    given = {"monitor-is-strict": {"enforcementLevel": level, **({"reason": reason} if reason else {})}}
    server = analyzer()
    if refused:
        with pytest.raises(Aborted, match="monitor-is-strict: weaker than the policy's own level") as raised:
            server.Configure(levels(given), Context())
        assert raised.value.args[0] is grpc.StatusCode.INVALID_ARGUMENT
    else:
        server.Configure(levels(given), Context())


def test_asking_for_the_reason_does_not_put_one_there():
    given = levels({"monitor-is-strict": {"enforcementLevel": "advisory", "failures": 3}}).policyConfig
    assert weakened_without_reason({"monitor-is-strict": "mandatory"}, given) == ["monitor-is-strict"]
    assert set(given["monitor-is-strict"].properties.fields) == {"failures"}


def test_all_that_are_weakened_without_a_reason_are_named_with_what_to_do():
    given = {name: {"enforcementLevel": "advisory"} for name in ("monitor-is-strict", "balancer-fails-over")}
    with pytest.raises(Aborted) as raised:
        analyzer().Configure(levels(given), Context())
    assert raised.value.args[1] == (
        "balancer-fails-over, monitor-is-strict: weaker than the policy's own level, and nobody will remember why; "
        "give the reason beside enforcementLevel in the stack's file in policies/"
    )


def test_disabling_an_advisory_policy_needs_a_reason_too():
    with pytest.raises(Aborted, match="zone-is-signed"):
        analyzer().Configure(levels({"zone-is-signed": {"enforcementLevel": "disabled"}}), Context())


def test_the_engine_is_told_of_thresholds_reasons_and_exceptions():
    found = {one.name: one for one in analyzer().GetAnalyzerInfo(None, None).policies}
    schema = found["monitor-is-strict"].configSchema.properties
    assert json.loads(json.dumps(dict(schema["failures"])))["default"] == 2
    for one in found.values():
        assert {"reason", "exceptions"} <= set(one.configSchema.properties.fields)
