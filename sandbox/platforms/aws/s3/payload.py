"""Takes the body of a request in, however it is framed, and holds it against every digest that came with it.

Framing: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html (signed chunks) and
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html (trailers, unsigned chunks).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.platforms.aws.objects import CHECKSUMS, ObjectStore, Upload
from sandbox.platforms.aws.s3.answers import S3Error
from sandbox.platforms.aws.signatures import ChunkSigner

MAX_SINGLE = 5 * 1024**3
_MAX_CHUNK = 64 * 1024 * 1024
_READ = 1 << 18
_STREAMING = {
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
}
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass
class Payload:
    """The body of one request; ``signer`` checks signed chunks."""

    request: web.Request
    signer: ChunkSigner
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """What x-amz-content-sha256 says: a digest, or how the body is framed. Raises S3Error."""
        value = self.request.headers.get("x-amz-content-sha256", "")
        if value in _STREAMING or value == "UNSIGNED-PAYLOAD" or _HEX_DIGEST.fullmatch(value):
            return value
        raise S3Error("InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-… or a SHA-256")

    async def received(self, objects: ObjectStore, *, least: str | None = "crc64nvme") -> tuple[Upload, dict[str, str]]:
        """The bytes, complete and checked, and their checksum headers; nothing stays of wrong ones.

        Where the request gives no checksum, ``least`` is made, as S3 does.
        """
        self._check_size()
        name = self._checksum_name()
        upload = objects.incoming(name or least)
        try:
            async for chunk in self._chunks():
                upload.write(chunk)
            self._check_whole(upload)
            sums = self._check_checksum(upload, name)
        except BaseException:
            upload.drop()
            raise
        if name is None and least is not None:
            sums = {f"x-amz-checksum-{least}": base64.b64encode(upload.checksum).decode()}
        return upload, sums

    async def document(self, objects: ObjectStore) -> bytes:
        """A small body, whole and checked."""
        if (self.request.content_length or 0) > 2 * 1024 * 1024:
            raise S3Error("MalformedXML")
        pieces: list[bytes] = []
        upload = objects.incoming(self._checksum_name())
        async for chunk in self._chunks():
            upload.write(chunk)
            pieces.append(chunk)
        self._check_whole(upload)
        self._check_checksum(upload, self._checksum_name())
        upload.drop()
        return b"".join(pieces)

    def has_digest(self) -> bool:
        """Whether the client says what it sends: DeleteObjects demands Content-MD5 or a checksum."""
        return "Content-MD5" in self.request.headers or self._checksum_name() is not None

    def _check_size(self) -> None:
        headers = self.request.headers
        streaming = self.hash in _STREAMING
        length = headers.get("x-amz-decoded-content-length") if streaming else headers.get("Content-Length")
        if length is None or not length.isdigit():
            raise S3Error("MissingContentLength")
        if int(length) > MAX_SINGLE:
            raise S3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")

    def _checksum_name(self) -> str | None:
        """Which x-amz-checksum the request gives, as a header or as a trailer."""
        headers = self.request.headers
        trailer = headers.get("x-amz-trailer", "").lower()
        names = [name for name in CHECKSUMS if f"x-amz-checksum-{name}" in headers or trailer.endswith(f"-{name}")]
        if len(names) > 1:
            raise S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header")
        asked = headers.get("x-amz-sdk-checksum-algorithm", "").lower()
        if asked and [asked] != names:
            raise S3Error(
                "InvalidRequest",
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer",
            )
        return names[0] if names else None

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self.hash not in _STREAMING:
            async for chunk in self.request.content.iter_chunked(_READ):
                yield chunk
            return
        try:
            async for chunk in self._unframed():
                yield chunk
        except (asyncio.IncompleteReadError, ValueError):
            raise S3Error("IncompleteBody", "The request body terminated unexpectedly") from None

    async def _unframed(self) -> AsyncIterator[bytes]:
        content, signed = self.request.content, "HMAC" in self.hash
        while True:
            head, _, extension = (await content.readuntil(b"\r\n")).strip().partition(b";")
            size = int(head, 16)
            if size > _MAX_CHUNK:
                raise S3Error("InvalidChunkSizeError", "Chunks of more than 64 MB are not taken")
            chunk = await content.readexactly(size)
            if signed:
                self.signer.check_chunk(chunk, extension.decode().removeprefix("chunk-signature="))
            if size == 0:
                break
            if await content.readexactly(2) != b"\r\n":
                raise S3Error("IncompleteBody", "A chunk is not as long as it says")
            yield chunk
        await self._read_trailers(signed=signed and self.hash.endswith("-TRAILER"))

    async def _read_trailers(self, *, signed: bool) -> None:
        covered = b""
        while line := (await self.request.content.readline()).strip():
            name, _, value = line.decode().partition(":")
            self.trailers[name.strip().lower()] = value.strip()
            if name.strip().lower() != "x-amz-trailer-signature":
                covered += line + b"\n"
        if signed:
            self.signer.check_trailer(covered, self.trailers.get("x-amz-trailer-signature", ""))

    def _check_whole(self, upload: Upload) -> None:
        headers = self.request.headers
        if self.hash in _STREAMING and headers.get("x-amz-decoded-content-length") != str(upload.size):
            raise S3Error("IncompleteBody", "You did not provide the number of bytes specified")
        if _HEX_DIGEST.fullmatch(self.hash) and self.hash != upload.sha256.hex():
            raise S3Error(
                "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match the body."
            )
        md5 = headers.get("Content-MD5")
        if md5 is not None and _decoded(md5, 16, "InvalidDigest") != upload.md5:
            raise S3Error("BadDigest", "The Content-MD5 you specified did not match what we received.")

    def _check_checksum(self, upload: Upload, name: str | None) -> dict[str, str]:
        if name is None:
            return {}
        header = f"x-amz-checksum-{name}"
        given = self.request.headers.get(header) or self.trailers.get(header)
        if given is None:
            raise S3Error("MalformedTrailerError", "The request lacks the trailer that x-amz-trailer announces")
        if _decoded(given, len(upload.checksum), "InvalidRequest") != upload.checksum:
            raise S3Error("BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")
        return {header: given}


def _decoded(text: str, size: int, code: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        found = b""
    if len(found) != size:
        raise S3Error(code, "The digest or checksum you specified is not valid.")
    return found
