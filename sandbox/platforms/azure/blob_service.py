"""Blob Storage over HTTP, as far as packages need it, with the checks of the real service.

https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api, errors:
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as Xml
from xml.sax.saxutils import escape

from aiohttp import web

from sandbox.platforms.azure.account import BLOB_SUFFIX
from sandbox.platforms.azure.blob_store import BlobStore, Body
from sandbox.platforms.azure.entra import Entra, TokenRefused
from sandbox.platforms.azure.shared_access import DelegationKeys, LinkRefused
from sandbox.store import Document

AUDIENCE = "https://storage.azure.com"
_OLDEST_WITH_TOKEN = "2017-11-09"  # noqa: S105 - a version
_LONGEST_KEY = timedelta(days=7)
#: Largest body of one Put Blob and one Put Block: https://learn.microsoft.com/azure/storage/blobs/scalability-targets
_LARGEST_BLOB, _LARGEST_BLOCK = 5000 * 1024**2, 4000 * 1024**2
_PAGE = 5000


class StorageError(Exception):
    """An answer of the service that is none of success."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status = status
        self.code = code


class BlobService:
    """All storage accounts, told apart by the host name."""

    def __init__(self, blobs: BlobStore, entra: Entra, keys: DelegationKeys) -> None:
        self._blobs = blobs
        self._entra = entra
        self._keys = keys

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Requests to ``ACCOUNT.blob.core.windows.net``."""
        try:
            response = await self._routed(request)
        except StorageError as error:
            response = _error(error, request.method)
        version = request.headers.get("x-ms-version")
        own = {"x-ms-request-id": secrets.token_hex(16), "Server": "Windows-Azure-Blob/1.0"}
        response.headers.update({**own, **({"x-ms-version": version} if version else {})})
        echoed = request.headers.get("x-ms-client-request-id")
        if echoed:
            response.headers["x-ms-client-request-id"] = echoed
        return response

    async def _routed(self, request: web.Request) -> web.StreamResponse:
        account = request.host.rsplit(":", 1)[0].lower().removesuffix(BLOB_SUFFIX)
        settings = self._blobs.account(account)
        if settings is None:
            raise StorageError(400, "InvalidUri", "The account does not exist.")
        path = unquote(request.raw_path.partition("?")[0])
        self._authorize(request, settings, account, path)
        container, _, name = path.removeprefix("/").partition("/")
        query = request.query
        if not container:
            if (request.method, query.get("restype"), query.get("comp")) == ("POST", "service", "userdelegationkey"):
                return await self._delegation_key(request)
            raise StorageError(400, "UnsupportedHttpVerb", "The sandbox knows no such operation of the service.")
        if not self._blobs.has_container(account, container):
            raise StorageError(404, "ContainerNotFound", "The specified container does not exist.")
        if not name:
            if (request.method, query.get("restype"), query.get("comp")) == ("GET", "container", "list"):
                return self._list(account, container, query)
            raise StorageError(400, "UnsupportedHttpVerb", "The sandbox knows no such operation of a container.")
        return await self._on_blob(request, account, container, name)

    def _authorize(self, request: web.Request, settings: Document, account: str, path: str) -> None:
        if "sig" in request.query:
            try:
                self._keys.check(request.query, account, path, _permission(request.method))
            except LinkRefused as error:
                raise StorageError(403, error.code, str(error)) from None
            return
        header = request.headers.get("Authorization")
        if header is None:
            raise StorageError(
                409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account."
            )
        if header.startswith("SharedKey"):
            if settings.get("allowSharedKeyAccess") is False:
                raise StorageError(
                    403, "KeyBasedAuthenticationNotPermitted", "Key based authentication is not permitted."
                )
            raise StorageError(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", request.headers.get("x-ms-version", "")):
            raise StorageError(
                400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format."
            )
        if request.headers["x-ms-version"] < _OLDEST_WITH_TOKEN:
            raise StorageError(
                403, "AuthenticationFailed", "Authentication scheme Bearer is not supported in this version."
            )
        try:
            self._entra.check(header, AUDIENCE)
        except TokenRefused as error:
            raise StorageError(401, "InvalidAuthenticationInfo", str(error)) from None

    async def _delegation_key(self, request: web.Request) -> web.Response:
        try:
            document = Xml.fromstring(await request.read())  # noqa: S314 - on loopback, from the sandbox's own clients
            start, end = (document.findtext(name) or "" for name in ("Start", "Expiry"))
            first, last = (datetime.fromisoformat(text) for text in (start, end))
        except (Xml.ParseError, ValueError):
            raise StorageError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from None
        if last <= first or last - datetime.now(UTC) > _LONGEST_KEY:
            raise StorageError(
                400, "InvalidXmlNodeValue", "The value for one of the XML nodes is not in the correct format."
            )
        found = self._keys.fields(start, end, request.headers["x-ms-version"])
        names = ("SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion", "Value")
        body = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in zip(names, found.values(), strict=True))
        return _xml(200, f"<UserDelegationKey>{body}</UserDelegationKey>")

    def _list(self, account: str, container: str, query: Mapping[str, str]) -> web.Response:
        prefix, marker = query.get("prefix", ""), query.get("marker", "")
        size = min(int(query.get("maxresults", _PAGE)), _PAGE)
        found = [item for item in self._blobs.blobs(account, container, prefix) if item[0] >= marker]
        page, rest = found[:size], found[size : size + 1]
        with_metadata = "metadata" in query.get("include", "").split(",")
        items = "".join(_listed(name, blob, with_metadata=with_metadata) for name, blob in page)
        following = escape(rest[0][0]) if rest else ""
        body = (
            f'<EnumerationResults ServiceEndpoint="https://{account}{BLOB_SUFFIX}/" ContainerName="{container}">'
            f"<Prefix>{escape(prefix)}</Prefix><Blobs>{items}</Blobs><NextMarker>{following}</NextMarker>"
            "</EnumerationResults>"
        )
        return _xml(200, body)

    async def _on_blob(self, request: web.Request, account: str, container: str, name: str) -> web.StreamResponse:
        comp = request.query.get("comp")
        if request.method == "PUT" and comp is None:
            return await self._put_blob(request, account, container, name)
        if request.method == "PUT" and comp == "block":
            return await self._put_block(request, account, container, name)
        if request.method == "PUT" and comp == "blocklist":
            return await self._put_block_list(request, account, container, name)
        if comp is not None or request.method not in {"GET", "HEAD", "DELETE"}:
            raise StorageError(400, "UnsupportedHttpVerb", "The sandbox knows no such operation of a blob.")
        blob = self._blobs.blob(account, container, name)
        if blob is None:
            raise StorageError(404, "BlobNotFound", "The specified blob does not exist.")
        _check_conditions(request, blob)
        if request.method == "DELETE":
            self._blobs.delete(account, container, name)
            return web.Response(status=202)
        return await self._get(request, blob)

    async def _put_blob(self, request: web.Request, account: str, container: str, name: str) -> web.Response:
        if request.headers.get("x-ms-blob-type") != "BlockBlob":
            raise StorageError(
                400, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified."
            )
        self._check_writing(request, account, container, name)
        body = await self._received(request, _LARGEST_BLOB)
        _check_blob_md5(request, body)
        blob = self._blobs.commit(account, container, name, body, _properties(request, body.md5))
        return _written(blob, body.md5)

    async def _put_block(self, request: web.Request, account: str, container: str, name: str) -> web.Response:
        block = request.query.get("blockid", "")
        try:
            valid = 0 < len(b64decode(block, validate=True)) <= 64
        except ValueError:
            valid = False
        if not valid:
            raise StorageError(400, "InvalidQueryParameterValue", "Value for one of the query parameters is invalid.")
        body = await self._received(request, _LARGEST_BLOCK)
        self._blobs.add_block(account, container, name, block, body)
        return web.Response(status=201, headers={"Content-MD5": body.md5, "x-ms-request-server-encrypted": "true"})

    async def _put_block_list(self, request: web.Request, account: str, container: str, name: str) -> web.Response:
        self._check_writing(request, account, container, name)
        try:
            document = Xml.fromstring(await request.read())  # noqa: S314 - on loopback
        except Xml.ParseError:
            raise StorageError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from None
        joined = self._blobs.joined(account, container, name, [element.text or "" for element in document])
        if joined is None:
            raise StorageError(400, "InvalidBlockList", "The specified block list is invalid.")
        md5 = request.headers.get("x-ms-blob-content-md5", "")
        return _written(self._blobs.commit(account, container, name, joined, _properties(request, md5)), "")

    def _check_writing(self, request: web.Request, account: str, container: str, name: str) -> None:
        there = self._blobs.blob(account, container, name)
        if request.headers.get("If-None-Match") == "*" and there is not None:
            raise StorageError(409, "BlobAlreadyExists", "The specified blob already exists.")
        wanted = request.headers.get("If-Match")
        if wanted not in (None, "*") and (there is None or there["etag"] != wanted):
            raise StorageError(
                412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
            )

    async def _received(self, request: web.Request, largest: int) -> Body:
        if request.content_length is None:
            raise StorageError(411, "MissingContentLengthHeader", "Content-Length HTTP header is not specified.")
        if request.content_length > largest:
            raise StorageError(
                413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."
            )
        body = await self._blobs.receive(request.content.iter_chunked(1 << 20))
        wanted = request.headers.get("Content-MD5")
        if wanted is not None and wanted != body.md5:
            body.path.unlink()
            raise StorageError(
                400,
                "Md5Mismatch",
                "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            )
        return body

    async def _get(self, request: web.Request, blob: Document) -> web.StreamResponse:
        headers = _described(blob)
        start, stop, status = 0, int(blob["size"]), 200
        window = re.fullmatch(
            r"bytes=(\d+)-(\d*)", request.headers.get("x-ms-range") or request.headers.get("Range") or ""
        )
        if window:
            start, last = int(window[1]), int(window[2] or blob["size"] - 1)
            stop, status = min(stop, last + 1), 206
            if start >= int(blob["size"]):
                raise StorageError(
                    416, "InvalidRange", "The range specified is invalid for the current size of the resource."
                )
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob['size']}"
            headers["x-ms-blob-content-md5"] = headers.pop("Content-MD5", "")
        headers["Content-Length"] = str(stop - start)
        if request.method == "HEAD":
            return web.Response(status=200, headers=headers)
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        for piece in self._blobs.pieces(blob["file"], start, stop):
            await response.write(piece)
        return response


def _permission(method: str) -> str:
    return {"GET": "r", "HEAD": "r", "DELETE": "d"}.get(method, "w")


def _properties(request: web.Request, md5: str) -> Document:
    metadata = {
        name.lower().removeprefix("x-ms-meta-"): value
        for name, value in request.headers.items()
        if name.lower().startswith("x-ms-meta-")
    }
    if any(not re.fullmatch(r"[a-z_][a-z0-9_]*", name) for name in metadata):
        raise StorageError(
            400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not permitted."
        )
    kind = request.headers.get("x-ms-blob-content-type") or request.headers.get("Content-Type")
    return {"metadata": metadata, "content_type": kind or "application/octet-stream", "md5": md5}


def _check_blob_md5(request: web.Request, body: Body) -> None:
    wanted = request.headers.get("x-ms-blob-content-md5")
    if wanted is not None and wanted != body.md5:
        body.path.unlink()
        raise StorageError(
            400,
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
        )


def _check_conditions(request: web.Request, blob: Document) -> None:
    wanted, known = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if wanted not in (None, "*", blob["etag"]):
        raise StorageError(
            412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
        )
    if known is not None and known in ("*", blob["etag"]):
        if request.method in {"GET", "HEAD"}:
            raise StorageError(304, "ConditionNotMet")
        raise StorageError(
            412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."
        )


def _described(blob: Document) -> dict[str, str]:
    return {
        "Content-Type": blob["content_type"],
        **({"Content-MD5": blob["md5"]} if blob["md5"] else {}),
        "ETag": blob["etag"],
        "Last-Modified": formatdate(blob["modified"], usegmt=True),
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-creation-time": formatdate(blob["created"], usegmt=True),
        "x-ms-lease-state": "available",
        "x-ms-lease-status": "unlocked",
        "x-ms-server-encrypted": "true",
        **{f"x-ms-meta-{name}": value for name, value in blob["metadata"].items()},
    }


def _written(blob: Document, md5: str) -> web.Response:
    headers = {
        "ETag": blob["etag"],
        "Last-Modified": formatdate(blob["modified"], usegmt=True),
        "x-ms-request-server-encrypted": "true",
        **({"Content-MD5": md5} if md5 else {}),
    }
    return web.Response(status=201, headers=headers)


def _listed(name: str, blob: Document, *, with_metadata: bool) -> str:
    properties: dict[str, Any] = {
        "Creation-Time": formatdate(blob["created"], usegmt=True),
        "Last-Modified": formatdate(blob["modified"], usegmt=True),
        "Etag": blob["etag"].strip('"'),
        "Content-Length": blob["size"],
        "Content-Type": blob["content_type"],
        "Content-MD5": blob["md5"],
        "BlobType": "BlockBlob",
        "LeaseStatus": "unlocked",
        "LeaseState": "available",
        "ServerEncrypted": "true",
    }
    listed = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in properties.items())
    metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob["metadata"].items())
    also = f"<Metadata>{metadata}</Metadata>" if with_metadata and metadata else ""
    return f"<Blob><Name>{escape(name)}</Name><Properties>{listed}</Properties>{also}</Blob>"


def _xml(status: int, body: str) -> web.Response:
    """The service's documents begin with a byte order mark."""
    content = f'\ufeff<?xml version="1.0" encoding="utf-8"?>{body}'.encode()
    return web.Response(status=status, body=content, content_type="application/xml")


def _error(error: StorageError, method: str) -> web.Response:
    headers = {"x-ms-error-code": error.code}
    if error.status == 401:
        headers["WWW-Authenticate"] = (
            f"Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize resource_id={AUDIENCE}"
        )
    if method == "HEAD" or error.status == 304:
        return web.Response(status=error.status, headers=headers)
    now = format_datetime(datetime.now(UTC), usegmt=True)
    text = f"{error}\nTime:{now}"
    response = _xml(error.status, f"<Error><Code>{error.code}</Code><Message>{escape(text)}</Message></Error>")
    response.headers.update(headers)
    return response
