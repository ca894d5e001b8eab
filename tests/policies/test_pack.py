from __future__ import annotations

import pulumi_policy

from policies import pack
from policies.policy import ResourcePolicy, StackPolicy
from policies.registry import POLICIES


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
