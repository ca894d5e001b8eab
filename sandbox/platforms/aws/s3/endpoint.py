"""Which operation a request asks for, and the operations on buckets and objects."""

from __future__ import annotations

import hashlib
import time
import xml.etree.ElementTree as ET
from email.utils import formatdate
from urllib.parse import unquote

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.calls import wall_time
from sandbox.platforms.aws.account import BUCKET, BUCKET_POLICY, REGION
from sandbox.platforms.aws.http_semantics import (
    UnsatisfiableRange,
    Window,
    not_modified,
    precondition_failed,
    send_file,
    window,
)
from sandbox.platforms.aws.objects import ObjectStore, StoredObject
from sandbox.platforms.aws.s3.answers import S3Error, error, fields, iso, parsed, xml
from sandbox.platforms.aws.s3.listing import listing
from sandbox.platforms.aws.s3.multipart import MultipartUploads
from sandbox.platforms.aws.s3.payload import Payload
from sandbox.platforms.aws.signatures import SignatureError, SignedRequest, check, header_map
from sandbox.store import Document, Store

BUCKET_NAME = r"(?!xn--|sthree-)(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
_MAX_KEY = 1024
_MAX_METADATA = 2048
_MAX_DELETES = 1000
_KEPT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-language",
    "expires",
)
#: Parameters that do not choose an operation.
_PLAIN = {"x-id", "list-type", "prefix", "delimiter", "max-keys", "start-after", "continuation-token", "marker",
          "encoding-type", "fetch-owner"}  # fmt: skip


def s3_app(store: Store, objects: ObjectStore) -> web.Application:
    """The S3 endpoint."""
    return _S3(store, objects).app()


