"""Every policy on what it passes, what it finds and what it cannot know yet."""

from __future__ import annotations

from importlib import import_module

import pytest

from policies.policy import StackPolicy
from policies.registry import GUARDED, POLICIES
from tests.policies import findings
from tests.policies.cases import every
from tests.policies.judging import UNKNOWN, judged


def parameters(name):
    return [pytest.param(case, id=f"{case.policy.name}-{number}") for number, case in enumerate(every(name))]


def names(parameters):
    return {parameter.values[0].policy.name for parameter in parameters}


PASSING, FAILING, UNKNOWN_YET = (parameters(name) for name in ("PASSING", "FAILING", "UNKNOWN_YET"))
#: Of policies that can tell although values are not known: they look at what is declared at all, how much of it, with
#: which options, made from what; or for a secret in whatever is known.
DESPITE_UNKNOWN = parameters("DESPITE_UNKNOWN")


@pytest.mark.parametrize("case", PASSING)
@pytest.mark.parametrize("preview", [True, False])
def test_what_is_right_passes(case, preview):
    verdict = judged(case.policy, *case.given, preview=preview, **case.config)
    assert (verdict.findings, verdict.not_judged) == ([], "")


@pytest.mark.parametrize("case", FAILING)
@pytest.mark.parametrize("preview", [True, False])
def test_what_is_wrong_is_found_and_nothing_else(case, preview):
    findings = judged(case.policy, *case.given, preview=preview, **case.config).findings
    assert len(findings) == len(case.says), findings
    for said, finding in zip(case.says, findings, strict=True):
        assert said in finding.splitlines()[0]
        assert case.policy.reason in finding
        assert case.policy.remedy in finding


def test_what_the_policies_say_is_as_it_is_written_down():
    """To write it anew, and read it in the difference: ``python -m tests.policies.findings``."""
    assert findings.told() == findings.FILE.read_text("utf-8")


@pytest.mark.parametrize("case", UNKNOWN_YET)
def test_what_is_not_known_waits_at_preview_and_does_not_pass_at_up(case):
    before = judged(case.policy, *case.given, preview=True, **case.config)
    assert before.findings == []
    assert before.not_judged.startswith(f"{case.says[0]} is known during up only")
    during = judged(case.policy, *case.given, preview=False, **case.config)
    assert len(during.findings) == 1
    assert f"{case.says[0]} is not known, so it cannot be judged" in during.findings[0]


@pytest.mark.parametrize("case", DESPITE_UNKNOWN)
@pytest.mark.parametrize("preview", [True, False])
def test_what_does_not_depend_on_the_unknown_is_told_at_once(case, preview):
    verdict = judged(case.policy, *case.given, preview=preview, **case.config)
    assert verdict.not_judged == ""
    assert len(verdict.findings) == len(case.says)
    for said, finding in zip(case.says, verdict.findings, strict=True):
        assert said in finding.splitlines()[0]


@pytest.mark.parametrize("case", [*UNKNOWN_YET, *DESPITE_UNKNOWN])
def test_a_case_of_the_unknown_has_something_unknown(case):
    given = repr([(one.values, one.made_from) for one in case.given])
    assert UNKNOWN in given or case.says == ("configuration of the stack",)


def test_every_policy_has_a_case_of_each_kind():
    everyone = {policy.name for policy in POLICIES}
    assert names(PASSING) == everyone
    assert names(FAILING) == everyone
    assert names(UNKNOWN_YET) | names(DESPITE_UNKNOWN) == everyone


def test_every_policy_says_what_why_and_what_to_do():
    for policy in POLICIES:
        for said in (policy.description, policy.reason, policy.remedy):
            assert said.endswith(".")
            assert len(said.split()) >= 4
        assert policy.origin


def test_names_are_unique_and_in_small_letters():
    found = [policy.name for policy in POLICIES]
    assert len(set(found)) == len(found)
    assert all(name.replace("-", "").isalpha() and name.islower() for name in found)


def test_every_constant_of_a_module_is_registered():
    modules = {policy.judge.__module__ for policy in POLICIES}
    declared = {
        value.name
        for module in modules
        for value in vars(import_module(module)).values()
        if type(value).__name__ in {"ResourcePolicy", "StackPolicy"}
    }
    assert declared == {policy.name for group in GUARDED.values() for policy in group}


#: Policy of the whole stack, words of its finding → names of resources that the finding may be about; "" is the stack.
ABOUT = {
    ("bucket-has-its-guards", "the bucket has no"): {"content"},
    ("bucket-keeps-versions", ""): {"content"},
    ("bucket-drops-unfinished-uploads", ""): {"content"},
    ("dns-record-leads-to-ours", "it leads to a host"): {"www"},
    ("zone-names-its-authorities", ""): {"edge", "it", "caa"},
    ("zone-is-signed", ""): {"edge", "it"},
    ("zone-has-its-settings", "the zone's setting"): {"balancer", "it"},
    ("balancer-falls-back-to-its-own", ""): {"balancer"},
    ("outage-tells-somebody", ""): {"balancer"},
    ("state-has-no-plain-secret", "in plain text"): {"it"},
    ("platform-is-behind-the-edge", "there is neither a load balancer nor a Worker"): {""},
    ("platform-is-behind-the-edge", "no pool of it has"): {"balancer"},
    ("platform-is-behind-the-edge", "is not checked by a monitor"): {"aws-pool"},
    ("platform-is-behind-the-edge", "is not the platform's own"): {"aws-pool"},
    ("platform-is-behind-the-edge", "the Worker is not told the host"): {"worker"},
    ("platform-is-behind-the-edge", "no route leads visitors to the Worker"): {"worker"},
    ("site-stands-on-two-clouds", ""): {""},
    ("platforms-show-one-release", ""): {""},
    ("platform-is-verified", ""): {"aws-publish"},
    ("stack-is-small", ""): {""},
    ("stack-keeps-its-budget", ""): {""},
}


@pytest.mark.parametrize("case", [found for found in FAILING if isinstance(found.values[0].policy, StackPolicy)])
def test_a_finding_of_the_whole_stack_names_the_resource_to_change(case):
    verdict = judged(case.policy, *case.given, **case.config)
    for finding, name in zip(verdict.findings, verdict.about, strict=True):
        (expected,) = [
            names
            for (policy, words), names in ABOUT.items()
            if policy == case.policy.name and words in finding.splitlines()[0]
        ]
        assert name in expected
