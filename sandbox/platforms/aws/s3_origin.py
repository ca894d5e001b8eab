"""What S3 answers to CloudFront for a private bucket.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
"""

from __future__ import annotations

from email.utils import formatdate
from urllib.parse import unquote

from sandbox.platforms.aws.account import BUCKET, BUCKET_POLICY, ORIGIN_ACCESS
from sandbox.platforms.aws.bucket_policies import distribution_may
from sandbox.platforms.aws.objects import ObjectStore
from sandbox.platforms.aws.reply import Reply
from sandbox.store import Document, Store


class S3Origin:
    """Reads objects for distributions, as far as the bucket's policy lets them."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    def get(self, distribution: Document, uri: str) -> Reply:
        """The object of a URI through the distribution's own origin."""
        wanted = distribution["defaultCacheBehavior"]["targetOriginId"]
        origin = next(found for found in distribution["origins"] if found["originId"] == wanted)
        path = unquote(uri).removeprefix("/") or distribution.get("defaultRootObject") or ""
        key = f"{origin.get('originPath') or ''}/{path}".removeprefix("/")
        bucket = str(origin["domainName"]).split(".s3.", 1)[0]
        if self._store.get(BUCKET, bucket) is None:
            return _refused(404, "NoSuchBucket", "The specified bucket does not exist")
        if not (key and self._may(origin, distribution, bucket, "s3:GetObject", f"/{key}")):
            return _refused(403, "AccessDenied", "Access Denied")
        found = self._objects.get(bucket, key)
        if found is None:
            # Without s3:ListBucket nobody learns whether a key is missing.
            if self._may(origin, distribution, bucket, "s3:ListBucket", ""):
                return _refused(404, "NoSuchKey", "The specified key does not exist.")
            return _refused(403, "AccessDenied", "Access Denied")
        headers = {name: value for name, value in found.headers.items() if not name.startswith("x-amz-checksum-")}
        headers |= {"etag": found.etag, "last-modified": formatdate(found.modified, usegmt=True), "server": "AmazonS3",
                    "accept-ranges": "bytes"}  # fmt: skip
        return Reply(200, headers, self._objects.blob_path(found.blob), found.modified)

    def _may(self, origin: Document, distribution: Document, bucket: str, action: str, path: str) -> bool:
        """Requests are signed only with an origin access control; unsigned ones see nothing of a private bucket."""
        access = self._store.get(ORIGIN_ACCESS, origin.get("originAccessControlId") or "")
        policy = self._store.get(BUCKET_POLICY, bucket)
        if access is None or access["signingBehavior"] == "never" or policy is None:
            return False
        return distribution_may(policy["policy"], action, f"arn:aws:s3:::{bucket}{path}", distribution["arn"])


def _refused(status: int, code: str, message: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    headers = {"content-type": "application/xml", "server": "AmazonS3"}
    return Reply(status, headers, body.encode(), cache="Error from cloudfront")