class _S3:
    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects
        self._uploads = MultipartUploads(store, objects)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._errors], client_max_size=0)
        app.router.add_route("*", "/{tail:.*}", self._dispatch)
        return app

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except S3Error as refused:
            return error(refused.code, refused.message, request)
        except SignatureError as refused:
            return error(refused.code, str(refused), request)
        except UnsatisfiableRange:
            return error("InvalidRange", "The requested range is not satisfiable", request)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        payload_hash = request.headers.get("x-amz-content-sha256")
        if payload_hash is None and "Authorization" in request.headers:
            raise S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        signer = check(
            SignedRequest(request.method, request.raw_path, header_map(request.headers)),
            service="s3",
            payload_hash=payload_hash or "",
            encode_path_again=False,
            now=wall_time(),
        )
        bucket, _, key = unquote(request.raw_path.partition("?")[0]).removeprefix("/").partition("/")
        if not bucket:
            return self._list_buckets()
        payload = Payload(request, signer)
        return await (self._object(payload, bucket, key) if key else self._bucket(payload, bucket))

    def _existing(self, bucket: str) -> Document:
        found = self._store.get(BUCKET, bucket)
        if found is None:
            raise S3Error("NoSuchBucket")
        return found

    def _list_buckets(self) -> web.Response:
        root = ET.Element("ListAllMyBucketsResult")
        fields(ET.SubElement(root, "Owner"), ID=hashlib.sha256(b"sandbox").hexdigest())
        buckets = ET.SubElement(root, "Buckets")
        for name in self._store.all(BUCKET):
            fields(ET.SubElement(buckets, "Bucket"), Name=name, CreationDate=iso(0.0))
        return xml(root)

    async def _bucket(self, payload: Payload, bucket: str) -> web.StreamResponse:
        request, asked = payload.request, payload.request.query.keys() - _PLAIN
        if request.method == "PUT" and not asked:
            return self._create_bucket(bucket)
        self._existing(bucket)
        if request.method == "POST" and asked == {"delete"}:
            return await self._delete_many(payload, bucket)
        if request.method == "DELETE" and not asked:
            return self._delete_bucket(bucket)
        if request.method == "HEAD":
            return web.Response(headers={"x-amz-bucket-region": REGION})
        if request.method != "GET":
            raise S3Error("MethodNotAllowed")
        if not asked:
            return listing(self._objects, bucket, request.query)
        return self._about(bucket, asked)

    def _about(self, bucket: str, asked: set[str]) -> web.Response:
        if asked == {"location"}:
            return xml(ET.Element("LocationConstraint"))
        if asked == {"versioning"}:
            return xml(ET.Element("VersioningConfiguration"))
        if asked == {"policy"}:
            found = self._store.get(BUCKET_POLICY, bucket)
            if found is None:
                raise S3Error("NoSuchBucketPolicy")
            return web.Response(text=str(found["policy"]), content_type="application/json")
        if asked == {"uploads"}:
            root = ET.Element("ListMultipartUploadsResult")
            fields(root, Bucket=bucket, IsTruncated="false")
            for identifier, upload in self._uploads.of_bucket(bucket):
                fields(ET.SubElement(root, "Upload"), Key=upload["key"], UploadId=identifier)
            return xml(root)
        raise S3Error("NotImplemented", f"the sandbox's S3 does not answer for {', '.join(sorted(asked))}")

    def _create_bucket(self, bucket: str) -> web.Response:
        """In us-east-1 an own bucket can be created again; it stays as it is."""
        if self._store.get(BUCKET, bucket) is None:
            self._store.put(BUCKET, bucket, {"bucket": bucket})
        return web.Response(headers={"Location": f"/{bucket}"})

    def _delete_bucket(self, bucket: str) -> web.Response:
        if not self._objects.empty(bucket):
            raise S3Error("BucketNotEmpty")
        self._store.delete(BUCKET, bucket)
        return web.Response(status=204)

    async def _delete_many(self, payload: Payload, bucket: str) -> web.Response:
        if not payload.has_digest():
            raise S3Error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
        document = parsed(await payload.document(self._objects))
        keys = [item.findtext("Key") or "" for item in document.findall("Object")]
        if not 0 < len(keys) <= _MAX_DELETES or not all(keys):
            raise S3Error("MalformedXML")
        quiet = (document.findtext("Quiet") or "").strip().lower() == "true"
        root = ET.Element("DeleteResult")
        for key in keys:
            self._objects.delete(bucket, key)
            if not quiet:
                fields(ET.SubElement(root, "Deleted"), Key=key)
        return xml(root)

    async def _object(self, payload: Payload, bucket: str, key: str) -> web.StreamResponse:
        request = payload.request
        self._existing(bucket)
        if len(key.encode()) > _MAX_KEY:
            raise S3Error("KeyTooLongError", "Your key is too long")
        asked = frozenset(request.query.keys() - {"x-id"})
        if request.method in {"GET", "HEAD"} and not asked:
            return await self._get(request, bucket, key)
        if request.method == "PUT" and not asked:
            copied = "x-amz-copy-source" in request.headers
            return self._copy(request, bucket, key) if copied else await self._put(payload, bucket, key)
        if request.method == "DELETE" and not asked:
            return self._delete(request, bucket, key)
        if asked & {"uploads", "uploadId"} and "x-amz-copy-source" not in request.headers:
            return await self._multipart(payload, bucket, key, asked)
        raise S3Error(
            "NotImplemented", f"the sandbox's S3 has no {request.method} with {', '.join(asked) or 'these headers'}"
        )

    async def _get(self, request: web.Request, bucket: str, key: str) -> web.StreamResponse:
        found = self._objects.get(bucket, key)
        if found is None:
            raise S3Error("NoSuchKey")
        asked = header_map(request.headers)
        if precondition_failed(asked, found.etag, found.modified):
            raise S3Error("PreconditionFailed")
        headers = {"ETag": found.etag, "Last-Modified": formatdate(found.modified, usegmt=True)}
        if not_modified(asked, found.etag, found.modified):
            return web.Response(status=304, headers=headers)
        part = window(asked, found.size, found.etag, found.modified)
        headers |= {"Accept-Ranges": "bytes", **_told(found, asked, part)}
        return await send_file(
            request, 206 if part.partial else 200, headers, self._objects.blob_path(found.blob), part
        )

    def _allowed(self, request: web.Request, bucket: str, key: str) -> None:
        """Conditional writes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""
        existing = self._objects.get(bucket, key)
        unwanted, wanted = request.headers.get("If-None-Match"), request.headers.get("If-Match")
        if unwanted not in {None, "*"}:
            raise S3Error("NotImplemented", "If-None-Match of a write can only be *")
        if unwanted is not None and existing is not None:
            raise S3Error("PreconditionFailed")
        if wanted is not None and existing is None:
            raise S3Error("NoSuchKey")
        if wanted is not None and existing is not None and wanted.strip('"') != existing.etag.strip('"'):
            raise S3Error("PreconditionFailed")

    async def _put(self, payload: Payload, bucket: str, key: str) -> web.Response:
        request = payload.request
        self._allowed(request, bucket, key)
        kept = _kept(request)
        upload, sums = await payload.received(self._objects)
        etag = f'"{upload.md5.hex()}"'
        try:
            # Another writer may have come first while the body was under way: of two with If-None-Match, one wins.
            self._allowed(request, bucket, key)
        except S3Error:
            upload.drop()
            raise
        self._objects.take(upload, StoredObject(bucket, key, upload.size, etag, time.time(), "", {**kept, **sums}))
        return web.Response(headers={"ETag": etag, **sums, "x-amz-checksum-type": "FULL_OBJECT"})

    def _delete(self, request: web.Request, bucket: str, key: str) -> web.Response:
        if "If-Match" in request.headers:
            self._allowed(request, bucket, key)
        self._objects.delete(bucket, key)
        return web.Response(status=204)

    def _copy(self, request: web.Request, bucket: str, key: str) -> web.Response:
        source = self._copy_source(request)
        self._allowed(request, bucket, key)
        replace = request.headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE"
        if (source.bucket, source.key) == (bucket, key) and not replace:
            raise S3Error(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself without changing it.",
            )
        sums = {name: value for name, value in source.headers.items() if name.startswith("x-amz-checksum-")}
        headers = {**_kept(request), **sums} if replace else source.headers
        now = time.time()
        self._objects.put(StoredObject(bucket, key, source.size, source.etag, now, source.blob, headers))
        root = ET.Element("CopyObjectResult")
        fields(root, ETag=source.etag, LastModified=iso(now))
        return xml(root)

    def _copy_source(self, request: web.Request) -> StoredObject:
        text, _, version = unquote(request.headers["x-amz-copy-source"]).partition("?versionId=")
        bucket, _, key = text.removeprefix("/").partition("/")
        if version or not key:
            raise S3Error("InvalidArgument", "Copy Source must mention the source bucket and key: bucket/key")
        self._existing(bucket)
        source = self._objects.get(bucket, key)
        if source is None:
            raise S3Error("NoSuchKey")
        asked, prefix = header_map(request.headers), "x-amz-copy-source-"
        if precondition_failed(asked, source.etag, source.modified, prefix) or not_modified(
            asked, source.etag, source.modified, prefix
        ):
            raise S3Error("PreconditionFailed")
        return source

    async def _multipart(self, payload: Payload, bucket: str, key: str, asked: frozenset[str]) -> web.Response:
        request, place = payload.request, (bucket, key)
        identifier = request.query.get("uploadId", "")
        if request.method == "POST" and asked == {"uploads"}:
            return self._begin(request, bucket, key)
        if request.method == "PUT" and asked == {"partNumber", "uploadId"}:
            self._uploads.running(*place, identifier)
            upload, sums = await payload.received(self._objects, least=None)
            sum_ = next(iter(sums.values()), "")
            etag = self._uploads.put_part(place, identifier, request.query["partNumber"], upload, sum_)
            return web.Response(headers={"ETag": f'"{etag}"', **sums})
        if request.method == "GET" and "uploadId" in asked:
            return self._parts(bucket, key, identifier)
        if request.method == "DELETE" and asked == {"uploadId"}:
            self._uploads.abort(*place, identifier)
            return web.Response(status=204)
        if request.method == "POST" and asked == {"uploadId"}:
            return await self._complete(payload, bucket, key, identifier)
        raise S3Error("MethodNotAllowed")

    def _begin(self, request: web.Request, bucket: str, key: str) -> web.Response:
        algorithm = request.headers.get("x-amz-checksum-algorithm", "").lower()
        identifier = self._uploads.begin(bucket, key, _kept(request), algorithm)
        root = ET.Element("InitiateMultipartUploadResult")
        fields(root, Bucket=bucket, Key=key, UploadId=identifier)
        return xml(root, {"x-amz-checksum-algorithm": algorithm.upper()} if algorithm else None)

    def _parts(self, bucket: str, key: str, identifier: str) -> web.Response:
        parts = self._uploads.running(bucket, key, identifier)["parts"]
        root = ET.Element("ListPartsResult")
        fields(root, Bucket=bucket, Key=key, UploadId=identifier, IsTruncated="false")
        for number in sorted(parts, key=int):
            fields(ET.SubElement(root, "Part"), PartNumber=number, ETag=f'"{parts[number]["etag"]}"',
                   Size=parts[number]["size"])  # fmt: skip
        return xml(root)

    async def _complete(self, payload: Payload, bucket: str, key: str, identifier: str) -> web.Response:
        wanted = parsed(await payload.document(self._objects))
        self._allowed(payload.request, bucket, key)
        found = self._uploads.complete(bucket, key, identifier, wanted)
        root = ET.Element("CompleteMultipartUploadResult")
        fields(root, Location=f"/{bucket}/{key}", Bucket=bucket, Key=key, ETag=found.etag)
        return xml(root)


def _told(found: StoredObject, asked: dict[str, str], part: Window) -> dict[str, str]:
    """Headers that were stored; checksums only of the whole object, to those who ask."""
    checksums = asked.get("x-amz-checksum-mode", "").upper() == "ENABLED" and not part.partial
    kept = {name: value for name, value in found.headers.items() if checksums or not name.startswith("x-amz-checksum-")}
    return {**kept, "Content-Range": part.content_range(found.size)} if part.partial else kept


def _kept(request: web.Request) -> dict[str, str]:
    """Headers that stay with the object."""
    kept = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
    kept.setdefault("content-type", "binary/octet-stream")
    encoding = [part.strip() for part in request.headers.get("content-encoding", "").split(",")]
    if rest := ", ".join(part for part in encoding if part and part != "aws-chunked"):
        kept["content-encoding"] = rest
    meta = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-amz-meta-")}
    if sum(len(name) - len("x-amz-meta-") + len(value.encode()) for name, value in meta.items()) > _MAX_METADATA:
        raise S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return {**kept, **meta}
