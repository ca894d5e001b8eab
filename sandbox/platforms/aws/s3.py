"""S3 as its clients see it: path style, signed, with checksums, conditions, listings and multipart uploads.

Stricter than emulators at hand: signatures, clock skew, checksums and copy conditions are checked.
API: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import time
import xml.etree.ElementTree as ET
import zlib
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.platforms.aws.objects import ObjectStore, StoredObject, Upload
from sandbox.platforms.aws.signatures import SignatureError, SignedRequest, check
from sandbox.store import Store

BUCKET = "aws:s3/bucket:Bucket"
_UPLOADS = "aws:multipart"
_KEPT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
_STATUS = {
    "AccessDenied": 403, "SignatureDoesNotMatch": 403, "InvalidAccessKeyId": 403, "RequestTimeTooSkewed": 403,
    "NoSuchBucket": 404, "NoSuchKey": 404, "NoSuchUpload": 404, "PreconditionFailed": 412, "BucketNotEmpty": 409,
    "BucketAlreadyOwnedByYou": 409, "MethodNotAllowed": 405, "NotImplemented": 501, "InvalidRange": 416,
    "MissingContentLength": 411,
}  # fmt: skip
_CHECKSUMS = ("sha256", "sha1", "crc32")
_MAX_SINGLE = 5 * 1024**3


class S3Error(Exception):
    """An answer in S3's error format."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or code


def s3_app(store: Store, objects: ObjectStore) -> web.Application:
    """The S3 endpoint."""
    return _S3(store, objects).app()


