"""What the AWS provider would refuse, in the service's own words."""

from __future__ import annotations

import json

import pytest

from sandbox.provider.resource_type import UNKNOWN, Refused

BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
STORE = "aws:cloudfront/keyValueStore:KeyValueStore"
FUNCTION = "aws:cloudfront/function:Function"
HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
CODE = "function handler(event) { return event.request; }"
JS = {"code": CODE, "runtime": "cloudfront-js-2.0"}
NOSNIFF = {"securityHeadersConfig": {"contentTypeOptions": {"override": True}}}


def test_a_bucket_has_the_outputs_that_others_are_declared_with(cloud):
    identifier, outputs = cloud.declare(BUCKET)
    assert identifier == outputs["bucket"]
    assert outputs["arn"] == f"arn:aws:s3:::{identifier}"
    assert outputs["bucketRegionalDomainName"] == f"{identifier}.s3.us-east-1.amazonaws.com"
    assert cloud.types[BUCKET].computed <= outputs.keys()


@pytest.mark.parametrize("token", [STORE, FUNCTION, DISTRIBUTION])
def test_every_computed_output_is_there_and_the_version_changes_with_each_update(cloud, token):
    if token == DISTRIBUTION:
        site = cloud.site()
        identifier, outputs = site.identifier, site.distribution
    else:
        identifier, outputs = cloud.declare(token, **(JS if token == FUNCTION else {}))
    assert cloud.types[token].computed <= outputs.keys()
    again = cloud.update(token, identifier, comment="other")
    assert again["etag"] != outputs["etag"]
    same = ("arn", "domainName", "callerReference", "name")
    assert {key: again.get(key) for key in same} == {key: outputs.get(key) for key in same}


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Upper", "under_score", "-a-b", "a..b", "192.168.0.1", "xn--bucket"])
def test_bucket_names_follow_the_rules(cloud, name):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""
    assert cloud.types[BUCKET].check({"bucket": name})
    assert not cloud.types[BUCKET].check({"bucket": "www.example-1.org"})
    assert not cloud.types[BUCKET].check({"bucket": UNKNOWN})


WRONG_INPUTS = [
    (OWNERSHIP, {"bucket": "b", "rule": {"objectOwnership": "Nobody"}}, "rule"),
    (OWNERSHIP, {"bucket": "b"}, "rule"),
    (LIFECYCLE, {"bucket": "b", "rules": [{"id": "a", "status": "On"}]}, "rules"),
    (LIFECYCLE, {"bucket": "b", "rules": [{"id": "a", "status": "Enabled"}] * 2}, "rules"),
    (ACCESS, {"originAccessControlOriginType": "s4", "signingBehavior": "always", "signingProtocol": "sigv4"},
     "originAccessControlOriginType"),
    (FUNCTION, {"code": CODE, "runtime": "nodejs20.x"}, "runtime"),
    (FUNCTION, {"code": CODE}, "runtime"),
    (DISTRIBUTION, {"enabled": True}, "origins"),
    (DISTRIBUTION, {"priceClass": "PriceClass_7"}, "priceClass"),
    (DISTRIBUTION, {"httpVersion": "http9"}, "httpVersion"),
    (DISTRIBUTION, {"defaultCacheBehavior": {"viewerProtocolPolicy": "http"}}, "defaultCacheBehavior"),
    (DISTRIBUTION, {"defaultCacheBehavior": {"allowedMethods": ["GET"]}}, "defaultCacheBehavior"),
    (DISTRIBUTION, {"restrictions": {"geoRestriction": {"restrictionType": "all"}}}, "restrictions"),
]  # fmt: skip


@pytest.mark.parametrize(("token", "inputs", "named"), WRONG_INPUTS)
def test_a_wrong_input_is_named_at_check(cloud, token, inputs, named):
    assert named in {name for name, _ in cloud.types[token].check(inputs)}


def test_names_are_unique(cloud):
    options = {"originAccessControlOriginType": "s3", "signingBehavior": "always", "signingProtocol": "sigv4"}
    cases = [
        (BUCKET, "bucket", {}, "BucketAlreadyExists"),
        (STORE, "name", {}, "EntityAlreadyExists"),
        (FUNCTION, "name", JS, "FunctionAlreadyExists"),
        (ACCESS, "name", options, "OriginAccessControlAlreadyExists"),
        (HEADERS, "name", NOSNIFF, "ResponseHeadersPolicyAlreadyExists"),
    ]
    for token, key, inputs, code in cases:
        cloud.declare(token, **{key: "only-once"}, **inputs)
        with pytest.raises(Refused, match=code):
            cloud.declare(token, **{key: "only-once"}, **inputs)


