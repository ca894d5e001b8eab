from __future__ import annotations

import json

import pulumi
import pytest

from components.hosts.aws import AwsHost, AwsHostArgs, bucket_policy, router_code
from tests.components.graph import Graph, settled
from website import DEFAULT_FLOOR

BUCKET = "aws:s3/bucket:Bucket"
STORE = "aws:cloudfront/keyValueStore:KeyValueStore"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
COMPUTED = {
    BUCKET: {"bucket": "content-1", "arn": "arn:aws:s3:::content-1", "region": "us-east-1"}
    | {"bucketRegionalDomainName": "content-1.s3.us-east-1.amazonaws.com"},
    STORE: {"arn": "arn:aws:cloudfront::123456789012:key-value-store/0000-1111"},
    DISTRIBUTION: {"arn": "arn:aws:cloudfront::123456789012:distribution/E1", "domainName": "d1.cloudfront.net"},
    "aws:cloudfront/function:Function": {"arn": "arn:aws:cloudfront::123456789012:function/router"},
}


async def declared(**changed):
    graph = Graph(COMPUTED)
    pulumi.runtime.set_mocks(graph, preview=False)
    given = {"site": "www.example.org", "protect": True, "headers": DEFAULT_FLOOR}
    host = AwsHost("aws", AwsHostArgs(**{**given, **changed}))
    outputs = await pulumi.Output.all(**host.target).future()
    await settled()
    return graph, outputs


async def test_hostname_and_target_are_outputs_of_the_resources():
    graph = Graph(COMPUTED)
    pulumi.runtime.set_mocks(graph, preview=False)
    host = AwsHost("aws", AwsHostArgs("www.example.org", True, DEFAULT_FLOOR))
    origin = await pulumi.Output.all(host.origin.hostname, host.origin.host_header, host.origin.url).future()
    target = await pulumi.Output.all(**host.target).future()
    await settled()
    assert origin == ["d1.cloudfront.net", "d1.cloudfront.net", "https://d1.cloudfront.net"]
    assert target == {
        "bucket": "content-1",
        "region": "us-east-1",
        "key_value_store_arn": COMPUTED[STORE]["arn"],
        "settle_seconds": "5",
    }


async def test_nothing_of_the_bucket_is_public():
    graph, _ = await declared()
    (block,) = graph.of("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert [block[flag] for flag in flags] == [True] * 4
    (ownership,) = graph.of("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
    assert ownership["rule"]["objectOwnership"] == "BucketOwnerEnforced"


def test_only_the_distribution_may_read_and_nobody_without_tls():
    read, secure = json.loads(bucket_policy("arn:aws:s3:::b", "arn:d"))["Statement"]
    assert read["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert read["Condition"] == {"StringEquals": {"AWS:SourceArn": "arn:d"}}
    assert read["Action"] == "s3:GetObject"
    assert (secure["Effect"], secure["Principal"]) == ("Deny", "*")
    assert secure["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


async def test_the_distribution_reads_through_origin_access_control_and_runs_the_router_both_ways():
    graph, _ = await declared()
    (distribution,) = graph.of(DISTRIBUTION)
    (origin,) = distribution["origins"]
    assert origin["domainName"] == "content-1.s3.us-east-1.amazonaws.com"
    assert origin["originAccessControlId"] == "aws-access-id"
    behaviour = distribution["defaultCacheBehavior"]
    assert [item["eventType"] for item in behaviour["functionAssociations"]] == ["viewer-request", "viewer-response"]
    assert behaviour["viewerProtocolPolicy"] == "redirect-to-https"
    assert behaviour["allowedMethods"] == ["GET", "HEAD"]
    assert "forwardedValues" not in behaviour
    assert {item["errorCode"] for item in distribution["customErrorResponses"]} == {403, 404}


async def test_the_floor_stands_in_the_headers_policy_and_gives_way_to_what_the_router_sets():
    graph, _ = await declared()
    (policy,) = graph.of("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
    security = policy["securityHeadersConfig"]
    assert security["contentSecurityPolicy"]["contentSecurityPolicy"] == DEFAULT_FLOOR["Content-Security-Policy"]
    assert security["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31536000
    assert all(not config["override"] for config in security.values())
    custom = {item["header"] for item in policy["customHeadersConfig"]["items"]}
    assert custom == {"Permissions-Policy", "Cross-Origin-Opener-Policy"} & DEFAULT_FLOOR.keys()


@pytest.mark.parametrize("protect", [True, False])
async def test_protection_of_bucket_and_distribution_follows_the_stack(monkeypatch, protect):
    options = []
    real = AwsHost._child

    def noted(self, **given):
        options.append(real(self, **given))
        return options[-1]

    monkeypatch.setattr(AwsHost, "_child", noted)
    await declared(protect=protect)
    assert sum(bool(given.protect) for given in options) == (2 if protect else 0)


def test_the_router_reads_this_store_and_fits_a_function():
    code = router_code("arn:aws:cloudfront::123456789012:key-value-store/0000-1111")
    assert "cf.kvs('0000-1111')" in code
    assert len(code.encode()) <= 10 * 1024
