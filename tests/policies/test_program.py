"""The stacks of this repository pass, and one bad change to them is found by the policy that guards against it."""

from __future__ import annotations

import copy
import json

import pytest

from platforms import FOUNDATIONS, PLATFORMS
from policies.exceptions import EXEMPTIONS
from policies.registry import POLICIES
from policies.values import at
from tests.policies.program import ROOT, Registered, asked, registered_by

FILES = {stack: ROOT / "policies" / f"config.{stack}.json" for stack in ("sandbox", "prod")}

OPS = "ops@peacefulrobot.com"


def file_of(stack):
    return FILES[stack] if FILES[stack].exists() else None


@pytest.mark.parametrize("stack", FILES)
@pytest.mark.parametrize("mode", ["load-balancer", "worker"])
@pytest.mark.parametrize("preview", [True, False])
async def test_the_stacks_of_this_repository_pass(stack, mode, preview, monkeypatch):
    found = await registered_by(stack, monkeypatch, edgeMode=mode)
    assert len(found) > 30
    assert bool([one for one in found if one.kind.endswith("WorkersScript")]) == (mode == "worker")
    stopping = [one for one in asked(found, file_of(stack), preview=preview) if one.level != "ADVISORY"]
    assert stopping == []


async def test_the_sandbox_has_no_hint_left_that_is_shown_at_every_run(monkeypatch):
    assert asked(await registered_by("sandbox", monkeypatch), file_of("sandbox")) == []


async def test_a_site_that_is_to_be_watched_has_no_hint_left(monkeypatch):
    found = await registered_by("prod", monkeypatch, alertEmail=OPS)
    assert [one for one in found if one.kind.endswith("NotificationPolicy")]
    assert asked(found, file_of("prod")) == []


async def test_without_anybody_to_tell_there_is_a_hint_that_does_not_stop(monkeypatch):
    (hint,) = asked(await registered_by("prod", monkeypatch), file_of("prod"))
    assert (hint.policy, hint.level) == ("outage-tells-somebody", "ADVISORY")
    assert "alertEmail" in hint.message


@pytest.mark.parametrize("left_out", EXEMPTIONS, ids=lambda one: one.policy)
async def test_every_exemption_is_needed(left_out, monkeypatch):
    found = await registered_by("prod", monkeypatch)
    monkeypatch.setattr("policies.exceptions.EXEMPTIONS", tuple(one for one in EXEMPTIONS if one is not left_out))
    assert left_out.policy in {one.policy for one in asked(found)}


def test_every_exemption_is_of_a_policy_and_gives_its_reason():
    assert {one.policy for one in EXEMPTIONS} <= {policy.name for policy in POLICIES}
    assert all(len(one.reason.split()) > 8 for one in EXEMPTIONS)


@pytest.mark.parametrize("file", sorted((ROOT / "policies").glob("config.*.json")), ids=lambda path: path.name)
def test_a_stacks_file_belongs_to_a_stack_and_gives_reasons(file):
    assert (ROOT / f"Pulumi.{file.name.split('.')[1]}.yaml").exists()
    given = json.loads(file.read_text("utf-8"))
    assert set(given) <= {policy.name for policy in POLICIES}
    assert all(len(config["reason"]) >= 20 for config in given.values())


def test_what_every_platform_stands_on_is_written_down_with_its_source():
    assert set(PLATFORMS) <= set(FOUNDATIONS)
    for providers, source in FOUNDATIONS.values():
        assert providers
        assert source.startswith("https://")


def change(kind, *path, to):
    """Set a value of the first resource whose type ends so; None takes it away."""

    def edit(resources):
        one = first(resources, kind)
        for values in (one.inputs, one.outputs):
            inner = at(values, *path[:-1])
            if isinstance(inner, dict):
                inner.pop(path[-1], None) if to is None else inner.__setitem__(path[-1], to)

    return edit


def setting(key, value):
    def edit(resources):
        one = next(found for found in resources if found.inputs.get("settingId") == key)
        one.inputs["value"] = one.outputs["value"] = value

    return edit


def in_list(kind, key, **values):
    """Change the one element of a list."""

    def edit(resources):
        for found in (first(resources, kind).inputs, first(resources, kind).outputs):
            found[key][0].update(values)

    return edit


