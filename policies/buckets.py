"""Policies for the buckets of AWS: nobody reads them but whom their policy names, and nothing is lost in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.documents import NotADocument, Statement, statements
from policies.policy import Finding, Resource, ResourcePolicy, Setting, Settings, Stack, StackPolicy, wanted
from policies.values import Unknown, at, entries, is_set, members, separately, text

BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
WEBSITES = (
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",
    "aws:s3/bucketWebsiteConfigurationV2:BucketWebsiteConfigurationV2",
)
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
ACLS = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
OBJECTS = ("aws:s3/bucketObject:BucketObject", "aws:s3/bucketObjectv2:BucketObjectv2")
VERSIONING = ("aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2")
LIFECYCLES = (
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
)
_BLOCKED = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
#: Keys that tie a service or a reader to one owner.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
_BINDING_KEYS = ("aws:SourceArn", "aws:SourceAccount", "aws:PrincipalOrgID", "aws:PrincipalAccount")


def _blocks_public_access(resource: Resource, _: Settings) -> Iterator[str]:
    yield from wanted(resource, _BLOCKED)


BUCKET_BLOCKS_PUBLIC_ACCESS = ResourcePolicy(
    name="bucket-blocks-public-access",
    description="A bucket's public access block has all four switches on.",
    reason="One forgotten switch lets an ACL or a policy open the bucket beside the distribution.",
    remedy="Set blockPublicAcls, blockPublicPolicy, ignorePublicAcls and restrictPublicBuckets to true.",
    origin="CKV_AWS_53, CKV_AWS_54, CKV_AWS_55, CKV_AWS_56",
    kinds=(ACCESS_BLOCK,),
    judge=_blocks_public_access,
    repair=lambda _: _BLOCKED,
)


def _has_its_guards(stack: Stack, _: Settings) -> Iterator[Finding]:
    guards = {"public access block": (ACCESS_BLOCK,), "ownership controls": (OWNERSHIP,), "policy": (BUCKET_POLICY,)}

    def judge(bucket: Resource) -> Iterator[Finding]:
        for what, kinds in guards.items():
            if not belonging(stack, bucket, *kinds):
                yield Finding(bucket, f"the bucket has no {what}")

    yield from separately(stack.of(*BUCKETS), judge)


def belonging(stack: Stack, bucket: Resource, *kinds: str) -> list[Resource]:
    """Resources of some types that are declared for a bucket: made from it, or naming it. Raises NotKnown."""
    made = [found for found in stack.of(*kinds) if found.made_from("bucket", bucket)]
    named = [found for found in stack.of(*kinds) if not found.sources.get("bucket")]
    name = at(bucket.values, "bucket")
    return made + [found for found in named if is_set(name) and at(found.values, "bucket") == name]


BUCKET_HAS_ITS_GUARDS = StackPolicy(
    name="bucket-has-its-guards",
    description="Every bucket has a public access block, ownership controls and a policy of its own.",
    reason="What is not declared is what the account's defaults say, today.",
    remedy="Declare BucketPublicAccessBlock, BucketOwnershipControls and BucketPolicy for the bucket.",
    origin="CKV2_AWS_6, AVD-AWS-0094",
    judge=_has_its_guards,
)


def _names_its_readers(resource: Resource, _: Settings) -> Iterator[str]:
    try:
        found = statements(at(resource.values, "policy"))
    except NotADocument as error:
        yield f"the policy {error}"
        return
    for number, statement in enumerate(found):
        if statement.allows and not any(statement.fixed(key, like=True) for key in _BINDING_KEYS):
            if statement.names_everybody():
                yield f"statement {number + 1} allows everybody"
            elif statement.of("service"):
                yield f"statement {number + 1} allows a service whoever has asked it"


BUCKET_POLICY_NAMES_ITS_READERS = ResourcePolicy(
    name="bucket-policy-names-its-readers",
    description="A bucket's policy allows nobody but named readers, and a service only for the named distribution.",
    reason="Through `*` anybody reads around the edge; through an unbound service, any account's distribution does.",
    remedy="Name the principal, and bind services by StringEquals on AWS:SourceArn to the distribution.",
    origin="CKV_AWS_70, AVD-AWS-0086",
    kinds=(BUCKET_POLICY,),
    judge=_names_its_readers,
)


def _refuses_plain_http(resource: Resource, _: Settings) -> Iterator[str]:
    try:
        found = statements(at(resource.values, "policy"))
    except NotADocument:
        found = []
    if not any(map(_denies_plain_http, found)):
        yield "no statement denies everything to everybody when aws:SecureTransport is false"


def _denies_plain_http(statement: Statement) -> bool:
    """Deny, for everybody, of every action, on the bucket and its objects, under that one condition."""
    condition = statement.conditions == (("bool", "aws:securetransport", ("false",)),)
    everybody = statement.names_everybody() and not statement.excludes_principals
    everything = "*" in statement.actions or "s3:*" in statement.actions
    objects = any(name.endswith("*") for name in statement.resources)
    itself = any(not name.endswith("/*") for name in statement.resources)
    return not statement.allows and everybody and everything and objects and itself and condition


BUCKET_POLICY_REFUSES_PLAIN_HTTP = ResourcePolicy(
    name="bucket-policy-refuses-plain-http",
    description="A bucket's policy denies every request without TLS.",
    reason="A client that forgets TLS sends its signature, and reads the content, in the open.",
    remedy='Add Deny, Principal "*", Action "s3:*", both resources, Bool aws:SecureTransport "false".',
    origin="CKV_AWS_379",
    kinds=(BUCKET_POLICY,),
    judge=_refuses_plain_http,
)


def _is_no_website(resource: Resource, _: Settings) -> Iterator[str]:
    if resource.kind in WEBSITES:
        yield "a website endpoint is declared"
    elif isinstance(website := at(resource.values, "website"), Unknown) or is_set(website):
        yield "the bucket has a website endpoint"


BUCKET_IS_NO_WEBSITE = ResourcePolicy(
    name="bucket-is-no-website",
    description="No bucket is a website endpoint.",
    reason="Such an endpoint speaks plain HTTP only, and needs a public bucket.",
    remedy="Serve the bucket by a distribution with origin access control, and remove the website configuration.",
    origin="design",
    kinds=(*WEBSITES, *BUCKETS),
    judge=_is_no_website,
)


def _has_no_acls(resource: Resource, _: Settings) -> Iterator[str]:
    values = resource.values
    if resource.kind == OWNERSHIP:
        if at(values, "rule", "objectOwnership") != "BucketOwnerEnforced":
            yield "rule.objectOwnership is not BucketOwnerEnforced"
    elif resource.kind in ACLS:
        yield "an ACL is declared"
    elif text(at(values, "acl")) not in ("", "private"):
        yield "acl is not private"


BUCKET_HAS_NO_ACLS = ResourcePolicy(
    name="bucket-has-no-acls",
    description="Objects belong to the bucket's owner, and no ACL opens a bucket or an object.",
    reason="An ACL opens single objects where no policy shows it.",
    remedy="Set objectOwnership to BucketOwnerEnforced, and remove acl, BucketAcl and grants.",
    origin="CKV2_AWS_65, CIS AWS 2.1",
    kinds=(OWNERSHIP, *ACLS, *BUCKETS, *OBJECTS),
    judge=_has_no_acls,
    repair=lambda resource: {"rule": {"objectOwnership": "BucketOwnerEnforced"}} if resource.kind == OWNERSHIP else {},
)


def _keeps_versions(stack: Stack, _: Settings) -> Iterator[Finding]:
    def judge(bucket: Resource) -> Iterator[Finding]:
        states = [at(one.values, "versioningConfiguration", "status") for one in belonging(stack, bucket, *VERSIONING)]
        if "Enabled" not in states:
            yield Finding(bucket, "versioning is not Enabled")
        elif not any(is_set(at(rule, "noncurrentVersionExpiration")) for rule in _rules(stack, bucket)):
            yield Finding(bucket, "no lifecycle rule ends old versions, so they are kept and paid for ever")

    yield from separately(stack.of(*BUCKETS), judge)


def _rules(stack: Stack, bucket: Resource) -> list[Any]:
    """Enabled lifecycle rules of a bucket."""
    found = [rule for one in belonging(stack, bucket, *LIFECYCLES) for rule in entries(at(one.values, "rules"))]
    return [rule for rule in found if at(rule, "status") == "Enabled"]


BUCKET_KEEPS_VERSIONS = StackPolicy(
    name="bucket-keeps-versions",
    description="A bucket keeps overwritten and deleted objects for a while.",
    reason="Without versions, a wrong delete cannot be taken back.",
    remedy="Declare BucketVersioning with status Enabled and a lifecycle rule with noncurrentVersionExpiration.",
    origin="CKV_AWS_21, CKV2_AWS_61",
    level="advisory",
    judge=_keeps_versions,
)


def _drops_unfinished_uploads(stack: Stack, settings: Settings) -> Iterator[Finding]:
    most = settings["days"]

    def judge(bucket: Resource) -> Iterator[Finding]:
        days = [
            at(rule, "abortIncompleteMultipartUpload", "daysAfterInitiation")
            for rule in _rules(stack, bucket)
            if _is_for_all(rule)
        ]
        if not any(isinstance(found, int | float) and 0 < found <= most for found in days):
            yield Finding(bucket, f"no lifecycle rule for all objects ends unfinished uploads within {most} days")

    yield from separately(stack.of(*BUCKETS), judge)


def _is_for_all(rule: Mapping[str, Any]) -> bool:
    return not is_set(at(rule, "prefix")) and not any(map(is_set, members(at(rule, "filter")).values()))


BUCKET_DROPS_UNFINISHED_UPLOADS = StackPolicy(
    name="bucket-drops-unfinished-uploads",
    description="A bucket drops the parts of uploads that were never finished.",
    reason="Parts of a killed upload are invisible and paid for until somebody ends the upload.",
    remedy="Declare a lifecycle rule for all objects with abortIncompleteMultipartUpload.daysAfterInitiation.",
    origin="CKV_AWS_300",
    settings={"days": Setting(7, "days after which an unfinished upload must have ended")},
    judge=_drops_unfinished_uploads,
)
