"""Listings of a bucket: ListObjectsV2, and ListObjects as older tools ask for it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import base64
import binascii
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import web

from sandbox.platforms.aws.objects import ObjectStore, StoredObject, after_all_with
from sandbox.platforms.aws.s3.answers import S3Error, fields, iso, xml

_MOST = 1000
_GROUPED_BATCH = 64


@dataclass
class Page:
    """One page; ``following`` is the first key that the next page may show, None on the last page."""

    contents: list[StoredObject] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    following: str | None = None

    def __len__(self) -> int:
        return len(self.contents) + len(self.prefixes)


def listing(objects: ObjectStore, bucket: str, query: Mapping[str, str]) -> web.Response:
    """Answer ListObjectsV2 or ListObjects. Raises S3Error."""
    prefix, delimiter, limit = query.get("prefix", ""), query.get("delimiter", ""), _limit(query)
    page = paged(objects, bucket, prefix, delimiter, _start(query, prefix, delimiter), limit)
    encode = _encoding(query)
    root = ET.Element("ListBucketResult")
    truncated = "true" if page.following is not None else "false"
    fields(root, Name=bucket, Prefix=encode(prefix), MaxKeys=limit, IsTruncated=truncated)
    if delimiter:
        fields(root, Delimiter=encode(delimiter))
    if "encoding-type" in query:
        fields(root, EncodingType="url")
    (_second if query.get("list-type") == "2" else _first)(root, query, page, encode)
    for found in page.contents:
        entry = ET.SubElement(root, "Contents")
        fields(entry, Key=encode(found.key), LastModified=iso(found.modified), ETag=found.etag, Size=found.size)
        fields(entry, StorageClass="STANDARD")
    for common in page.prefixes:
        fields(ET.SubElement(root, "CommonPrefixes"), Prefix=encode(common))
    return xml(root)


def _second(root: ET.Element, query: Mapping[str, str], page: Page, encode: Callable[[str], str]) -> None:
    fields(root, KeyCount=len(page))
    if "start-after" in query:
        fields(root, StartAfter=encode(query["start-after"]))
    if "continuation-token" in query:
        fields(root, ContinuationToken=query["continuation-token"])
    if page.following is not None:
        fields(root, NextContinuationToken=base64.urlsafe_b64encode(page.following.encode()).decode())


def _first(root: ET.Element, query: Mapping[str, str], page: Page, encode: Callable[[str], str]) -> None:
    fields(root, Marker=encode(query.get("marker", "")))
    if page.following is not None and query.get("delimiter"):
        fields(root, NextMarker=encode(max([*(found.key for found in page.contents), *page.prefixes])))


def paged(objects: ObjectStore, bucket: str, prefix: str, delimiter: str, start: str, limit: int) -> Page:
    """One page of keys with ``prefix`` from ``start`` on, grouped up to ``delimiter``."""
    page = Page()
    cursor: str | None = max(start, prefix)
    stop = after_all_with(prefix)
    while limit and cursor is not None:
        most = limit - len(page) + 1
        batch = objects.listed(bucket, cursor, stop, min(most, _GROUPED_BATCH) if delimiter else most)
        if not batch:
            break
        cursor = _fill(page, batch, prefix, delimiter, limit)
        if page.following is not None:
            break
    return page


def _fill(page: Page, batch: list[StoredObject], prefix: str, delimiter: str, limit: int) -> str | None:
    """Add a batch up to its first group or the page's end; returns where to go on."""
    for found in batch:
        if len(page) == limit:
            page.following = found.key
            return None
        common = _common(found.key, prefix, delimiter)
        if common is not None:
            page.prefixes.append(common)
            return after_all_with(common)
        page.contents.append(found)
    return batch[-1].key + "\0"


def _common(key: str, prefix: str, delimiter: str) -> str | None:
    head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
    return prefix + head + delimiter if found else None


def _start(query: Mapping[str, str], prefix: str, delimiter: str) -> str:
    if query.get("list-type") == "2":
        if "continuation-token" in query:
            return _decoded(query["continuation-token"])
        return query["start-after"] + "\0" if query.get("start-after") else ""
    marker = query.get("marker", "")
    if delimiter and marker.startswith(prefix) and _common(marker, prefix, delimiter) == marker:
        return after_all_with(marker) or ""
    return marker + "\0" if marker else ""


def _decoded(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from None


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("max-keys") or str(_MOST)
    if not text.isdigit():
        raise S3Error("InvalidArgument", "Provided max-keys not an integer or within integer range")
    return min(int(text), _MOST)


def _encoding(query: Mapping[str, str]) -> Callable[[str], str]:
    kind = query.get("encoding-type")
    if kind not in {None, "url"}:
        raise S3Error("InvalidArgument", "Invalid Encoding Method specified in Request")
    return (lambda text: quote(text, safe="/~-._")) if kind else str
