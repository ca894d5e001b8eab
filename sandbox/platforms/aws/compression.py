"""What CloudFront compresses.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html. Brotli, which the real
one prefers where a visitor takes both, is not offered here.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from sandbox.platforms.aws.reply import Reply

_SIZES = range(1_000, 10_000_001)
_AT_ONCE = 256 * 1024
_CACHED_BYTES = 64 * 1024 * 1024
_APPLICATION = """dash+xml eot font font-sfnt javascript json opentype otf pdf pkcs7-mime protobuf rss+xml truetype ttf
vnd.apple.mpegurl vnd.mapbox-vector-tile vnd.ms-fontobject wasm xhtml+xml xml x-font-opentype x-font-truetype x-font-ttf
x-httpd-cgi x-javascript x-mpegurl x-opentype x-otf x-perl x-ttf"""
_TEXT = """css csv html javascript js plain richtext tab-separated-values xml x-component x-java-source x-script"""
TYPES = frozenset({
    *(f"application/{name}" for name in _APPLICATION.split()),
    *(f"text/{name}" for name in _TEXT.split()),
    *(f"font/{name}" for name in ("eot", "opentype", "otf", "ttf")),
    "image/svg+xml",
    "vnd.apple.mpegurl",
})  # fmt: skip


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a visitor's Accept-Encoding takes gzip."""
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        quality = parameters.replace(" ", "").removeprefix("q=")
        if name.strip() in {"gzip", "*"}:
            return not (quality and quality.strip("0.") == "")
    return False


def is_compressible(reply: Reply) -> bool:
    """Whether type, size and coding are those that CloudFront compresses."""
    media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    return (
        reply.status == 200 and media_type in TYPES and "content-encoding" not in reply.headers and reply.size in _SIZES
    )


class Compressor:
    """Compressed bodies by the file they are made of; content-addressed files never change."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, bytes] = OrderedDict()
        self._bytes = 0

    async def compressed(self, reply: Reply) -> Reply:
        """The gzip variant: weak ETag, Content-Encoding."""
        body = await self._body(reply.body, reply.size)
        headers = {**reply.headers, "content-encoding": "gzip"}
        if reply.etag.startswith('"'):
            headers["etag"] = f"W/{reply.etag}"
        return replace(reply, headers=headers, body=body)

    async def _body(self, body: bytes | Path, size: int) -> bytes:
        if isinstance(body, bytes):
            return gzip.compress(body, 6, mtime=0)
        kept = self._kept.get(body)
        if kept is None:
            kept = await asyncio.to_thread(_file, body) if size > _AT_ONCE else _file(body)
            self._keep(body, kept)
        else:
            self._kept.move_to_end(body)
        return kept

    def _keep(self, file: Path, body: bytes) -> None:
        replaced = self._kept.pop(file, b"")
        self._kept[file] = body
        self._bytes += len(body) - len(replaced)
        while self._bytes > _CACHED_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1])


def _file(file: Path) -> bytes:
    return gzip.compress(file.read_bytes(), 6, mtime=0)
