from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.lasting import LASTING
from tools.deploy import plan_guard
from tools.deploy.errors import Refused
from tools.deploy.plan import Step, token
from tools.deploy.plan_guard import dangers, origins, require_meant

BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
PUBLISH = "publisher:index:Publish"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
VERSIONED = "azure-native:web/v20240401:StaticSite"
SOME = {"x": 1}


def step(op, kind=RECORD, name="one", old=None, new=None, changed=()):
    before = {"create": {}, "create-replacement": {}}.get(op, SOME) if old is None else old
    after = {"delete": {}, "delete-replaced": {}}.get(op, SOME) if new is None else new
    return Step(op, f"urn:pulumi:s::p::{kind}::{name}", kind, before, after, changed)


def publishing(*ops, kind=PUBLISH):
    return [step(op, kind, f"{number}-publish") for number, op in enumerate(ops)]


#: Name of the case → plan that stops, and words of the reason.
STOPPED = {
    **{f"{kind} is deleted": ([step("delete", kind), step("same")], "would be deleted") for kind in LASTING},
    **{f"{kind} is replaced": ([step("replace", kind, changed=("name",))], "its name and address") for kind in LASTING},
    "one platform is left of two": (
        [*publishing("same", "delete"), step("same")],
        "1 platform would be left of 2 to serve the site",
    ),
    "one is left of six": ([*publishing(*["delete"] * 5, "update"), step("same")], "1 platform would be left of 6"),
    "a site is deleted under the name with its API's version": (
        [step("delete", VERSIONED), step("same")],
        "be deleted",
    ),
    "one pool is left of two": (
        [*publishing("same", "delete", kind=POOL), step("update", BALANCER)],
        "1 platform would be left of 2 behind the load balancer, so there is none to fail over to",
    ),
    "no pool is left": (
        [*publishing("delete", "delete", "delete", kind=POOL), step("same", BALANCER)],
        "no platform would be left of 3 behind the load balancer",
    ),
    "no platform is left": ([*publishing("delete", "delete"), step("same")], "no platform would be left of 2"),
    "everything goes": ([step("delete"), step("delete", name="two"), step("delete", "pulumi:providers:aws")], "all 2 "),
}
#: Name of the case → plan that passes.
PASSED = {
    "nothing changes": [step("same"), step("same", BALANCER)],
    "a first deployment": [step("create", kind, kind) for kind in LASTING] + publishing("create", "create"),
    "a first deployment to one platform": publishing("create"),
    "a balancer is updated": [step("update", BALANCER)],
    "a record is replaced": [step("replace"), step("create-replacement"), step("delete-replaced")],
    "three platforms of which two stay": [*publishing("same", "update", "delete"), step("same")],
    "a stack of one platform stays one": publishing("same"),
    "two platforms become others": [*publishing("same", "same", "delete", "create"), step("same")],
    "pools go with a load balancer that is not there": [*publishing("delete", "delete", kind=POOL), step("same")],
    "three pools of which two stay": [*publishing("same", "update", "delete", kind=POOL), step("same", BALANCER)],
    "nothing at all": [],
}


@pytest.mark.parametrize("case", STOPPED)
def test_what_is_hard_to_undo_stops_with_its_own_reason(case):
    plan, words = STOPPED[case]
    with pytest.raises(Refused) as caught:
        require_meant(plan, ())
    assert words in str(caught.value)
    assert "nothing was changed" in str(caught.value)
    assert f"ALLOW={token(plan)}" in str(caught.value)


@pytest.mark.parametrize("case", PASSED)
def test_what_can_be_undone_passes(case):
    require_meant(PASSED[case], ())
    assert list(dangers(PASSED[case])) == []


