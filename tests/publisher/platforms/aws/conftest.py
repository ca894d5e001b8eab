from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from components.hosts.aws import bucket_policy, router_code
from publisher.journal import Journal
from publisher.platforms.aws import AwsPlatform
from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.verification import PublicOrigin, Thoroughness, verify
from sandbox.platforms import aws
from tests.worlds import Running, running
from website import DigestCache, Site


@dataclass
class Account:
    """An AWS account in the sandbox with bucket, store, function and distribution as the component declares them."""

    sandbox: Running
    http: aiohttp.ClientSession
    target: dict[str, str]
    hostname: str
    digests: DigestCache

    def platform(self, **target: str) -> AwsPlatform:
        return AwsPlatform({**self.target, **target}, self.http, self.digests)

    async def releases(self) -> list[str]:
        return [kept.release for kept in await self.platform().kept()]

    async def release(self, site: Site, **target: str):
        platform = self.platform(**target)
        sent = await upload(platform, site, Silence(), Journal())
        await publish(platform, site.release_id, sent.staged, Silence(), Journal())
        return sent

    async def verify(self, site: Site) -> int:
        origin = PublicOrigin("aws", f"https://{self.hostname}", self.hostname)
        how = Thoroughness(deadline=10, pause=0.02)
        return await verify(self.http, origin, site, (), Silence(), Journal(), how)


@pytest.fixture
async def account(tmp_path, monkeypatch) -> AsyncIterator[Account]:
    async with running(tmp_path / "world", [aws.twin]) as sandbox:
        for name, value in sandbox.environment.items():
            monkeypatch.setenv(name, value)
        bucket, bucket_outputs = await sandbox.declare("aws:s3/bucket:Bucket")
        _, store = await sandbox.declare("aws:cloudfront/keyValueStore:KeyValueStore")
        _, function = await sandbox.declare(
            "aws:cloudfront/function:Function",
            code=router_code(store["arn"]),
            runtime="cloudfront-js-2.0",
            keyValueStoreAssociations=[store["arn"]],
        )
        events = [{"eventType": kind, "functionArn": function["arn"]} for kind in ("viewer-request", "viewer-response")]
        access, _ = await sandbox.declare(
            "aws:cloudfront/originAccessControl:OriginAccessControl",
            originAccessControlOriginType="s3",
            signingBehavior="always",
            signingProtocol="sigv4",
        )
        origin = {"originId": "content", "domainName": bucket_outputs["bucketRegionalDomainName"]}
        _, distribution = await sandbox.declare(
            "aws:cloudfront/distribution:Distribution",
            enabled=True,
            origins=[{**origin, "originAccessControlId": access}],
            defaultCacheBehavior={
                "targetOriginId": "content",
                "allowedMethods": ["GET", "HEAD"],
                "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
                "functionAssociations": events,
            },
            restrictions={"geoRestriction": {"restrictionType": "none"}},
            viewerCertificate={"cloudfrontDefaultCertificate": True},
        )
        policy = bucket_policy(bucket_outputs["arn"], distribution["arn"])
        await sandbox.declare("aws:s3/bucketPolicy:BucketPolicy", bucket=bucket, policy=policy)
        target = {
            "bucket": bucket,
            "region": "us-east-1",
            "key_value_store_arn": store["arn"],
            "settle_seconds": "0.1",
        }
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as http:
            yield Account(sandbox, http, target, distribution["domainName"], DigestCache(tmp_path / "cache"))