def remove(kind, **values):
    return lambda resources: resources.remove(first(resources, kind, **values))


def add(kind, **values):
    """A resource beside those of the program."""

    def edit(resources):
        name = f"added-{len(resources)}"
        urn = f"urn:pulumi:prod::peacefulrobot-infra::{kind}::{name}"
        resources.append(Registered(kind, name, urn, values, values))

    return edit


def unprotect(kind):
    return lambda resources: setattr(first(resources, kind), "protect", False)


def rewire(kind, key, other):
    """Have a property be made from another resource."""

    def edit(resources):
        first(resources, kind).sources[key] = [first(resources, other).urn]

    return edit


def only(name):
    """Keep one platform's publication."""

    def edit(resources):
        resources[:] = [one for one in resources if one.inputs.get("platform", name) == name]

    return edit


def many(resources):
    for number in range(200):
        add("random:index/thing:Thing", number=number)(resources)


def first(resources, kind, **values):
    """The first resource whose type ends so, with these inputs."""
    return next(one for one in resources if one.kind.endswith(kind) and values.items() <= one.inputs.items())


OPEN_POLICY = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*"},
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": ["arn:aws:s3:::x", "arn:aws:s3:::x/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
    }
)
HTTP_POLICY = json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}}})
TRUST = json.dumps({"Statement": {"Effect": "Allow", "Principal": {"Federated": "arn"}, "Action": "sts:x"}})
WIDE = json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
TOKEN = "glpat-" + "x" * 20
HSTS = {"strict_transport_security": {"enabled": True, "max_age": 300}}
BUCKET = "aws:s3/bucket:Bucket"
#: Policy, what somebody does to the stack, and what they are told; a star lets others have a word too.
BAD_CHANGES = [
    ("platform-is-behind-the-edge*", rewire("LoadBalancer", "defaultPools", "LoadBalancerPool"), "no pool of it has"),
    ("platform-is-behind-the-edge", in_list("LoadBalancerPool", "origins", header={"hosts": ["www"]}), "Host header"),
    ("platform-is-behind-the-edge*", remove("loadBalancer:LoadBalancer"), "neither a load balancer nor a Worker"),
    ("site-stands-on-two-clouds", only("aws"), "aws: no 2 of them"),
    ("platforms-show-one-release", change("Publish", "release", to="r0000000000000000"), "not given the same release"),
    ("platform-is-verified*", remove("Verify"), "is never asked"),
    ("stack-is-small", many, "200 are allowed"),
    ("balancer-fails-over", change("LoadBalancer", "proxied", to=False), "proxied is not true"),
    ("balancer-fails-over", change("LoadBalancer", "defaultPools", to=["p"]), "fewer than 2 pools"),
    ("balancer-falls-back-to-its-own", rewire("LoadBalancer", "fallbackPool", "Monitor"), "none of defaultPools"),
    ("pool-is-checked*", change("LoadBalancerPool", "monitor", to=None), "monitor is not set"),
    ("monitor-is-strict", change("Monitor", "expectedBody", to="rd85f327da8f37c79"), "the id of a release"),
    ("monitor-is-strict", change("Monitor", "allowInsecure", to=True), "allowInsecure is not false"),
    ("zone-transport-is-strict", setting("min_tls_version", "1.0"), "min_tls_version is not 1.2 or 1.3"),
    ("zone-transport-is-strict", setting("ssl", "full"), "ssl is not strict"),
    ("zone-sends-hsts", setting("security_header", HSTS), "max_age is shorter"),
    ("zone-alters-no-bytes", setting("email_obfuscation", "on"), "email_obfuscation is not off"),
    ("zone-has-its-settings", remove("ZoneSetting", settingId="always_use_https"), "always_use_https is not declared"),
    ("outage-tells-somebody", remove("NotificationPolicy"), "nobody is told"),
    (
        "dns-record-leads-to-ours",
        add("cloudflare:index/dnsRecord:DnsRecord", type="CNAME", content="gone.netlify.app", proxied=True, name="old"),
        "no resource of this stack holds",
    ),
    ("dns-record-is-proxied", lambda resources: unproxy(resources), "proxied is not true"),
    ("zone-names-its-authorities", lambda resources: drop_authorities(resources), "no CAA record"),
    ("bucket-blocks-public-access", change("AccessBlock", "blockPublicPolicy", to=False), "blockPublicPolicy is not"),
    ("bucket-has-its-guards", remove("OwnershipControls"), "no ownership controls"),
    ("bucket-policy-names-its-readers", change("BucketPolicy", "policy", to=OPEN_POLICY), "allows everybody"),
    ("bucket-policy-refuses-plain-http", change("BucketPolicy", "policy", to=HTTP_POLICY), "no statement denies"),
    ("bucket-is-no-website", change(BUCKET, "website", to={"indexDocument": "index.html"}), "a website endpoint"),
    ("bucket-has-no-acls", change(BUCKET, "acl", to="public-read"), "acl is not private"),
    ("bucket-keeps-versions*", add(BUCKET, bucket="more"), "versioning is not Enabled"),
    ("bucket-drops-unfinished-uploads", remove("LifecycleConfiguration"), "no lifecycle rule"),
    ("storage-account-is-private*", add("azure-native:storage:StorageAccount"), "minimumTlsVersion is not"),
    ("container-is-private", add("azure-native:storage:BlobContainer", publicAccess="Blob"), "publicAccess"),
    ("google-bucket-is-private", add("gcp:storage/bucketIAMMember:BucketIAMMember", member="allUsers"), "everybody"),
    (
        "distribution-answers-https-only",
        change("Distribution", "defaultCacheBehavior", "viewerProtocolPolicy", to="allow-all"),
        "answers plain HTTP",
    ),
    (
        "distribution-refuses-old-tls*",
        add("aws:cloudfront/distribution:Distribution", viewerCertificate={"minimumProtocolVersion": "SSLv3"}),
        "older than TLS 1.2",
    ),
    (
        "distribution-signs-its-requests",
        in_list("Distribution", "origins", originAccessControlId=""),
        "no originAccessControlId",
    ),
    (
        "distribution-reaches-origins-by-https",
        in_list("Distribution", "origins", customOriginConfig={"originProtocolPolicy": "http-only"}),
        "is not https-only",
    ),
    (
        "distribution-sets-headers",
        change("Distribution", "defaultCacheBehavior", "responseHeadersPolicyId", to=None),
        "has no responseHeadersPolicyId",
    ),
    (
        "headers-policy-is-strict",
        change("HeadersPolicy", "securityHeadersConfig", "strictTransportSecurity", "accessControlMaxAgeSec", to=60),
        "Strict-Transport-Security is shorter",
    ),
    (
        "headers-policy-wins*",
        add(
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            securityHeadersConfig={"frameOptions": {"override": False}},
        ),
        "frameOptions.override is not true",
    ),
    (
        "distribution-shows-errors-as-errors",
        in_list("Distribution", "customErrorResponses", responseCode=200),
        "error 403 is shown as 200",
    ),
    ("distribution-logs*", add("aws:cloudfront/distribution:Distribution"), "loggingConfig is not set"),
    (
        "project-has-one-writer",
        add("vercel:index/project:Project", autoAssignCustomDomains=False, gitRepository={"repo": "a/b"}),
        "gitRepository is set",
    ),
    (
        "static-site-has-no-previews",
        add("azure-native:web:StaticSite", stagingEnvironmentPolicy="Enabled", allowConfigFileUpdates=True),
        "stagingEnvironmentPolicy is not Disabled",
    ),
    (
        "pages-are-https",
        add("gitlab:index/projectPagesSettings:ProjectPagesSettings", isUniqueDomainEnabled=True),
        "forceHttps is not true",
    ),
    ("no-long-lived-key", add("aws:iam/accessKey:AccessKey", user="publisher"), "a key that does not expire"),
    ("trust-is-tight", add("aws:iam/role:Role", assumeRolePolicy=TRUST), "does not bind the token's aud"),
    ("grant-is-limited", add("aws:iam/rolePolicy:RolePolicy", policy=WIDE), "a whole service on everything"),
    ("lasting-resource-is-protected", unprotect(BUCKET), "protect is not set"),
    ("no-plain-secret*", change("LoadBalancer", "description", to=f"key {TOKEN}"), "description holds a GitLab token"),
    ("state-has-no-plain-secret", lambda resources: show_in_state(resources), "adminUrl holds an address with"),
    ("zone-is-signed", lambda resources: zone_elsewhere(resources), "DNSSEC is not declared"),
]


