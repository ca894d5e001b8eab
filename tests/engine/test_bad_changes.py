"""One program that breaks every policy: the real engine and the real pack tell all of it, and nothing is applied.

Its resources are the ones that each policy is tried on without the engine; the providers take whatever they are given,
so that nothing but the policies stands in the way.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict

import pytest

from policies.policy import ResourcePolicy, StackPolicy
from policies.registry import POLICIES
from tests.engine.anything import providers
from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tests.policies.judging import UNKNOWN, declared
from tests.policies.test_policies import FAILING
from tests.policies.test_program import BAD_CHANGES
from tests.tools.conftest import PROJECT
from tools.bench.checkout import checkout, configure, judge

PROGRAM = '''"""Declares what the test says."""
import json
from pathlib import Path
import pulumi

made = {}
for one in json.loads(Path("declared.json").read_text()):
    values = one["values"] | {key: [made[name].id for name in names] for key, names in one["made_from"].items()}
    options = pulumi.ResourceOptions(protect=one["protect"])
    made[one["name"]] = pulumi.CustomResource(one["kind"], one["name"], values, options)
'''
PUBLISH, RECORD = "publisher:index:Publish", "cloudflare:index/dnsRecord:DnsRecord"


def first_case(policy):
    """The first resource that a policy refuses, under the policy's name."""
    cases = [case for parameter in FAILING if (case := parameter.values[0]).policy is policy and not case.config]
    given = next(case.given[0] for case in cases if UNKNOWN not in repr(case.given))
    return {**asdict(given), "name": policy.name}


def refused_alone():
    """A resource for each policy of single resources."""
    return [first_case(policy) for policy in POLICIES if isinstance(policy, ResourcePolicy)]


#: Beside them: what only all resources together are refused for. That there are no CAA records, no versions, no DNSSEC,
#: that no platform is verified and that nobody is told is refused by itself.
REFUSED_TOGETHER = [
    declared(PUBLISH, name="one", platform="aws", release="r1111111111111111"),
    declared(PUBLISH, name="two", platform="vercel", release="r2222222222222222"),
    declared(
        "cloudflare:index/dnsRecord:DnsRecord", name="old", type="CNAME", content="gone.netlify.app", proxied=True
    ),
    declared("aws:s3/bucket:Bucket", name="open", bucket="open"),
]
#: Policy → words of its finding, for those that judge all resources together.
SAID_TOGETHER = {
    "platform-is-behind-the-edge": "no pool of it has aws",
    "site-stands-on-two-clouds": "aws, vercel: no 2 of them",
    "platforms-show-one-release": "aws, vercel are not given the same release",
    "platform-is-verified": "what aws serves is never asked",
    "stack-is-small": "resources; 20 are allowed",
    "stack-keeps-its-budget": "its budget is $20.00",
    "balancer-falls-back-to-its-own": "its pools are not of this stack",
    "zone-has-its-settings": "the zone's setting",
    "outage-tells-somebody": "nobody is told",
    "dns-record-leads-to-ours": "no resource of this stack holds",
    "zone-names-its-authorities": "no CAA record",
    "zone-is-signed": "DNSSEC is not declared",
    "bucket-has-its-guards": "no public access block",
    "bucket-keeps-versions": "versioning is not Enabled",
    "bucket-drops-unfinished-uploads": "no lifecycle rule",
    "state-has-no-plain-secret": "in plain text",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What ``make up`` says of that program, and what was applied of it."""
    folder = tmp_path_factory.mktemp("bad")
    root = checkout(ROOT, folder / "checkout")
    shutil.rmtree(root / "sandbox")
    shutil.copytree(PROJECT / "sandbox", root / "sandbox")
    (root / "__main__.py").write_text(PROGRAM)
    resources = [*refused_alone(), *map(asdict, REFUSED_TOGETHER)]
    (root / "declared.json").write_text(json.dumps(resources))
    configure(root, budget="20")
    for policy in POLICIES:
        judge(root, policy.name, enforcementLevel="mandatory")
    judge(root, "stack-is-small", resources=20)
    stack = new_stack(folder, root=root)
    with providers({one["kind"].split(":")[0] for one in resources}) as (attached, applied):
        environment = {"PULUMI_DEBUG_PROVIDERS": attached}
        stack.environment |= {"STAND_IN_ENVIRONMENT": json.dumps(environment), "PEACEFULROBOT_CHECKS": "off"}
        try:
            yield stack.refused("up"), applied, stack
        finally:
            stack.run("down", expect=None)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_up_is_stopped_by_every_policy_with_its_own_message(told, policy):
    said, _, _ = told
    about = f"{policy.name} ({policy.name}): " if isinstance(policy, ResourcePolicy) else f"{policy.name} ("
    (_, *found) = said.split(f"  - {about}")
    assert found, said
    assert policy.reason in " ".join(found[0].split("\n  - ")[0].split())
    assert policy.remedy in " ".join(found[0].split("\n  - ")[0].split())
    assert SAID_TOGETHER.get(policy.name, "") in " ".join(found)


def test_nothing_of_it_is_applied(told):
    said, applied, stack = told
    assert "the policies stop this run; nothing was changed" in said
    assert applied == []
    (path,) = stack.folder.glob("pulumi/.pulumi/stacks/*/sandbox.json")
    assert "resources" not in (json.loads(path.read_text())["checkpoint"]["latest"] or {})


def test_there_are_more_than_forty_bad_changes_one_for_each_policy_at_least():
    assert len(BAD_CHANGES) > 40
    assert {name.rstrip("*") for name, _, _ in BAD_CHANGES} >= {policy.name for policy in POLICIES} - {
        "stack-keeps-its-budget"
    }
    assert set(SAID_TOGETHER) == {policy.name for policy in POLICIES if isinstance(policy, StackPolicy)}