class _S3:
    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._errors], client_max_size=0)
        app.router.add_route("*", "/{tail:.*}", self._dispatch)
        return app

    @web.middleware
    async def _errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except S3Error as error:
            return _error(error.code, error.message, request)
        except SignatureError as error:
            return _error(error.code, str(error), request)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        payload = headers.get("x-amz-content-sha256", "")
        signed = SignedRequest(request.method, request.raw_path, headers)
        check(signed, service="s3", payload_hash=payload, encode_path_again=False, now=time.time())
        bucket, _, key = unquote(request.raw_path.partition("?")[0]).lstrip("/").partition("/")
        if not bucket:
            return self._list_buckets()
        if not key:
            return await self._bucket(request, bucket)
        self._existing(bucket)
        return await self._object(request, bucket, key)

    def _existing(self, bucket: str) -> dict[str, Any]:
        found = self._store.get(BUCKET, bucket)
        if found is None:
            raise S3Error("NoSuchBucket", "The specified bucket does not exist")
        return found

    def _list_buckets(self) -> web.Response:
        root = ET.Element("ListAllMyBucketsResult")
        buckets = ET.SubElement(root, "Buckets")
        for name in self._store.all(BUCKET):
            _fields(ET.SubElement(buckets, "Bucket"), Name=name, CreationDate=_iso(0.0))
        return _xml(root)

    async def _bucket(self, request: web.Request, bucket: str) -> web.StreamResponse:
        query = request.query
        if request.method == "PUT" and not query:
            return self._create_bucket(bucket)
        self._existing(bucket)
        if request.method == "POST" and "delete" in query:
            return await self._delete_many(request, bucket)
        if request.method == "DELETE" and not query:
            return self._delete_bucket(bucket)
        if request.method == "HEAD":
            return web.Response(headers={"x-amz-bucket-region": "us-east-1"})
        if request.method != "GET":
            raise S3Error("MethodNotAllowed")
        if "location" in query:
            return _xml(ET.Element("LocationConstraint"))
        if "uploads" in query:
            return _xml(ET.Element("ListMultipartUploadsResult"))
        return self._list(bucket, dict(query))

    def _create_bucket(self, bucket: str) -> web.Response:
        if self._store.get(BUCKET, bucket) is not None:
            raise S3Error("BucketAlreadyOwnedByYou")
        self._store.put(BUCKET, bucket, {"bucket": bucket})
        return web.Response(headers={"Location": f"/{bucket}"})

    def _delete_bucket(self, bucket: str) -> web.Response:
        if not self._objects.empty(bucket):
            raise S3Error("BucketNotEmpty", "The bucket you tried to delete is not empty")
        self._store.delete(BUCKET, bucket)
        return web.Response(status=204)

    async def _delete_many(self, request: web.Request, bucket: str) -> web.Response:
        body = await _whole(request)
        root = ET.Element("DeleteResult")
        for item in ET.fromstring(body).iter():  # noqa: S314
            if item.tag.endswith("Key") and item.text:
                self._objects.delete(bucket, item.text)
                _fields(ET.SubElement(root, "Deleted"), Key=item.text)
        return _xml(root)

    def _list(self, bucket: str, query: dict[str, str]) -> web.Response:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        limit = min(int(query.get("max-keys", "1000")), 1000)
        after = (
            _decode_token(query["continuation-token"])
            if "continuation-token" in query
            else query.get("start-after", "")
        )
        encode: Callable[[str], str] = quote if query.get("encoding-type") == "url" else str
        contents, prefixes, last = self._page(bucket, prefix, delimiter, after, limit)
        root = ET.Element("ListBucketResult")
        more = last is not None
        _fields(root, Name=bucket, Prefix=encode(prefix), MaxKeys=limit, KeyCount=len(contents) + len(prefixes))
        _fields(root, IsTruncated="true" if more else "false")
        if last is not None:
            _fields(root, NextContinuationToken=_encode_token(last))
        if "encoding-type" in query:
            _fields(root, EncodingType="url")
        for found in contents:
            entry = ET.SubElement(root, "Contents")
            _fields(entry, Key=encode(found.key), LastModified=_iso(found.modified), ETag=found.etag, Size=found.size)
            _fields(entry, StorageClass="STANDARD")
        for common in prefixes:
            _fields(ET.SubElement(root, "CommonPrefixes"), Prefix=encode(common))
        return _xml(root)

    def _page(
        self, bucket: str, prefix: str, delimiter: str, after: str, limit: int
    ) -> tuple[list[StoredObject], list[str], str | None]:
        contents: list[StoredObject] = []
        prefixes: list[str] = []
        while True:
            batch = list(self._objects.listed(bucket, prefix, after, limit + 1))
            if not batch:
                return contents, prefixes, None
            for found in batch:
                common = _common(found.key, prefix, delimiter)
                if common and prefixes and prefixes[-1] == common:
                    after = common + "\U0010ffff"
                    break
                if len(contents) + len(prefixes) == limit:
                    return contents, prefixes, after
                after = common + "\U0010ffff" if common else found.key
                if common:
                    prefixes.append(common)
                    break
                contents.append(found)
            else:
                if len(batch) <= limit:
                    return contents, prefixes, None

    async def _object(self, request: web.Request, bucket: str, key: str) -> web.StreamResponse:
        query, method = request.query, request.method
        if method in {"GET", "HEAD"}:
            return self._get(request, bucket, key)
        if method == "PUT" and "partNumber" in query:
            return await self._put_part(request, query["uploadId"], int(query["partNumber"]))
        if method == "PUT" and "x-amz-copy-source" in request.headers:
            return self._copy(request, bucket, key)
        if method == "PUT" and not query.keys() - {"x-id"}:
            return await self._put(request, bucket, key)
        if method == "DELETE" and "uploadId" in query:
            return self._abort(query["uploadId"])
        if method == "DELETE":
            self._objects.delete(bucket, key)
            return web.Response(status=204)
        if method == "POST" and "uploads" in query:
            return self._begin(request, bucket, key)
        if method == "POST" and "uploadId" in query:
            return await self._complete(request, bucket, key, query["uploadId"])
        raise S3Error("NotImplemented", f"the sandbox's S3 has no {method} with {', '.join(query) or 'no parameters'}")

    def _get(self, request: web.Request, bucket: str, key: str) -> web.StreamResponse:
        found = self._objects.get(bucket, key)
        if found is None:
            raise S3Error("NoSuchKey", "The specified key does not exist.")
        headers = {
            "ETag": found.etag,
            "Last-Modified": formatdate(found.modified, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        headers |= {
            name: value
            for name, value in found.headers.items()
            if not name.startswith("x-amz-checksum-")
            or request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED"
        }
        if request.headers.get("If-None-Match") in {found.etag, "*"}:
            return web.Response(status=304, headers=headers)
        if request.headers.get("If-Match", found.etag) not in {found.etag, "*"}:
            raise S3Error("PreconditionFailed")
        start, stop, status = _range(request.headers.get("Range"), found.size)
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{found.size}"
        if request.method == "HEAD":
            return web.Response(status=status, headers={**headers, "Content-Length": str(stop - start)})
        with self._objects.blob_path(found.blob).open("rb") as file:
            file.seek(start)
            return web.Response(status=status, headers=headers, body=file.read(stop - start))

    def _allowed(self, request: web.Request, bucket: str, key: str) -> None:
        """Conditional writes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""
        existing = self._objects.get(bucket, key)
        if request.headers.get("If-None-Match") == "*" and existing is not None:
            raise S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        wanted = request.headers.get("If-Match")
        if wanted is not None and existing is None:
            raise S3Error("NoSuchKey", "The specified key does not exist.")
        if wanted is not None and existing is not None and wanted not in {existing.etag, existing.etag.strip('"')}:
            raise S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")

    async def _put(self, request: web.Request, bucket: str, key: str) -> web.Response:
        self._allowed(request, bucket, key)
        upload, sums = await self._received(request)
        etag = f'"{upload.md5.hexdigest()}"'
        blob = self._objects.keep(upload)
        self._allowed(request, bucket, key)
        kept = {**_kept(request), **sums}
        self._objects.put(StoredObject(bucket, key, upload.size, etag, time.time(), blob, kept))
        return web.Response(headers={"ETag": etag, **sums})

    async def _received(self, request: web.Request) -> tuple[Upload, dict[str, str]]:
        """Take the body and hold it against every checksum the request gives; nothing stays of a wrong one."""
        payload = request.headers.get("x-amz-content-sha256", "")
        if request.content_length is None and not payload.startswith("STREAMING-"):
            raise S3Error("MissingContentLength", "You must provide the Content-Length HTTP header.")
        upload = self._objects.incoming()
        try:
            crc = 0
            trailers: dict[str, str] = {}
            chunks = _unchunked(request, trailers) if payload.startswith("STREAMING-") else _body(request)
            async for chunk in chunks:
                upload.write(chunk)
                crc = zlib.crc32(chunk, crc)
            sums = _checked(request, trailers, upload, crc, payload)
        except BaseException:
            upload.drop()
            raise
        return upload, sums

    def _copy(self, request: web.Request, bucket: str, key: str) -> web.Response:
        source_bucket, _, source_key = unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")
        source = self._objects.get(source_bucket, source_key)
        if source is None:
            raise S3Error("NoSuchKey", "The specified key does not exist.")
        wanted = request.headers.get("x-amz-copy-source-if-match")
        unwanted = request.headers.get("x-amz-copy-source-if-none-match")
        if (wanted and wanted.strip('"') != source.etag.strip('"')) or (
            unwanted and unwanted.strip('"') == source.etag.strip('"')
        ):
            raise S3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        self._allowed(request, bucket, key)
        replace = request.headers.get("x-amz-metadata-directive", "COPY") == "REPLACE"
        headers = _kept(request) if replace else source.headers
        now = time.time()
        self._objects.put(StoredObject(bucket, key, source.size, source.etag, now, source.blob, headers))
        root = ET.Element("CopyObjectResult")
        _fields(root, ETag=source.etag, LastModified=_iso(now))
        return _xml(root)

    def _begin(self, request: web.Request, bucket: str, key: str) -> web.Response:
        identifier = secrets.token_hex(16)
        self._store.put(_UPLOADS, identifier, {"bucket": bucket, "key": key, "headers": _kept(request), "parts": {}})
        root = ET.Element("InitiateMultipartUploadResult")
        _fields(root, Bucket=bucket, Key=key, UploadId=identifier)
        return _xml(root)

    def _running(self, identifier: str) -> dict[str, Any]:
        found = self._store.get(_UPLOADS, identifier)
        if found is None:
            raise S3Error("NoSuchUpload", "The specified upload does not exist.")
        return found

    async def _put_part(self, request: web.Request, identifier: str, number: int) -> web.Response:
        self._running(identifier)
        upload, sums = await self._received(request)
        etag = upload.md5.hexdigest()
        part = {"blob": self._objects.keep(upload), "etag": etag, "size": upload.size}
        running = self._running(identifier)
        running["parts"][str(number)] = part
        self._store.put(_UPLOADS, identifier, running)
        return web.Response(headers={"ETag": f'"{etag}"', **sums})

    def _abort(self, identifier: str) -> web.Response:
        self._running(identifier)
        self._store.delete(_UPLOADS, identifier)
        return web.Response(status=204)

    async def _complete(self, request: web.Request, bucket: str, key: str, identifier: str) -> web.Response:
        body = await _whole(request)
        running = self._running(identifier)
        wanted = [item.text or "" for item in ET.fromstring(body).iter() if item.tag.endswith("PartNumber")]  # noqa: S314
        if not wanted or any(number not in running["parts"] for number in wanted):
            raise S3Error("InvalidPart", "One or more of the specified parts could not be found.")
        self._allowed(request, bucket, key)
        upload = self._objects.incoming()
        parts = [running["parts"][number] for number in wanted]
        for part in parts:
            upload.write(self._objects.blob_path(part["blob"]).read_bytes())
        joined = hashlib.md5(b"".join(bytes.fromhex(part["etag"]) for part in parts), usedforsecurity=False)
        etag = f'"{joined.hexdigest()}-{len(parts)}"'
        blob = self._objects.keep(upload)
        self._objects.put(StoredObject(bucket, key, upload.size, etag, time.time(), blob, running["headers"]))
        self._store.delete(_UPLOADS, identifier)
        root = ET.Element("CompleteMultipartUploadResult")
        _fields(root, Bucket=bucket, Key=key, ETag=etag)
        return _xml(root)


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_chunked(1 << 18):
        yield chunk


async def _whole(request: web.Request) -> bytes:
    return b"".join([chunk async for chunk in _body(request)])


async def _unchunked(request: web.Request, trailers: dict[str, str]) -> AsyncIterator[bytes]:
    """Decode aws-chunked with an unsigned trailer.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
    """
    if request.headers["x-amz-content-sha256"] != "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
        raise S3Error(
            "NotImplemented", "signed chunks are not taken here; send an unsigned trailer or a whole payload hash"
        )
    while True:
        line = await request.content.readuntil(b"\n")
        size = int(line.split(b";")[0].strip(), 16)
        if size == 0:
            break
        yield await request.content.readexactly(size)
        await request.content.readexactly(2)
    while line := (await request.content.readline()).strip():
        name, _, value = line.decode().partition(":")
        trailers[name.strip().lower()] = value.strip()


def _checked(request: web.Request, trailers: dict[str, str], upload: Upload, crc: int, payload: str) -> dict[str, str]:
    if len(payload) == 64 and payload != upload.sha256.hexdigest():
        raise S3Error(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match the body."
        )
    md5 = request.headers.get("Content-MD5")
    if md5 is not None and _decoded(md5) != upload.md5.digest():
        raise S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.")
    right = {"sha256": upload.sha256.digest(), "sha1": upload.sha1.digest(), "crc32": crc.to_bytes(4, "big")}
    sums = {}
    for name in _CHECKSUMS:
        header = f"x-amz-checksum-{name}"
        given = request.headers.get(header) or trailers.get(header)
        if given is not None and _decoded(given) != right[name]:
            raise S3Error("BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")
        if given is not None:
            sums[header] = given
    return sums


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise S3Error("InvalidDigest", "The digest you specified is not valid.") from None


def _kept(request: web.Request) -> dict[str, str]:
    kept = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
    kept.setdefault("content-type", "binary/octet-stream")
    encoding = kept.get("content-encoding", "").replace("aws-chunked", "").strip(", ")
    kept.pop("content-encoding", None)
    if encoding:
        kept["content-encoding"] = encoding
    meta = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-amz-meta-")}
    return {**kept, **meta}


def _range(header: str | None, size: int) -> tuple[int, int, int]:
    """(start, stop, status) of a single byte range; others are answered whole."""
    if header is None or not header.startswith("bytes=") or "," in header:
        return 0, size, 200
    first, _, last = header.removeprefix("bytes=").partition("-")
    try:
        start = int(first) if first else max(0, size - int(last))
        stop = min(size, int(last) + 1) if first and last else size
    except ValueError:
        return 0, size, 200
    if start >= size or start >= stop:
        raise S3Error("InvalidRange", "The requested range is not satisfiable")
    return start, stop, 206


def _common(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    head, found, _ = key[len(prefix) :].partition(delimiter)
    return prefix + head + delimiter if found else None


def _encode_token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decode_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from None


def _fields(parent: ET.Element, **values: object) -> None:
    for name, value in values.items():
        ET.SubElement(parent, name).text = str(value)


def _xml(root: ET.Element, status: int = 200) -> web.Response:
    if status == 200:
        root.set("xmlns", "http://s3.amazonaws.com/doc/2006-03-01/")
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)
    return web.Response(status=status, body=body, content_type="application/xml")


def _error(code: str, message: str, request: web.Request) -> web.Response:
    status = _STATUS.get(code, 400)
    if request.method == "HEAD":
        return web.Response(status=status)
    root = ET.Element("Error")
    _fields(root, Code=code, Message=message, Resource=request.path, RequestId=secrets.token_hex(8).upper())
    return _xml(root, status)


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))
