from __future__ import annotations

import pulumi_policy
import pytest
from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import unknown_checking_proxy

from policies import pack
from policies.policy import ANY_KIND, Finding, ResourcePolicy, Setting, StackPolicy
from policies.protection import redacted
from policies.registry import POLICIES
from policies.values import NotKnown
from tests.policies.judging import declared


def test_the_engine_is_served_all_policies_with_their_own_levels_and_what_one_run_knows(monkeypatch):
    served = {}
    monkeypatch.setattr(pack, "lean_analyzer", lambda run: served.update(run=run))
    monkeypatch.setattr(pulumi_policy, "PolicyPack", lambda name, policies: served.update(name=name, policies=policies))
    monkeypatch.setattr(pack, "policies", lambda run: ("policies of", run))
    pack.serve()
    assert served["name"] == "peacefulrobot"
    assert served["run"].levels == {policy.name: policy.level for policy in POLICIES}
    assert served["policies"] == ("policies of", served["run"])


def test_policies_of_one_resource_and_of_the_whole_stack_are_given_as_what_they_are():
    kinds = {
        ResourcePolicy: pulumi_policy.ResourceValidationPolicy,
        StackPolicy: pulumi_policy.StackValidationPolicy,
    }
    made = pack.policies(pack.Run({}))
    assert [one.name for one in made] == [policy.name for policy in POLICIES]
    assert [type(one) for one in made] == [kinds[type(policy)] for policy in POLICIES]


WORDS = {"name": "shows-all", "description": "d.", "reason": "r.", "remedy": "m.", "origin": "o"}
URN = "urn:pulumi:stack::project::a:b/c:C::it"


def shown(resource):
    return f"{resource.kind} {resource.name} {resource.urn} {dict(resource.values)} {resource.protected}"


ALONE = ResourcePolicy(**WORDS, kinds=ANY_KIND, judge=lambda resource, _: [shown(resource)])
TOGETHER = StackPolicy(**WORDS, judge=lambda stack, _: [Finding(one, shown(one)) for one in stack.resources])


@pytest.mark.parametrize(("protect", "protected"), [(True, True), (False, False), (None, False)])
@pytest.mark.parametrize("policy", [ALONE, TOGETHER])
def test_a_policy_is_shown_type_name_urn_values_and_whether_it_is_protected(policy, protect, protected):
    said = []
    options = None if protect is None else declared("a:b/c:C", protect=protect).options()
    values = unknown_checking_proxy({"x": 1})
    if policy is ALONE:
        given = ResourceValidationArgs("a:b/c:C", values, URN, "it", options, None, {})
        made = pack.of_resource(policy, pack.Run({}))
    else:
        one = PolicyResource("a:b/c:C", values, URN, "it", options, None, None, [], {})
        given = StackValidationArgs([one], {})
        made = pack.of_stack(policy, pack.Run({}))
    made.validate(given, lambda message, *_: said.append(message.splitlines()[0]))
    assert said == [f"a:b/c:C it {URN} {{'x': 1}} {protected}."]


def not_known(*_):
    raise NotKnown("some.where")
    yield


@pytest.mark.parametrize(
    "policy", [ResourcePolicy(**WORDS, kinds=ANY_KIND, judge=not_known), StackPolicy(**WORDS, judge=not_known)]
)
def test_every_policy_of_the_pack_knows_whether_this_is_a_preview(policy, monkeypatch):
    monkeypatch.setattr(pack, "POLICIES", (policy,))
    values, options = unknown_checking_proxy({}), declared("t").options()
    given = (
        StackValidationArgs([], {})
        if isinstance(policy, StackPolicy)
        else ResourceValidationArgs("t", values, URN, "it", options, None, {})
    )
    (during,) = pack.policies(pack.Run({}))
    said = []
    during.validate(given, lambda message, *_: said.append(message))
    assert said[0].startswith("some.where is not known, so it cannot be judged.\n")
    (before,) = pack.policies(pack.Run({}, preview=True))
    with pytest.raises(_NotApplicableError) as raised:
        before.validate(given, said.append)
    assert raised.value.message == "some.where is known during up only, and judged then"


SETTINGS = {"many": Setting(2, "how many"), "which": Setting("this", "which one", "string")}


def test_the_engine_is_told_type_default_and_meaning_of_each_threshold():
    made = pack.of_resource(ResourcePolicy(**WORDS, kinds=ANY_KIND, settings=SETTINGS), pack.Run({}))
    properties = made.config_schema.properties
    assert properties["many"] == {"type": "integer", "default": 2, "description": "how many"}
    assert properties["which"] == {"type": "string", "default": "this", "description": "which one"}
    assert set(properties) == {"many", "which", "reason", "exceptions"}


def test_thresholds_of_a_stack_are_whole_numbers_or_texts_and_the_others_have_their_defaults():
    policy = StackPolicy(**WORDS, settings=SETTINGS)
    assert repr(policy.with_defaults({"many": 3.0, "which": "that"})) == "{'many': 3, 'which': 'that'}"
    assert repr(policy.with_defaults({"reason": "x"})) == "{'many': 2, 'which': 'this'}"


def test_only_a_policy_that_repairs_is_asked_to():
    repairing = ResourcePolicy(**WORDS, kinds=ANY_KIND, repair=lambda _: {})
    assert pack.of_resource(repairing, pack.Run({})).has_remediation()
    assert not pack.of_resource(ALONE, pack.Run({})).has_remediation()


def test_what_looks_like_a_secret_is_told_as_one():
    assert redacted(f"it is glpat-{'x' * 20}!") == "it is (secret)!"