def drop_authorities(resources):
    resources[:] = [one for one in resources if one.inputs.get("type") != "CAA"]


def unproxy(resources):
    first(resources, "DnsRecord", type="AAAA").inputs["proxied"] = False


def show_in_state(resources):
    first(resources, "NetlifySite").outputs["adminUrl"] = "https://someone:hunter2@app.example"


def zone_elsewhere(resources):
    for one in resources:
        one.urn = one.urn.replace("peacefulrobot:edge:Edge$", "")
        one.sources = {
            key: [urn.replace("peacefulrobot:edge:Edge$", "") for urn in urns] for key, urns in one.sources.items()
        }


def assert_stops(before, edit, policy, says):
    """Only ``policy`` finds something, unless it ends in a star, and it says so."""
    resources = copy.deepcopy(before)
    edit(resources)
    found = asked(resources, before=before)
    own = [one for one in found if one.policy == policy.rstrip("*")]
    assert any(says in one.message for one in own), found
    assert len(own) == len(found) or policy.endswith("*"), [one for one in found if one not in own]
    assert all(TOKEN not in one.message and "hunter2" not in one.message for one in found)


@pytest.mark.parametrize(("policy", "edit", "says"), BAD_CHANGES, ids=[found[0] for found in BAD_CHANGES])
async def test_a_bad_change_is_stopped_by_its_own_policy(policy, edit, says, monkeypatch):
    assert_stops(await registered_by("prod", monkeypatch, alertEmail=OPS), edit, policy, says)


