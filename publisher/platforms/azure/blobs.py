"""The container that keeps the packages: written once, listed, deleted; and links that let Azure fetch one.

REST API: https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api. The signature of a link is made
by ``azure-storage-blob``.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import aiohttp

from publisher.platforms.azure.credentials import STORAGE, Credentials
from publisher.platforms.azure.package import Sealed
from publisher.retries import Answer, Budget, RetryPolicy, call

_VERSION = "2024-08-04"
#: Larger packages go in blocks, so that a cut connection costs one block. Bytes.
BLOCK = 8 * 1024 * 1024
_BLOCKS_AT_ONCE = 4
#: A link lasts long enough for a deployment, and begins early enough for clocks that differ.
_LINK_LASTS, _LINK_BEFORE = timedelta(hours=1), timedelta(minutes=5)
_MADE = frozenset({201})
_MADE_OR_THERE = frozenset({201, 409, 412})
_ROLE = "the role Storage Blob Data Contributor on the storage account"
_POLICY = RetryPolicy(
    hints={
        400: "The storage account finds the request wrong; its words say why. Nothing was published.",
        401: "Sign in with an identity of the storage account's tenant: see the ARM_* variables.",
        403: f"Give the identity {_ROLE}; it takes some minutes to count. Nothing was published.",
        404: "The storage account or its container is gone; run `pulumi refresh`, then `pulumi up`.",
    }
)


@dataclass(frozen=True)
class Blob:
    """A blob as the service describes it."""

    name: str
    size: int
    """Bytes."""
    md5: str
    """Content-MD5, base64; empty where the service has none."""
    modified: datetime
    metadata: Mapping[str, str]


class Blobs:
    """One private container."""

    def __init__(
        self, http: aiohttp.ClientSession, credentials: Credentials, endpoint: str, account: str, container: str
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._endpoint = endpoint.rstrip("/")
        self._account = account
        self._container = container
        self._budget = Budget()

    async def find(self, name: str) -> Blob | None:
        """A blob's properties, or None where there is none."""
        answer = await self._call("HEAD", self._url(name), f"looking for {name}", expected=frozenset({200, 404}))
        if answer.status == 404:
            return None
        headers = {key.lower(): value for key, value in answer.headers.items()}
        metadata = {key[10:]: value for key, value in headers.items() if key.startswith("x-ms-meta-")}
        modified = parsedate_to_datetime(headers["last-modified"])
        return Blob(name, int(headers["content-length"]), headers.get("content-md5", ""), modified, metadata)

    async def list(self, prefix: str) -> list[Blob]:
        """Blobs under a prefix, 5,000 a request, in the order of their names."""
        found: list[Blob] = []
        marker = ""
        while True:
            query = {"restype": "container", "comp": "list", "prefix": prefix, "include": "metadata"}
            if marker:
                query["marker"] = marker
            answer = await self._call("GET", f"{self._endpoint}/{self._container}", "listing packages", params=query)
            page = Xml.fromstring(answer.body)  # noqa: S314 - from the user's own storage account, over TLS
            found += [_listed(item) for item in page.iterfind("Blobs/Blob")]
            marker = page.findtext("NextMarker") or ""
            if not marker:
                return found

    async def write(self, name: str, package: Sealed, metadata: Mapping[str, str]) -> None:
        """Write a blob once; one that is there already is left as it is. Every byte is checked by its MD5."""
        properties = {
            "x-ms-blob-content-type": "application/zip",
            "x-ms-blob-content-md5": package.md5,
            "If-None-Match": "*",
            **{f"x-ms-meta-{key}": value for key, value in metadata.items()},
        }
        action = f"writing {name}"
        if package.size <= BLOCK:
            body = b"".join(package.pieces(0, package.size))
            headers = {**properties, "x-ms-blob-type": "BlockBlob", "Content-MD5": package.md5}
            await self._call("PUT", self._url(name), action, headers, expected=_MADE_OR_THERE, body=lambda: body)
            return
        blocks = await self._write_blocks(name, package)
        listed = "".join(f"<Latest>{block}</Latest>" for block in blocks)
        document = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode()
        query = {"comp": "blocklist"}
        await self._call(
            "PUT", self._url(name), action, properties, expected=_MADE_OR_THERE, body=lambda: document, params=query
        )

    async def _write_blocks(self, name: str, package: Sealed) -> Sequence[str]:
        gate, reading = asyncio.Semaphore(_BLOCKS_AT_ONCE), asyncio.Lock()
        starts = range(0, package.size, BLOCK)

        async def write(number: int, start: int) -> str:
            block = b64encode(f"{number:08d}".encode()).decode()
            async with gate:
                async with reading:
                    body = await asyncio.to_thread(lambda: b"".join(package.pieces(start, BLOCK)))
                md5 = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
                query = {"comp": "block", "blockid": block}
                action = f"writing {name}, block {number + 1} of {len(starts)}"
                await self._call(
                    "PUT",
                    self._url(name),
                    action,
                    {"Content-MD5": md5},
                    expected=_MADE,
                    body=lambda: body,
                    params=query,
                )
            return block

        return await asyncio.gather(*(write(number, start) for number, start in enumerate(starts)))

    async def delete(self, name: str) -> None:
        """Delete a blob; one that is gone already is no error."""
        await self._call("DELETE", self._url(name), f"deleting {name}", expected=frozenset({202, 404}))

    async def link(self, name: str) -> str:
        """Address under which whoever has it can read this one blob for an hour; as secret as a password.

        Signed with a key of the caller's identity: https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas.
        """
        from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas

        start, end = datetime.now(UTC) - _LINK_BEFORE, datetime.now(UTC) + _LINK_LASTS
        wanted = f"<KeyInfo><Start>{_iso(start)}</Start><Expiry>{_iso(end)}</Expiry></KeyInfo>".encode()
        query = {"restype": "service", "comp": "userdelegationkey"}
        answer = await self._call(
            "POST", f"{self._endpoint}/", "asking for a key for links", body=lambda: wanted, params=query
        )
        key = UserDelegationKey()  # type: ignore[no-untyped-call]
        for element in Xml.fromstring(answer.body):  # noqa: S314 - from the user's own storage account, over TLS
            setattr(key, _KEY_FIELDS.get(element.tag, element.tag.lower()), element.text)
        signature = generate_blob_sas(
            self._account,
            self._container,
            name,
            user_delegation_key=key,
            permission=BlobSasPermissions(read=True),
            start=start,
            expiry=end,
            protocol="https",
        )
        return f"{self._url(name)}?{signature}"

    def _url(self, name: str) -> str:
        return f"{self._endpoint}/{self._container}/{quote(name)}"

    async def _call(
        self,
        method: str,
        url: str,
        action: str,
        headers: Mapping[str, str] | None = None,
        *,
        expected: frozenset[int] = frozenset({200}),
        **options: Any,
    ) -> Answer:
        fixed = {"x-ms-version": _VERSION, "x-ms-date": format_datetime(datetime.now(UTC), usegmt=True)}
        if "body" in options:
            fixed["Content-Type"] = "application/octet-stream"
        return await call(
            self._http,
            method,
            url,
            platform="azure",
            action=action,
            policy=_POLICY,
            budget=self._budget,
            expected=expected,
            headers={**fixed, **(headers or {}), **await self._credentials.header(STORAGE)},
            **options,
        )


_KEY_FIELDS = {
    "SignedOid": "signed_oid",
    "SignedTid": "signed_tid",
    "SignedStart": "signed_start",
    "SignedExpiry": "signed_expiry",
    "SignedService": "signed_service",
    "SignedVersion": "signed_version",
    "Value": "value",
}


def _listed(item: Xml.Element) -> Blob:
    metadata = {child.tag.lower(): child.text or "" for child in item.iterfind("Metadata/*")}
    return Blob(
        item.findtext("Name") or "",
        int(item.findtext("Properties/Content-Length") or 0),
        item.findtext("Properties/Content-MD5") or "",
        parsedate_to_datetime(item.findtext("Properties/Last-Modified") or ""),
        metadata,
    )


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
