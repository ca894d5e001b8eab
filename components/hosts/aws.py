"""AWS: a private bucket behind CloudFront, and the function that finds the objects of the live release."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pulumi

from components.origin import Origin
from components.sdk import lazily

if TYPE_CHECKING:
    from pulumi_aws import cloudfront, s3
else:
    cloudfront, s3 = lazily("pulumi_aws.cloudfront"), lazily("pulumi_aws.s3")

#: AWS's managed policy CachingOptimized: no query, header or cookie in the cache key.
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
_CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
#: Types whose id is one of their inputs: what a killed run made can be found again. For the others AWS gives the id.
IDENTIFIED_BY: Mapping[str, str] = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:cloudfront/keyValueStore:KeyValueStore": "name",
    "aws:cloudfront/function:Function": "name",
}
_ROUTER = Path(__file__).with_name("aws_router.js")
_NATIVE = {
    "content-security-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
}


@dataclass(frozen=True)
class AwsHostArgs:
    """Settings of the AWS host."""

    site: str
    """Name of the site; goes into tags and comments."""
    protect: bool
    """Refuse to delete or replace bucket and distribution."""
    headers: Mapping[str, str]
    """Security headers under every answer."""
    price_class: str = "PriceClass_100"
    """Where CloudFront serves from: PriceClass_100 (Europe and North America) is the cheapest beyond the free tier."""
    settle_seconds: int = 5
    """Wait between writing paths and moving the pointer; the key value store spreads within seconds, in no order."""
    force_destroy: bool = False
    """Delete the bucket with its objects; without it a bucket with content cannot be deleted."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of everything that takes tags."""


class AwsHost(pulumi.ComponentResource):
    """One bucket, one distribution, one key value store."""

    arguments: ClassVar[type[AwsHostArgs]] = AwsHostArgs
    origin: Origin
    target: dict[str, pulumi.Input[str]]
    scope: dict[str, pulumi.Input[str]]

    def __init__(self, name: str, args: AwsHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the host; nothing is published here."""
        super().__init__("peacefulrobot:hosts:AwsHost", name, {"site": args.site}, opts)
        self._name = name
        self._args = args
        bucket = self._bucket()
        store = cloudfront.KeyValueStore(
            f"{name}-releases", comment=f"Which objects {args.site} shows, by path and release", opts=self._child()
        )
        function, headers_policy = self._function(store), self._headers_policy()
        distribution = self._distribution(bucket, function, headers_policy)
        self._bucket_policy(bucket, distribution)
        hostname = distribution.domain_name
        self.origin = Origin("aws", hostname, hostname, hostname.apply(lambda found: f"https://{found}"))
        self.target = {
            "bucket": bucket.bucket,
            "region": bucket.region,
            "key_value_store_arn": store.arn,
            "settle_seconds": str(args.settle_seconds),
        }
        self.scope = {
            "bucket": bucket.arn,
            "store": store.arn,
            "distribution": distribution.arn,
            "function": function.arn,
            "headers_policy": headers_policy.id,
        }
        self.register_outputs({"hostname": hostname})

    def _child(self, *, protect: bool = False) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, protect=protect and self._args.protect)

    def _tags(self) -> dict[str, str]:
        return {"site": self._args.site, **self._args.tags}

    def _bucket(self) -> s3.Bucket:
        name, child = self._name, self._child()
        bucket = s3.Bucket(
            f"{name}-content",
            force_destroy=self._args.force_destroy,
            tags=self._tags(),
            opts=self._child(protect=True),
        )
        s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule=s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        abort = s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=1)
        rule = s3.BucketLifecycleConfigurationRuleArgs(
            id="abort-unfinished-uploads",
            status="Enabled",
            filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            abort_incomplete_multipart_upload=abort,
        )
        s3.BucketLifecycleConfiguration(f"{name}-lifecycle", bucket=bucket.bucket, rules=[rule], opts=child)
        return bucket

    def _function(self, store: cloudfront.KeyValueStore) -> cloudfront.Function:
        return cloudfront.Function(
            f"{self._name}-router",
            runtime="cloudfront-js-2.0",
            comment=f"Finds the objects of the live release of {self._args.site}",
            code=store.arn.apply(router_code),
            key_value_store_associations=[store.arn],
            publish=True,
            opts=self._child(),
        )

    def _headers_policy(self) -> cloudfront.ResponseHeadersPolicy:
        """The floor for answers that the function does not see; where it has set a header, that one stays."""
        headers = {name.lower(): value for name, value in self._args.headers.items()}
        custom = [
            cloudfront.ResponseHeadersPolicyCustomHeadersConfigItemArgs(header=name, value=value, override=False)
            for name, value in self._args.headers.items()
            if name.lower() not in _NATIVE
        ]
        return cloudfront.ResponseHeadersPolicy(
            f"{self._name}-headers",
            comment=f"Security headers of {self._args.site}",
            security_headers_config=_security_headers(headers),
            custom_headers_config=cloudfront.ResponseHeadersPolicyCustomHeadersConfigArgs(items=custom)
            if custom
            else None,
            opts=self._child(),
        )

    def _distribution(
        self, bucket: s3.Bucket, function: cloudfront.Function, policy: cloudfront.ResponseHeadersPolicy
    ) -> cloudfront.Distribution:
        access = cloudfront.OriginAccessControl(
            f"{self._name}-access",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child(),
        )
        origin = cloudfront.DistributionOriginArgs(
            origin_id="content", domain_name=bucket.bucket_regional_domain_name, origin_access_control_id=access.id
        )
        return cloudfront.Distribution(
            f"{self._name}-distribution",
            enabled=True,
            comment=self._args.site,
            origins=[origin],
            default_cache_behavior=_behaviour(function, policy),
            custom_error_responses=[_error_response(403), _error_response(404)],
            restrictions=cloudfront.DistributionRestrictionsArgs(
                geo_restriction=cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
            ),
            viewer_certificate=cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True),
            price_class=self._args.price_class,
            http_version="http2and3",
            is_ipv6_enabled=True,
            wait_for_deployment=True,
            tags=self._tags(),
            opts=self._child(protect=True),
        )

    def _bucket_policy(self, bucket: s3.Bucket, distribution: cloudfront.Distribution) -> None:
        policy = pulumi.Output.all(bucket.arn, distribution.arn).apply(lambda arns: bucket_policy(*arns))
        s3.BucketPolicy(f"{self._name}-policy", bucket=bucket.bucket, policy=policy, opts=self._child())


def router_code(store_arn: str) -> str:
    """The function's JavaScript, told which store to read."""
    return _ROUTER.read_text("utf-8").replace("KEY_VALUE_STORE_ID", store_arn.rsplit("/", 1)[-1])


def bucket_policy(bucket_arn: str, distribution_arn: str) -> str:
    """Reading for this one distribution; nothing without TLS."""
    read = {
        "Sid": "DistributionReads",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"{bucket_arn}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }
    secure = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [read, secure]})


