"""What policies replace at the level ``remediate``: what they find, and nothing else."""

from __future__ import annotations

import pytest
from pulumi_policy.deserialize import serialize_properties
from pulumi_policy.policy import _NotApplicableError

from policies.policy import ResourcePolicy
from policies.registry import POLICIES
from tests.policies.cases import edge, with_
from tests.policies.judging import UNKNOWN, judged, repaired
from tests.policies.test_policies import FAILING, PASSING, UNKNOWN_YET

REPAIRING = {policy.name for policy in POLICIES if isinstance(policy, ResourcePolicy) and policy.repair}
#: Findings that no input can take back, by part of their text.
BEYOND_REPAIR = (
    *("an ACL is declared", "acl is not private", "for everybody", "fewer than", "fallbackPool is not set"),
    *("expectedBody", "consecutiveDown", "allowConfigFileUpdates"),
)


def of(parameters):
    return [one for one in parameters if one.values[0].policy.name in REPAIRING]


@pytest.mark.parametrize("case", of(FAILING))
def test_after_a_repair_nothing_is_left_to_find_but_what_no_input_can_take_back(case):
    (given,) = case.given
    before = judged(case.policy, given, **case.config).findings
    changed = repaired(case.policy, given, **case.config)
    after = judged(case.policy, with_(given, **(changed or {})), **case.config).findings
    assert [one for one in after if not any(said in one for said in BEYOND_REPAIR)] == []
    assert set(after) <= set(before)


@pytest.mark.parametrize("case", of(FAILING))
def test_a_repair_keeps_the_other_inputs(case):
    (given,) = case.given
    changed = repaired(case.policy, given, **case.config)
    if changed is not None:
        assert set(given.values) <= set(changed)


@pytest.mark.parametrize("case", [*of(PASSING), *of(UNKNOWN_YET)])
def test_nothing_is_replaced_that_is_right_or_not_known(case):
    for given in case.given:
        assert repaired(case.policy, given, **case.config) is None


def test_a_repair_hands_back_what_it_does_not_know_as_it_was():
    given = with_(edge.BALANCED, proxied=False, name=UNKNOWN)
    changed = repaired(edge.FAILS_OVER, given)
    assert serialize_properties(changed) == {**given.values, "proxied": True, "enabled": True}


def test_resources_of_other_types_are_left_alone():
    given = with_(edge.BALANCED, proxied=False)
    given.kind = "random:index/thing:Thing"
    assert repaired(edge.FAILS_OVER, given) is None


def test_an_excepted_resource_is_not_repaired():
    wrong = with_(edge.BALANCED, proxied=False)
    given = [{"resource": "*::balancer", "reason": "It is taken down on the first of May."}]
    with pytest.raises(_NotApplicableError) as raised:
        repaired(edge.FAILS_OVER, wrong, exceptions=given)
    assert raised.value.reason == given[0]["reason"]
