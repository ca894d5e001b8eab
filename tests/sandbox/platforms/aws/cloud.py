"""An AWS account of the sandbox, served by a thread of its own, so that the blocking official clients can be used."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from pathlib import Path
from typing import Any

import boto3
import requests
from aiohttp import web
from botocore.config import Config

from sandbox.platforms.aws import resource_types
from sandbox.platforms.aws.distributions import Distributions
from sandbox.platforms.aws.key_value_api import key_value_app
from sandbox.platforms.aws.key_value_store import KeyValues
from sandbox.platforms.aws.objects import ObjectStore
from sandbox.platforms.aws.s3 import s3_app
from sandbox.platforms.aws.signatures import ACCESS_KEY, SECRET_KEY
from sandbox.provider.resource_type import Inputs, Outputs
from sandbox.store import Store
from sandbox.world import Clock

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


class StillClock(Clock):
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def monotonic(self) -> float:
        return self.elapsed


class ServerThread:
    """Serves applications on free loopback ports until it is stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runners: list[web.AppRunner] = []

    def serve(self, app: web.Application, tls: ssl.SSLContext | None = None) -> str:
        port = asyncio.run_coroutine_threadsafe(self._start(app, tls), self._loop).result(10)
        return f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    async def _start(self, app: web.Application, tls: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        return runner.addresses[0][1]

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


class Cloud:
    """The account: what is kept, what is served, and clients for it."""

    def __init__(self, folder: Path, server: ServerThread) -> None:
        self.store, self.clock, self.server = Store(folder), StillClock(), server
        self.objects = ObjectStore(folder / "aws")
        self.pairs = KeyValues(folder / "aws", self.clock)
        self.types = {kind.token: kind for kind in resource_types(self.store, self.objects, self.pairs)}
        self.distributions = Distributions(self.store, self.objects, self.pairs, self.clock)
        self.s3_url = server.serve(s3_app(self.store, self.objects))
        self.key_value_url = server.serve(key_value_app(self.store, self.pairs))
        self.public_url = server.serve(self.distributions.app())

    def declare(self, token: str, **inputs: Any) -> tuple[str, Outputs]:
        """Create a resource as the engine would: defaults, check, create."""
        kind = self.types[token]
        filled: Inputs = kind.defaults(token.rsplit(":", 1)[-1].lower(), inputs, {})
        assert kind.check(filled) == []
        return asyncio.run(kind.create(filled))

    def update(self, token: str, identifier: str, **inputs: Any) -> Outputs:
        kind = self.types[token]
        old = asyncio.run(kind.read(identifier))
        assert old is not None
        return asyncio.run(kind.update(identifier, old, {**old, **inputs}))

    def delete(self, token: str, identifier: str) -> None:
        asyncio.run(self.types[token].delete(identifier))

    def bucket(self, **inputs: Any) -> str:
        return self.declare("aws:s3/bucket:Bucket", **inputs)[0]

    def s3(self, **options: Any) -> Any:
        given = {"endpoint_url": self.s3_url, "aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY,
                 "config": Config(retries={"total_max_attempts": 1}), **options}  # fmt: skip
        return boto3.client("s3", region_name="us-east-1", **given)

    def key_values(self, **options: Any) -> Any:
        proxied = Config(proxies={"http": self.key_value_url}, retries={"total_max_attempts": 1})
        given = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, **options}
        return boto3.client(
            "cloudfront-keyvaluestore", region_name="us-east-1", endpoint_url="http://kvs.test", config=proxied, **given
        )

    def settle(self) -> None:
        """Let every write reach the edge."""
        self.clock.elapsed += 3600.0

    def site(self, code: str | None = None, *, events: tuple[str, ...] = ("viewer-request",), **inputs: Any) -> Site:
        """A bucket behind a distribution, with a function and its store where code is given."""
        return Site(self, code, events, inputs)


class Site:
    """A bucket behind a distribution."""

    def __init__(self, cloud: Cloud, code: str | None, events: tuple[str, ...], inputs: dict[str, Any]) -> None:
        self.cloud = cloud
        self.bucket, bucket = cloud.declare("aws:s3/bucket:Bucket")
        _, store = cloud.declare("aws:cloudfront/keyValueStore:KeyValueStore")
        self.store = store["arn"]
        access, _ = cloud.declare(
            "aws:cloudfront/originAccessControl:OriginAccessControl",
            originAccessControlOriginType="s3", signingBehavior="always", signingProtocol="sigv4",
        )  # fmt: skip
        behaviour = {
            "targetOriginId": "content", "allowedMethods": ["GET", "HEAD"], "cachedMethods": ["GET", "HEAD"],
            "viewerProtocolPolicy": "redirect-to-https", "cachePolicyId": CACHING_OPTIMIZED,
            **inputs.pop("defaultCacheBehavior", {}),
        }  # fmt: skip
        if code is not None:
            _, function = cloud.declare(
                "aws:cloudfront/function:Function", code=code.replace("STORE", self.store.rsplit("/", 1)[-1]),
                runtime="cloudfront-js-2.0", keyValueStoreAssociations=[self.store],
            )  # fmt: skip
            behaviour["functionAssociations"] = [
                {"eventType": event, "functionArn": function["arn"]} for event in events
            ]
        origin = {"originId": "content", "domainName": bucket["bucketRegionalDomainName"],
                  "originAccessControlId": access}  # fmt: skip
        self.identifier, self.distribution = cloud.declare(
            "aws:cloudfront/distribution:Distribution",
            **{
                "enabled": True,
                "origins": [{**origin, **inputs.pop("origin", {})}],
                "defaultCacheBehavior": behaviour,
                "restrictions": {"geoRestriction": {"restrictionType": "none"}},
                "viewerCertificate": {"cloudfrontDefaultCertificate": True},
                **inputs,
            },
        )
        self.allow("s3:GetObject", f"arn:aws:s3:::{self.bucket}/*")

    def allow(self, action: str | list[str], resource: str, **statement: Any) -> None:
        """Put a bucket policy with one statement for this distribution."""
        given = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": action,
            "Resource": resource,
            "Condition": {"StringEquals": {"AWS:SourceArn": self.distribution["arn"]}},
            **statement,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [given]})
        self.cloud.declare("aws:s3/bucketPolicy:BucketPolicy", bucket=self.bucket, policy=policy)

    def put(self, key: str, body: bytes, **options: Any) -> None:
        options.setdefault("ContentType", "text/plain; charset=utf-8")
        self.cloud.s3().put_object(Bucket=self.bucket, Key=key, Body=body, **options)

    def set_keys(self, **pairs: str) -> None:
        """Write pairs to the store and let them reach the edge."""
        self.set_pairs(pairs)

    def set_pairs(self, pairs: dict[str, str]) -> None:
        self.cloud.pairs.write(self.store, self.cloud.pairs.version(self.store).etag, pairs, [])
        self.cloud.settle()

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        given = {"Host": self.distribution["domainName"], "Accept-Encoding": "identity"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, self.cloud.public_url + path, headers=given, allow_redirects=False, timeout=20)
