"""Whatever a program declares, a policy says something about it or nothing; it never fails itself."""

from __future__ import annotations

import importlib.util
import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.policy import ResourcePolicy, StackPolicy
from policies.registry import POLICIES
from policies.type_tokens import kind_of
from tests.policies.judging import UNKNOWN, Declared, judged
from tests.policies.test_policies import FAILING, PASSING
from tests.policies.test_values import JSON

CASES = [*PASSING, *FAILING]
KINDS = sorted({one.kind for case in CASES for one in case.values[0].given})
KEYS = sorted({key for case in CASES for one in case.values[0].given for key in one.values})
PACKAGES = {
    "aws": "pulumi_aws",
    "cloudflare": "pulumi_cloudflare",
    "gcp": "pulumi_gcp",
    "azure-native": "pulumi_azure_native",
    "vercel": "pulumiverse_vercel",
    "gitlab": "pulumi_gitlab",
}
OTHER_TYPES = ("text", 7.0, True, None, [], ["text"], {}, {"a": 1}, [None], [[]], UNKNOWN, [UNKNOWN])
ANYTHING = st.recursive(
    JSON | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
RESOURCES = st.builds(
    Declared,
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6),
    st.just("it"),
    st.just({}),
    st.booleans(),
)


@settings(deadline=None)
@given(RESOURCES, st.booleans())
def test_no_policy_fails_on_any_values(resource, preview):
    for policy in POLICIES:
        if not isinstance(policy, ResourcePolicy) or policy.concerns(kind_of(resource.kind)):
            judged(policy, resource, preview=preview)


@settings(deadline=None)
@given(st.lists(RESOURCES, max_size=4), st.booleans())
def test_no_policy_of_the_whole_stack_fails_on_any_values(resources, preview):
    for number, one in enumerate(resources):
        one.name = f"n{number}"
        one.made_from = {key: [f"n{(number + 1) % len(resources)}"] for key in one.values}
    for policy in POLICIES:
        if isinstance(policy, StackPolicy):
            judged(policy, *resources, preview=preview)


@pytest.mark.parametrize(
    "policy", [policy for policy in POLICIES if isinstance(policy, ResourcePolicy)], ids=lambda policy: policy.name
)
def test_no_policy_fails_where_a_value_is_of_another_type(policy):
    for case in (case.values[0] for case in PASSING if case.values[0].policy is policy):
        for one in case.given:
            for key, value in product(one.values, OTHER_TYPES):
                changed = Declared(one.kind, {**one.values, key: value}, one.name, {}, one.protect, one.parents)
                judged(policy, changed, **case.config)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.split(":")[0] in PACKAGES and "other" not in kind])
def test_every_type_a_policy_guards_is_one_of_the_sdk(kind):
    package, module, name = kind_of(kind).split(":")
    folder = Path(importlib.util.find_spec(PACKAGES[package]).submodule_search_locations[0])
    if package == "azure-native":
        file = folder / module / f"{snake(name)}.py"
    else:
        file = folder / module.replace("index/", "").split("/")[0] / f"{snake(name)}.py"
        file = file if file.exists() else folder / f"{snake(name)}.py"
    assert f"'{kind_of(kind)}'" in file.read_text("utf-8")


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
