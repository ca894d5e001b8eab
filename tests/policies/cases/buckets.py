from __future__ import annotations

import json

from policies import buckets as guard
from policies.buckets import ACCESS_BLOCK, BUCKET_POLICY, BUCKETS, LIFECYCLES, OWNERSHIP, VERSIONING, WEBSITES
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, Declared, declared

BUCKET = declared(BUCKETS[0], name="content", bucket="content-1")
BLOCK = declared(
    ACCESS_BLOCK,
    name="block",
    bucket="content-1",
    blockPublicAcls=True,
    blockPublicPolicy=True,
    ignorePublicAcls=True,
    restrictPublicBuckets=True,
)
OWNED = declared(OWNERSHIP, name="owned", bucket="content-1", rule={"objectOwnership": "BucketOwnerEnforced"})
READ = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudfront.amazonaws.com"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::content-1/*",
    "Condition": {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/EDF"}},
}
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::content-1", "arn:aws:s3:::content-1/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def policy(*statements, **changed):
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return declared(BUCKET_POLICY, name="policy", **{"bucket": "content-1", "policy": json.dumps(document), **changed})


def read(**changed):
    return {key: value for key, value in {**READ, **changed}.items() if value is not None}


def tls_only(**changed):
    return {**TLS_ONLY, **changed}


def rule(**changed):
    return {
        "id": "unfinished",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1.0},
        **changed,
    }


def lifecycle(*rules, **changed):
    return declared(LIFECYCLES[0], name="lifecycle", **{"bucket": "content-1", "rules": list(rules), **changed})


def made_from_bucket(kind, name):
    """As at the preview of a first run: the bucket's name is not known, only where it comes from."""
    return Declared(kind, {"bucket": UNKNOWN}, name, {"bucket": ["content"]})