@pytest.mark.parametrize("token", [POLICY, BLOCK])
def test_a_part_of_a_bucket_needs_the_bucket(cloud, token):
    with pytest.raises(Refused, match="NoSuchBucket"):
        cloud.declare(token, bucket="never-declared", policy="{}")


ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::BUCKET/*"}


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("{", "MalformedPolicy"),
        ("[]", "MalformedPolicy"),
        (json.dumps({"Statement": [{"Effect": "Allow"}]}), "MalformedPolicy"),
        (json.dumps({"Statement": [{**ALLOW, "Effect": "Perhaps"}]}), "MalformedPolicy"),
        (json.dumps({"Statement": [{**ALLOW, "Resource": "arn:aws:s3:::other/*"}]}), "invalid resource"),
        (json.dumps({"Statement": [ALLOW]}), "BlockPublicPolicy"),
    ],
)
def test_a_policy_must_be_one_of_this_bucket_and_not_public(cloud, bucket, policy, code):
    cloud.declare(BLOCK, bucket=bucket, blockPublicPolicy=True)
    with pytest.raises(Refused, match=code):
        cloud.declare(POLICY, bucket=bucket, policy=policy.replace("BUCKET", bucket))


def test_a_bucket_with_objects_goes_only_by_force(cloud):
    for force in (False, True):
        bucket = cloud.bucket(forceDestroy=force)
        cloud.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
        if force:
            cloud.delete(BUCKET, bucket)
            assert cloud.objects.empty(bucket)
        else:
            with pytest.raises(Refused, match="BucketNotEmpty"):
                cloud.delete(BUCKET, bucket)


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"code": "x" * 10_241}, "FunctionSizeLimitExceeded"),
        ({"code": ""}, "FunctionSizeLimitExceeded"),
        ({"name": "with space"}, "InvalidArgument"),
        ({"keyValueStoreAssociations": ["arn:aws:cloudfront::123456789012:key-value-store/none"]}, "EntityNotFound"),
    ],
)
def test_functions_beyond_the_limits_are_refused(cloud, inputs, code):
    with pytest.raises(Refused, match=code):
        cloud.declare(FUNCTION, **{**JS, **inputs})


def test_a_store_needs_the_newer_runtime(cloud):
    _, store = cloud.declare(STORE)
    with pytest.raises(Refused, match="InvalidArgument"):
        cloud.declare(FUNCTION, code=CODE, runtime="cloudfront-js-1.0", keyValueStoreAssociations=[store["arn"]])


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({}, "at least one"),
        ({"customHeadersConfig": {"items": [{"header": "X-Frame-Options", "value": "DENY", "override": True}]}},
         "securityHeadersConfig"),
    ],
)  # fmt: skip
def test_headers_policies_that_cannot_be_are_refused(cloud, config, code):
    with pytest.raises(Refused, match=code):
        cloud.declare(HEADERS, **config)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"origin": {"domainName": "never-declared.s3.us-east-1.amazonaws.com"}}, "InvalidOrigin"),
        ({"origin": {"domainName": "www.example.com"}}, "InvalidOrigin"),
        ({"origin": {"originAccessControlId": "E0"}}, "NoSuchOriginAccessControl"),
        ({"origin": {"originId": "other"}}, "NoSuchOrigin"),
        ({"defaultCacheBehavior": {"cachePolicyId": "other"}}, "NoSuchCachePolicy"),
        ({"defaultCacheBehavior": {"cachePolicyId": None}}, "ForwardedValues"),
        ({"defaultCacheBehavior": {"responseHeadersPolicyId": "other"}}, "NoSuchResponseHeadersPolicy"),
        ({"defaultCacheBehavior": {"functionAssociations": [{"eventType": "viewer-request", "functionArn": "x"}]}},
         "InvalidFunctionAssociation"),
        ({"aliases": ["www.example.com"]}, "InvalidViewerCertificate"),
        ({"customErrorResponses": [{"errorCode": 404, "responseCode": 200}]}, "InvalidErrorCode"),
        ({"customErrorResponses": [{"errorCode": 200}]}, "InvalidErrorCode"),
    ],
)  # fmt: skip
def test_a_distribution_refers_only_to_what_is_there(cloud, changed, code):
    with pytest.raises(Refused, match=code):
        cloud.site(**changed)


def test_a_function_that_is_not_published_cannot_be_associated(cloud):
    _, function = cloud.declare(FUNCTION, **JS, publish=False)
    assert function["status"] == "UNPUBLISHED"
    associated = [{"eventType": "viewer-request", "functionArn": function["arn"]}]
    with pytest.raises(Refused, match="InvalidFunctionAssociation"):
        cloud.site(defaultCacheBehavior={"functionAssociations": associated})


def test_an_alias_belongs_to_one_distribution(cloud):
    certificate = {"acmCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x"}
    cloud.site(aliases=["one.example.com"], viewerCertificate=certificate)
    with pytest.raises(Refused, match="CNAMEAlreadyExists"):
        cloud.site(aliases=["one.example.com"], viewerCertificate=certificate)


def test_what_is_in_use_stays(cloud):
    headers, _ = cloud.declare(HEADERS, **NOSNIFF)
    site = cloud.site(CODE, defaultCacheBehavior={"responseHeadersPolicyId": headers})
    access = site.distribution["origins"][0]["originAccessControlId"]
    arn = site.distribution["defaultCacheBehavior"]["functionAssociations"][0]["functionArn"]
    function = arn.rsplit("/", 1)[1]
    store = next(name for name, found in cloud.store.all(STORE).items() if found["arn"] == site.store)
    used = [(HEADERS, headers, "ResponseHeadersPolicyInUse"), (ACCESS, access, "OriginAccessControlInUse"),
            (FUNCTION, function, "FunctionInUse"), (STORE, store, "CannotDeleteEntityWhileInUse")]  # fmt: skip
    for token, identifier, code in used:
        with pytest.raises(Refused, match=code):
            cloud.delete(token, identifier)
    cloud.delete(DISTRIBUTION, site.identifier)
    for token, identifier, _ in used:
        cloud.delete(token, identifier)
        assert cloud.store.get(token, identifier) is None
        cloud.delete(token, identifier)
