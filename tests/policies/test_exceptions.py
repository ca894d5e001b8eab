from __future__ import annotations

import pytest

from policies.exceptions import EXEMPTIONS, Exemption
from tests.policies.cases import buckets, distributions, edge, with_
from tests.policies.judging import judged

WRONG = with_(edge.CHECK, allowInsecure=True)
REASON = "The certificate is renewed tomorrow."


@pytest.mark.parametrize(
    ("resource", "excepted"),
    [
        ("cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor::it", True),
        ("*::it", True),
        ("*LoadBalancerMonitor::*", True),
        ("*::other", False),
        ("it", False),
        ("*BucketPolicy::it", False),
    ],
)
def test_a_stack_excepts_the_resources_that_it_names(resource, excepted):
    verdict = judged(edge.MONITORS, WRONG, exceptions=[{"resource": resource, "reason": REASON}])
    assert (verdict.findings == []) is excepted
    assert verdict.not_judged == (REASON if excepted else "")


def test_of_a_whole_stack_only_the_named_resource_is_excepted():
    first, second = with_(buckets.BUCKET), with_(buckets.BUCKET)
    second.name = "second"
    given = [{"resource": "*::content", "reason": REASON}]
    assert judged(buckets.UPLOADS, first, second).about == ["content", "second"]
    assert judged(buckets.UPLOADS, first, second, exceptions=given).about == ["second"]


def test_an_exemption_is_about_one_policy():
    found = Exemption("one", "*", REASON)
    assert found.covers("one", "urn:pulumi:s::p::a:b:C$d:e:F::name")
    assert not found.covers("two", "urn:pulumi:s::p::a:b:C$d:e:F::name")


def of_our_host(given):
    made = with_(given)
    made.parents = "peacefulrobot:hosts:AwsHost$"
    return made


def test_the_programs_own_deviations_are_not_judged_and_say_why():
    reasons = {one.policy: one.reason for one in EXEMPTIONS}
    wrong = with_(distributions.SITE, loggingConfig=None)
    assert judged(distributions.LOGS, wrong).findings != []
    assert judged(distributions.LOGS, of_our_host(wrong)).not_judged == reasons["distribution-logs"]
    assert judged(buckets.VERSIONS, buckets.BUCKET).findings != []
    assert judged(buckets.VERSIONS, of_our_host(buckets.BUCKET)).findings == []


def test_other_policies_judge_what_one_does_not():
    plain = {"viewerProtocolPolicy": "allow-all"}
    wrong = of_our_host(with_(distributions.SITE, defaultCacheBehavior=plain))
    assert judged(distributions.HTTPS, wrong).findings != []
    assert judged(buckets.UPLOADS, of_our_host(buckets.BUCKET)).findings != []


def test_types_of_parents_count():
    found = Exemption("one", "*a:b:C$d:e:F::*", REASON)
    assert found.covers("one", "urn:pulumi:s::p::a:b:C$d:e:F::name")
    assert found.covers("one", "urn:pulumi:s::p::x:y:Z$a:b:C$d:e:F::name")
    assert not found.covers("one", "urn:pulumi:s::p::d:e:F::name")


def test_a_name_may_hold_what_stands_between_the_parts_of_a_urn():
    found = Exemption("p", "t:i:T::a::b", "a reason")
    assert found.covers("p", "urn:pulumi:stack::project::t:i:T::a::b")
    assert not found.covers("p", "urn:pulumi:stack::project::t:i:T::b")
    assert not found.covers("p", "")