NEW_BUCKET = declared(BUCKETS[0], name="content")
VERSIONED = declared(VERSIONING[0], name="v", bucket="content-1", versioningConfiguration={"status": "Enabled"})
BLOCKS, GUARDS = guard.BUCKET_BLOCKS_PUBLIC_ACCESS, guard.BUCKET_HAS_ITS_GUARDS
READERS, TLS = guard.BUCKET_POLICY_NAMES_ITS_READERS, guard.BUCKET_POLICY_REFUSES_PLAIN_HTTP
WEBSITE, ACLS = guard.BUCKET_IS_NO_WEBSITE, guard.BUCKET_HAS_NO_ACLS
VERSIONS, UPLOADS = guard.BUCKET_KEEPS_VERSIONS, guard.BUCKET_DROPS_UNFINISHED_UPLOADS
ALL = [BLOCK, OWNED, policy(READ)]
SOURCE = {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/EDF"}

PASSING = [
    passes(BLOCKS, BLOCK),
    passes(GUARDS, BUCKET, BLOCK, OWNED, policy(READ)),
    passes(
        GUARDS,
        NEW_BUCKET,
        made_from_bucket(ACCESS_BLOCK, "block"),
        made_from_bucket(OWNERSHIP, "owned"),
        made_from_bucket(BUCKET_POLICY, "policy"),
    ),
    passes(READERS, policy(READ, TLS_ONLY)),
    passes(READERS, policy(read(Principal={"AWS": "arn:aws:iam::123456789012:role/reader"}, Condition=None))),
    passes(READERS, policy(read(Condition={"ArnLike": SOURCE}))),
    passes(READERS, policy(read(Principal="*", Condition={"StringEquals": {"aws:principalorgid": "o-1"}}))),
    passes(TLS, policy(READ, TLS_ONLY)),
    passes(TLS, policy(tls_only(Principal={"AWS": "*"}, Action="*", Resource="*"))),
    passes(TLS, policy(tls_only(Condition={"Bool": {"AWS:SecureTransport": False}}))),
    passes(WEBSITE, BUCKET),
    passes(ACLS, OWNED),
    passes(
        GUARDS, BUCKET, *(Declared(one.kind, {"bucket": UNKNOWN}, one.name, {"bucket": ["content"]}) for one in ALL)
    ),
    passes(ACLS, with_(BUCKET, acl="")),
    passes(ACLS, with_(BUCKET, acl="private")),
    passes(VERSIONS, BUCKET, VERSIONED, lifecycle(rule(noncurrentVersionExpiration={"noncurrentDays": 30}))),
    passes(UPLOADS, BUCKET, lifecycle(rule())),
    passes(UPLOADS, BUCKET, lifecycle(rule(filter=None), rule(status="Disabled"))),
    passes(UPLOADS, BUCKET, lifecycle(rule(abortIncompleteMultipartUpload={"daysAfterInitiation": 7.0}))),
    passes(UPLOADS, BUCKET, lifecycle(rule(abortIncompleteMultipartUpload={"daysAfterInitiation": 9.0})), days=9.0),
]
FAILING = [
    *(
        finds(BLOCKS, f"{key} is not true", with_(BLOCK, **{key: value}))
        for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        for value in (False, None)
    ),
    finds(GUARDS, "no public access block", BUCKET, OWNED, policy(READ)),
    finds(GUARDS, "no ownership controls", BUCKET, BLOCK, policy(READ)),
    finds(GUARDS, "no policy", BUCKET, with_(BLOCK), OWNED),
    finds(GUARDS, "no public access block", BUCKET, with_(BLOCK, bucket="another"), OWNED, policy(READ)),
    finds(READERS, "allows everybody", policy(read(Principal="*", Condition=None))),
    finds(READERS, "allows everybody", policy(read(Principal={"AWS": "*"}, Condition=None))),
    finds(READERS, "allows everybody", policy(read(Principal={"AWS": ["arn:aws:iam::1:root", "*"]}, Condition=None))),
    finds(READERS, "allows everybody", policy(read(Principal=None, NotPrincipal={"AWS": "x"}, Condition=None))),
    finds(READERS, "statement 2 allows everybody", policy(READ, read(Principal="*", Condition=None))),
    finds(READERS, "whoever has asked", policy(read(Condition=None))),
    finds(READERS, "whoever has asked", policy(read(Condition={"StringEqualsIfExists": SOURCE}))),
    finds(READERS, "whoever has asked", policy(read(Condition={"ForAllValues:StringEquals": SOURCE}))),
    finds(READERS, "whoever has asked", policy(read(Condition={"StringNotEquals": SOURCE}))),
    finds(READERS, "whoever has asked", policy(read(Condition={"StringEquals": {"AWS:SourceArn": []}}))),
    finds(
        READERS,
        "whoever has asked",
        policy(read(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/*"}})),
    ),
    finds(READERS, "whoever has asked", policy(read(Condition={"StringEquals": {"aws:Referer": "secret-word"}}))),
    finds(READERS, "is no JSON", policy(policy="{")),
    finds(READERS, "is no JSON object", policy(policy="[]")),
    finds(READERS, "has no statements", policy(policy="{}")),
    finds(READERS, "has no statements", policy(policy='{"Statement": [1]}')),
    finds(READERS, "neither allows nor denies", policy(policy='{"Statement": {"Effect": "Maybe"}}')),
    finds(READERS, "condition that is no object", policy(read(Condition={"StringEquals": "x"}))),
    finds(TLS, "no statement denies", policy(READ)),
    finds(TLS, "no statement denies", policy(tls_only(Effect="Allow"))),
    finds(TLS, "no statement denies", policy(tls_only(Action="s3:GetObject"))),
    finds(TLS, "no statement denies", policy(tls_only(Resource="arn:aws:s3:::content-1/*"))),
    finds(TLS, "no statement denies", policy(tls_only(Resource="arn:aws:s3:::content-1"))),
    finds(TLS, "no statement denies", policy(tls_only(Principal={"AWS": "arn:aws:iam::1:root"}))),
    finds(TLS, "no statement denies", policy(tls_only(Condition={"Bool": {"aws:SecureTransport": "true"}}))),
    finds(TLS, "no statement denies", policy(tls_only(Condition={**TLS_ONLY["Condition"], "StringEquals": SOURCE}))),
    finds(TLS, "no statement denies", policy(policy="{")),
    finds(WEBSITE, "a website endpoint", declared(WEBSITES[0], bucket="content-1")),
    finds(WEBSITE, "has a website endpoint", with_(BUCKET, website={"indexDocument": "index.html"})),
    finds(WEBSITE, "has a website endpoint", with_(BUCKET, website=UNKNOWN)),
    finds(ACLS, "is not BucketOwnerEnforced", with_(OWNED, rule={"objectOwnership": "ObjectWriter"})),
    finds(ACLS, "is not BucketOwnerEnforced", with_(OWNED, rule=None)),
    finds(ACLS, "acl is not private", with_(BUCKET, acl="public-read")),
    finds(ACLS, "acl is not private", declared("aws:s3/bucketObjectv2:BucketObjectv2", acl="public-read")),
    finds(ACLS, "an ACL is declared", declared("aws:s3/bucketAcl:BucketAcl", acl="private")),
    finds(VERSIONS, "versioning is not Enabled", BUCKET),
    finds(VERSIONS, "versioning is not Enabled", BUCKET, with_(VERSIONED, versioningConfiguration={"status": "Off"})),
    finds(VERSIONS, "kept and paid for", BUCKET, VERSIONED, lifecycle(rule())),
    finds(UPLOADS, "within 7 days", BUCKET),
    finds(UPLOADS, "within 7 days", BUCKET, lifecycle(rule(status="Disabled"))),
    finds(UPLOADS, "within 7 days", BUCKET, lifecycle(rule(filter={"prefix": "tmp/"}))),
    finds(UPLOADS, "within 7 days", BUCKET, lifecycle(rule(prefix="tmp/"))),
    finds(UPLOADS, "within 7 days", BUCKET, lifecycle(rule(abortIncompleteMultipartUpload=None))),
    finds(UPLOADS, "within 7 days", BUCKET, lifecycle(rule(abortIncompleteMultipartUpload={"daysAfterInitiation": 8}))),
    finds(UPLOADS, "within 7 days", BUCKET, lifecycle(rule(abortIncompleteMultipartUpload={"daysAfterInitiation": 0}))),
]
DESPITE_UNKNOWN = [
    passes(WEBSITE, with_(BUCKET, bucket=UNKNOWN)),
    finds(WEBSITE, "a website endpoint", with_(BUCKET, website=UNKNOWN)),
    finds(WEBSITE, "a website endpoint", declared(WEBSITES[0], bucket=UNKNOWN)),
]
UNKNOWN_YET = [
    cannot_know(BLOCKS, "blockPublicPolicy", with_(BLOCK, blockPublicPolicy=UNKNOWN)),
    cannot_know(GUARDS, "bucket", BUCKET, with_(BLOCK, bucket=UNKNOWN), OWNED, policy(READ)),
    cannot_know(READERS, "policy", policy(policy=UNKNOWN)),
    cannot_know(TLS, "policy", policy(policy=UNKNOWN)),
    cannot_know(ACLS, "rule.objectOwnership", with_(OWNED, rule={"objectOwnership": UNKNOWN})),
    cannot_know(ACLS, "acl", with_(BUCKET, acl=UNKNOWN)),
    cannot_know(
        VERSIONS,
        "versioningConfiguration.status",
        BUCKET,
        with_(VERSIONED, versioningConfiguration={"status": UNKNOWN}),
    ),
    cannot_know(UPLOADS, "rules", BUCKET, lifecycle(rules=UNKNOWN)),
    cannot_know(UPLOADS, "rules[0].status", BUCKET, lifecycle(rule(status=UNKNOWN))),
]