def forget(platform):
    """Have the Worker's text name another host than a platform's."""

    def edit(resources):
        worker = first(resources, "WorkersScript")
        host = first(resources, "Verify", platform=platform).inputs["hostHeader"]
        assert host in worker.inputs["content"]
        for values in (worker.inputs, worker.outputs):
            values["content"] = values["content"].replace(host, "gone.example")

    return edit


def lead_elsewhere(resources):
    route = first(resources, "WorkersRoute")
    route.inputs["script"] = route.outputs["script"] = "old"
    route.sources.clear()


#: The same for a stack whose edge is a Worker.
BAD_CHANGES_OF_A_WORKER = [
    *(("platform-is-behind-the-edge", forget(name), f"not told the host of {name}") for name in PLATFORMS),
    ("platform-is-behind-the-edge", remove("WorkersRoute"), "no route leads visitors to the Worker"),
    ("platform-is-behind-the-edge", lambda resources: lead_elsewhere(resources), "no route leads visitors"),
    ("platform-is-behind-the-edge*", remove("WorkersScript"), "neither a load balancer nor a Worker"),
    ("lasting-resource-is-protected", unprotect("WorkersRoute"), "protect is not set"),
    ("dns-record-is-proxied", lambda resources: unproxy(resources), "proxied is not true"),
    ("zone-has-its-settings", remove("ZoneSetting", settingId="ssl"), "ssl is not declared"),
    ("zone-names-its-authorities", lambda resources: drop_authorities(resources), "no CAA record"),
    ("no-plain-secret*", change("WorkersScript", "content", to=f'const key = "{TOKEN}"'), "holds a GitLab token"),
]


@pytest.mark.parametrize(
    ("policy", "edit", "says"), BAD_CHANGES_OF_A_WORKER, ids=[found[0] for found in BAD_CHANGES_OF_A_WORKER]
)
async def test_a_bad_change_to_a_stack_with_a_worker_is_stopped_by_its_own_policy(policy, edit, says, monkeypatch):
    assert_stops(await registered_by("prod", monkeypatch, edgeMode="worker"), edit, policy, says)


def test_there_is_a_bad_change_for_every_policy():
    assert {found[0].rstrip("*") for found in BAD_CHANGES} == {policy.name for policy in POLICIES}