def _behaviour(
    function: cloudfront.Function, policy: cloudfront.ResponseHeadersPolicy
) -> cloudfront.DistributionDefaultCacheBehaviorArgs:
    return cloudfront.DistributionDefaultCacheBehaviorArgs(
        target_origin_id="content",
        allowed_methods=["GET", "HEAD"],
        cached_methods=["GET", "HEAD"],
        viewer_protocol_policy="redirect-to-https",
        cache_policy_id=_CACHING_OPTIMIZED,
        response_headers_policy_id=policy.id,
        compress=True,
        function_associations=[
            cloudfront.DistributionDefaultCacheBehaviorFunctionAssociationArgs(
                event_type=kind, function_arn=function.arn
            )
            for kind in ("viewer-request", "viewer-response")
        ],
    )


def _error_response(code: int) -> cloudfront.DistributionCustomErrorResponseArgs:
    """A missing object answers 403 without s3:ListBucket; visitors get it briefly, as what it is."""
    return cloudfront.DistributionCustomErrorResponseArgs(error_code=code, error_caching_min_ttl=1)


def _security_headers(headers: Mapping[str, str]) -> cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs:
    config = cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs(
        content_type_options=cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs(override=False)
    )
    if policy := headers.get("content-security-policy"):
        config.content_security_policy = cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentSecurityPolicyArgs(
            content_security_policy=policy, override=False
        )
    if referrer := headers.get("referrer-policy"):
        config.referrer_policy = cloudfront.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs(
            referrer_policy=referrer, override=False
        )
    if frame := headers.get("x-frame-options"):
        config.frame_options = cloudfront.ResponseHeadersPolicySecurityHeadersConfigFrameOptionsArgs(
            frame_option=frame, override=False
        )
    if transport := headers.get("strict-transport-security"):
        config.strict_transport_security = _transport(transport)
    return config


def _transport(value: str) -> cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs:
    parts = [part.strip().lower() for part in value.split(";")]
    seconds = next(int(part.removeprefix("max-age=")) for part in parts if part.startswith("max-age="))
    return cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs(
        access_control_max_age_sec=seconds,
        include_subdomains="includesubdomains" in parts,
        preload="preload" in parts,
        override=False,
    )


HOST = AwsHost