def test_all_reasons_are_told_at_once():
    plan = [step("delete", BALANCER, "balancer"), step("replace", LASTING[0], "content", changed=("bucket",))]
    with pytest.raises(Refused) as caught:
        require_meant([*plan, *publishing("same", "delete")], ())
    assert str(caught.value).count("\n  - ") == 3
    assert f"content ({LASTING[0]}) would be replaced, and its name and address with it (bucket changes)" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("given", "stale"),
    [
        ((), ""),
        (("r" + "0" * 16,), ""),
        (("r" + "0" * 16, "p" + "0" * 16), "\nThe token that was given is another plan's."),
    ],
)
def test_a_refusal_says_what_why_and_what_to_do_word_by_word(given, stale):
    zone, lasting = "cloudflare:index/zone:Zone", LASTING[0]
    plan = [
        step("replace", zone, "c"),
        step("replace", lasting, "b", changed=("bucket", "region")),
        step("delete", lasting, "a", changed=("bucket",)),
    ]
    with pytest.raises(Refused) as caught:
        require_meant(plan, given)
    assert str(caught.value) == (
        "this run would do what is hard to undo; nothing was changed:\n"
        f"  - a ({lasting}) would be deleted\n"
        f"  - b ({lasting}) would be replaced, and its name and address with it (bucket, region changes)\n"
        f"  - c ({zone}) would be replaced, and its name and address with it{stale}\n"
        f"If all of it is meant, run the same again with ALLOW={token(plan)}, which is good for this very plan only."
    )


def test_the_token_of_a_plan_lets_that_plan_through_and_no_other():
    plan = [step("delete", BALANCER)]
    other = [*plan, step("delete", LASTING[1], "two")]
    require_meant(plan, [token(plan)])
    require_meant(plan, ["r" + "0" * 16, token(plan)])
    with pytest.raises(Refused, match="The token that was given is another plan's"):
        require_meant(other, [token(plan)])


def test_a_replaced_platform_counts_as_one_that_stays():
    replaced = [step(op, PUBLISH, "a-publish") for op in ("create-replacement", "replace", "delete-replaced")]
    assert origins([*replaced, *publishing("same")], PUBLISH) == (2, 2)


@pytest.mark.parametrize("given", ["yes", "p123", "p0123456789ABCDEF", "x" * 17, "p" + "0" * 16 + " r"])
def test_what_is_no_token_is_refused(given):
    with pytest.raises(Refused, match="is no token"):
        plan_guard.allowed({"PEACEFULROBOT_ALLOW": given})


def test_tokens_stand_with_commas_between_them():
    both = f"p{'0' * 16}, r{'1' * 16},"
    assert plan_guard.allowed({"PEACEFULROBOT_ALLOW": both}) == (f"p{'0' * 16}", f"r{'1' * 16}")
    assert plan_guard.allowed({}) == ()


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5)
plans = st.lists(
    st.builds(
        Step,
        op=st.sampled_from(["same", "create", "update", "delete", "replace", "create-replacement", "delete-replaced"]),
        urn=st.text(min_size=1),
        kind=st.sampled_from([*LASTING, VERSIONED, PUBLISH, POOL, RECORD]),
        old=st.dictionaries(st.text(), values, max_size=2),
        new=st.dictionaries(st.text(), values, max_size=2),
    ),
    max_size=8,
)


@given(plans)
def test_no_plan_that_loses_something_lasting_passes(plan):
    lost = any(one.kind in {*LASTING, VERSIONED} and one.op in {"delete", "replace"} for one in plan)
    assert not lost or list(dangers(plan))
    require_meant(plan, [token(plan)])


@given(plans, st.randoms())
def test_a_token_does_not_depend_on_the_order_nor_on_what_stays_the_same(plan, random):
    shuffled = [one for one in plan if one.op != "same"]
    random.shuffle(shuffled)
    assert token(shuffled) == token(plan)


@given(plans, plans)
def test_different_plans_have_different_tokens(one, other):
    def told(plan):
        shown = [
            (step.urn, step.op, json.dumps([step.new, step.old], sort_keys=True)) for step in plan if step.op != "same"
        ]
        return sorted(shown)

    assert (token(one) == token(other)) == (told(one) == told(other))
