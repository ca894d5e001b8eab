"""Uploads in parts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
import xml.etree.ElementTree as ET
from typing import Any

from sandbox.platforms.aws.account import MULTIPART_UPLOAD
from sandbox.platforms.aws.objects import CHECKSUMS, ObjectStore, StoredObject, Upload
from sandbox.platforms.aws.s3.answers import S3Error
from sandbox.store import Document, Store

_LEAST_PART = 5 * 1024 * 1024
_MOST_PARTS = 10_000
_READ = 1 << 20


class MultipartUploads:
    """Uploads under way; they survive a restart as objects do."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects
        objects.also_used = self._blobs

    def begin(self, bucket: str, key: str, headers: dict[str, str], algorithm: str) -> str:
        """Start; returns the upload id. ``algorithm`` is one of ``CHECKSUMS`` or empty."""
        identifier = secrets.token_hex(16)
        document = {"bucket": bucket, "key": key, "headers": headers, "algorithm": algorithm, "parts": {}}
        self._store.put(MULTIPART_UPLOAD, identifier, document)
        return identifier

    def running(self, bucket: str, key: str, identifier: str) -> Document:
        """An upload of this key. Raises S3Error."""
        found = self._store.get(MULTIPART_UPLOAD, identifier)
        if found is None or (found["bucket"], found["key"]) != (bucket, key):
            raise S3Error("NoSuchUpload")
        return found

    def put_part(self, place: tuple[str, str], identifier: str, number: str, upload: Upload, sum_: str) -> str:
        """Keep a part, in place of the earlier one of this number; returns its ETag without quotes."""
        if not number.isdigit() or not 1 <= int(number) <= _MOST_PARTS:
            raise S3Error("InvalidArgument", f"Part number must be an integer between 1 and {_MOST_PARTS}, inclusive")
        running = self.running(*place, identifier)
        etag = upload.md5.hex()
        part = {"blob": self._objects.keep(upload), "etag": etag, "size": upload.size, "sum": sum_}
        running["parts"][number] = part
        self._store.put(MULTIPART_UPLOAD, identifier, running)
        return etag

    def abort(self, bucket: str, key: str, identifier: str) -> None:
        """Forget an upload. Raises S3Error."""
        self._forget(identifier, self.running(bucket, key, identifier))

    def of_bucket(self, bucket: str) -> list[tuple[str, Document]]:
        """(id, upload) of all under way."""
        found = self._store.all(MULTIPART_UPLOAD).items()
        return [(identifier, document) for identifier, document in found if document["bucket"] == bucket]

    def _blobs(self) -> list[str]:
        """What parts still need."""
        uploads = self._store.all(MULTIPART_UPLOAD).values()
        return [part["blob"] for upload in uploads for part in upload["parts"].values()]

    def complete(self, bucket: str, key: str, identifier: str, wanted: ET.Element) -> StoredObject:
        """Join the parts that the client lists. Raises S3Error."""
        running = self.running(bucket, key, identifier)
        parts = _chosen(running["parts"], wanted)
        upload = self._objects.incoming()
        for part in parts:
            with self._objects.blob_path(part["blob"]).open("rb") as opened:
                while chunk := opened.read(_READ):
                    upload.write(chunk)
        joined = hashlib.md5(b"".join(bytes.fromhex(part["etag"]) for part in parts), usedforsecurity=False)
        etag = f'"{joined.hexdigest()}-{len(parts)}"'
        headers = {**running["headers"], **_composite(running["algorithm"], parts)}
        found = StoredObject(bucket, key, upload.size, etag, time.time(), "", headers)
        self._objects.take(upload, found)
        self._forget(identifier, running)
        return found

    def _forget(self, identifier: str, running: Document) -> None:
        self._store.delete(MULTIPART_UPLOAD, identifier)
        self._objects.drop(part["blob"] for part in running["parts"].values())


def _chosen(there: dict[str, Any], wanted: ET.Element) -> list[dict[str, Any]]:
    listed = [(item.findtext("PartNumber") or "", item) for item in wanted.findall("Part")]
    if not listed:
        raise S3Error("MalformedXML")
    if any(number not in there or not _same(there[number], item) for number, item in listed):
        raise S3Error("InvalidPart")
    numbers = [int(number) for number, _ in listed]
    if sorted(set(numbers)) != numbers:
        raise S3Error("InvalidPartOrder")
    parts = [there[number] for number, _ in listed]
    if any(part["size"] < _LEAST_PART for part in parts[:-1]):
        raise S3Error("EntityTooSmall")
    return parts


def _same(part: dict[str, Any], item: ET.Element) -> bool:
    sums = [child.text for child in item if child.tag.startswith("Checksum")]
    return (item.findtext("ETag") or "").strip('"') == part["etag"] and all(given == part["sum"] for given in sums)


def _composite(algorithm: str, parts: list[dict[str, Any]]) -> dict[str, str]:
    """Checksum of the parts' checksums; only where every part came with one."""
    if algorithm not in CHECKSUMS or algorithm == "crc64nvme" or not all(part["sum"] for part in parts):
        return {}
    digest = CHECKSUMS[algorithm]()
    for part in parts:
        digest.update(base64.b64decode(part["sum"]))
    value = base64.b64encode(digest.digest()).decode()
    return {f"x-amz-checksum-{algorithm}": f"{value}-{len(parts)}", "x-amz-checksum-type": "COMPOSITE"}
