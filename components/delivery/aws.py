"""AWS: one role for each pipeline, which its own OIDC token opens, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi

from components.delivery.settings import Aws
from components.delivery.trust import Trusted
from components.sdk import lazily

if TYPE_CHECKING:
    from pulumi_aws import iam
else:
    iam = lazily("pulumi_aws.iam")

HOST = "aws"
#: What the pipeline asks its token for. AWS looks at ``aud`` and ``sub`` of GitHub's and GitLab's tokens only.
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
AUDIENCE = "sts.amazonaws.com"
#: Seconds that a role may be borrowed for; the least that AWS allows.
_SESSION = 3600


def declare(
    name: str,
    settings: Aws,
    pipelines: Sequence[Trusted],
    scope: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> dict[str, dict[str, pulumi.Input[str]]]:
    """Declare it; returns, by forge, the variables with which a pipeline signs in."""
    variables: dict[str, dict[str, pulumi.Input[str]]] = {}
    permissions = pulumi.Output.all(**scope).apply(grant)
    for pipeline in pipelines:
        provider = _provider(name, settings, pipeline, opts)
        role = iam.Role(
            f"{name}-{pipeline.name}",
            description=f"Publishes; for the pipeline at {pipeline.name}",
            assume_role_policy=provider.apply(partial(trust, pipeline)),
            max_session_duration=_SESSION,
            opts=opts,
        )
        iam.RolePolicy(f"{name}-{pipeline.name}-publishes", role=role.name, policy=permissions, opts=opts)
        variables[pipeline.name] = {"AWS_ROLE_ARN": role.arn}
    return variables


def _provider(name: str, settings: Aws, pipeline: Trusted, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """ARN of the issuer; AWS checks its certificate itself, so no thumbprint is needed."""
    own = {"github": settings.github_provider, "gitlab": settings.gitlab_provider}[pipeline.name]
    if own:
        return pulumi.Output.from_input(own)
    made = iam.OpenIdConnectProvider(
        f"{name}-{pipeline.name}-issuer", url=pipeline.issuer, client_id_lists=[AUDIENCE], opts=opts
    )
    return made.arn


def trust(pipeline: Trusted, provider_arn: str) -> str:
    """The one audience and the one subject, each compared as a whole."""
    claims = {f"{pipeline.host}:aud": AUDIENCE, f"{pipeline.host}:sub": pipeline.subject}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": claims},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def grant(scope: Mapping[str, str]) -> str:
    """What publishing and changing what is there takes; not: making or deleting buckets and distributions, or IAM."""
    bucket, store = scope["bucket"], scope["store"]
    statements = [
        _allow("ReadBucket", ["s3:ListBucket", *_BUCKET_READS, *_BUCKET_CHANGES], bucket),
        _allow(
            "Objects", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], f"{bucket}/*"
        ),
        _allow("Index", _STORE, store),
        _allow("Distribution", _DISTRIBUTION, scope["distribution"]),
        _allow("Function", _FUNCTION, scope["function"]),
        _allow("Headers", _HEADERS, f"{_cloudfront(store)}:response-headers-policy/{scope['headers_policy']}"),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allow(sid: str, actions: Sequence[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _cloudfront(arn: str) -> str:
    """``arn:aws:cloudfront::123456789012`` of any of the service's resources."""
    return arn.rsplit(":", 1)[0]


#: What the provider reads of a bucket at a refresh, and what it changes of one that is there.
_BUCKET_READS = (
    "s3:GetBucketLocation",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketOwnershipControls",
    "s3:GetLifecycleConfiguration",
    "s3:GetBucketPolicy",
    "s3:GetBucketTagging",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetAccelerateConfiguration",
    "s3:GetEncryptionConfiguration",
    "s3:GetReplicationConfiguration",
)
_BUCKET_CHANGES = ("s3:PutLifecycleConfiguration", "s3:PutBucketTagging")
_STORE = (
    "cloudfront:DescribeKeyValueStore",
    "cloudfront-keyvaluestore:DescribeKeyValueStore",
    "cloudfront-keyvaluestore:GetKey",
    "cloudfront-keyvaluestore:ListKeys",
    "cloudfront-keyvaluestore:UpdateKeys",
)
_DISTRIBUTION = (
    "cloudfront:GetDistribution",
    "cloudfront:UpdateDistribution",
    "cloudfront:ListTagsForResource",
    "cloudfront:TagResource",
)
_FUNCTION = (
    "cloudfront:DescribeFunction",
    "cloudfront:GetFunction",
    "cloudfront:UpdateFunction",
    "cloudfront:PublishFunction",
)
_HEADERS = ("cloudfront:GetResponseHeadersPolicy", "cloudfront:UpdateResponseHeadersPolicy")
