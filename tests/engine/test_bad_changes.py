"""One program that breaks every policy, and one that loses whatever is lasting: the engine applies nothing of either.

The resources are those that each policy is tried on without the engine. The providers take whatever they are given, so
that nothing but the policies and the plan guard stands in the way.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from contextlib import contextmanager
from dataclasses import asdict

import grpc.aio
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from policies.lasting import LASTING
from policies.policy import ResourcePolicy, StackPolicy
from policies.registry import POLICIES
from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tests.policies.cases import every
from tests.policies.judging import UNKNOWN, declared
from tests.tools.conftest import PROJECT
from tools.bench.accepting_provider import Accepting
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
PUBLISH, POOL = "publisher:index:Publish", "cloudflare:index/loadBalancerPool:LoadBalancerPool"
BALANCER, RECORD = "cloudflare:index/loadBalancer:LoadBalancer", "cloudflare:index/dnsRecord:DnsRecord"
PACKAGES = {"aws", "azure-native", "cloudflare", "gcp", "gitlab", "publisher", "random", "vercel"}


def first_case(policy):
    """The first resource that a policy refuses by its own thresholds, under the policy's name."""
    cases = [case for case in every("FAILING") if case.policy is policy and not case.config]
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
    declared(RECORD, name="old", type="CNAME", content="gone.netlify.app", proxied=True),
    declared("aws:s3/bucket:Bucket", name="open", bucket="open"),
    declared("random:index/thing:Thing", name="shown", adminUrl="https://someone:hunter2@app.example"),
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
#: What a stack has that the plan guard watches over: whatever is lasting, two platforms, and two pools.
LOST = [
    *(declared(kind, name=f"lasting-{number}", protect=False, given="x") for number, kind in enumerate(LASTING)),
    *(
        declared(kind, name=f"{name}-{number}", protect=False, given="x")
        for number in (1, 2)
        for name, kind in (("publish", PUBLISH), ("pool", POOL))
    ),
]


class Recording(Accepting):
    """Answers as a provider that knows previews, and writes down what is applied."""

    def __init__(self):
        self.applied = []

    async def Configure(self, request, context):
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    async def Create(self, request, context):
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        self.applied.append(f"create {request.urn}")
        return await super().Create(request, context)

    async def Delete(self, request, context):
        self.applied.append(f"delete {request.urn}")
        return await super().Delete(request, context)


@contextmanager
def served(provider):
    """Its port, while it is served in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    async def start():
        server = grpc.aio.server()
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    server, port = run(start())
    try:
        yield port
    finally:
        run(server.stop(None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


class Declaring:
    """A checkout whose program declares what the test says, on providers that take it."""

    def __init__(self, folder, port, provider):
        self.provider = provider
        self.root = checkout(ROOT, folder / "checkout")
        shutil.rmtree(self.root / "sandbox")
        shutil.copytree(PROJECT / "sandbox", self.root / "sandbox")
        (self.root / "__main__.py").write_text(PROGRAM)
        self.stack = new_stack(folder, root=self.root)
        attached = {"PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name in sorted(PACKAGES))}
        self.stack.environment |= {"STAND_IN_ENVIRONMENT": json.dumps(attached), "PEACEFULROBOT_CHECKS": "off"}

    def declare(self, resources):
        (self.root / "declared.json").write_text(json.dumps(resources))

    def resources(self):
        """What the engine remembers."""
        latest = self.stack.state()["checkpoint"]["latest"] or {}
        return [one["urn"] for one in latest.get("resources", [])]


@pytest.fixture(scope="module")
def declaring(tmp_path_factory):
    provider = Recording()
    with served(provider) as port:
        made = Declaring(tmp_path_factory.mktemp("bad"), port, provider)
        try:
            yield made
        finally:
            made.stack.run("down", expect=None)


@pytest.fixture(scope="module")
def told(declaring):
    """What ``make up`` says of the program that breaks every policy."""
    declaring.declare([*refused_alone(), *map(asdict, REFUSED_TOGETHER)])
    configure(declaring.root, budget="20")
    for policy in POLICIES:
        judge(declaring.root, policy.name, enforcementLevel="mandatory")
    judge(declaring.root, "stack-is-small", resources=20)
    return declaring.stack.refused("up")


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_up_is_stopped_by_every_policy_with_its_own_message(told, policy):
    about = f"{policy.name} ({policy.name}): " if isinstance(policy, ResourcePolicy) else f"{policy.name} ("
    (_, *found) = told.split(f"  - {about}")
    assert found, told
    said = [" ".join(one.split("\n  - ")[0].split()) for one in found]
    assert all(policy.reason in one and policy.remedy in one for one in said)
    assert any(SAID_TOGETHER.get(policy.name, "") in one for one in said)


def test_nothing_of_it_is_applied_and_no_secret_is_told(told, declaring):
    assert "the policies stop this run; nothing was changed" in told
    assert declaring.provider.applied == []
    assert declaring.resources() == []
    assert "hunter2" not in told


@pytest.fixture(scope="module")
def lost(told, declaring):
    """What ``make up`` says when a stack shall lose whatever is lasting; the policies are not asked."""
    (declaring.root / "policies" / "PulumiPolicy.yaml").unlink()
    declaring.declare([*map(asdict, LOST), asdict(declared(RECORD, name="record"))])
    declaring.stack.run("up")
    declaring.before = declaring.resources()
    declaring.provider.applied.clear()
    balancer = LASTING.index(BALANCER)
    kept = [LOST[balancer], *LOST[-2:], declared(RECORD, name="record")]
    declaring.declare([asdict(one) for one in kept])
    return declaring.stack.refused("up")


@pytest.mark.parametrize("number", [number for number, kind in enumerate(LASTING) if kind != BALANCER])
def test_up_is_stopped_for_each_lasting_resource_that_would_be_lost(lost, number):
    assert f"  - lasting-{number} ({LASTING[number]}) would be deleted\n" in lost


def test_up_is_stopped_for_platforms_that_would_be_lost(lost):
    assert "  - 1 platform would be left of 2 to serve the site" in lost
    assert "  - 1 platform would be left of 2 behind the load balancer" in lost


def test_nothing_is_lost(lost, declaring):
    assert "hard to undo; nothing was changed" in lost
    assert declaring.provider.applied == []
    assert declaring.resources() == declaring.before
    assert len(declaring.before) > len(LOST)


def test_there_are_more_than_forty_bad_changes_one_for_each_policy_and_guard():
    together = {policy.name for policy in POLICIES if isinstance(policy, StackPolicy)}
    assert set(SAID_TOGETHER) == together
    assert {one["name"] for one in refused_alone()} == {policy.name for policy in POLICIES} - together
    assert len(POLICIES) + len(LASTING) - 1 + 2 > 40
