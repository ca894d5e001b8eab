"""Signed chunks against the example that AWS publishes, and against requests made by hand.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html (Example).
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from base64 import b64encode

import pytest
import requests
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.platforms.aws import signatures
from sandbox.platforms.aws.signatures import ACCESS_KEY, SECRET_KEY, ChunkSigner, SignatureError

EXAMPLE = ChunkSigner(
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
)
CHUNKS = [
    (b"a" * 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (b"a" * 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (b"", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
]


@pytest.fixture
def example_secret(monkeypatch):
    monkeypatch.setattr(signatures, "SECRET_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    signatures._v4_key.cache_clear()
    yield
    signatures._v4_key.cache_clear()


def test_the_published_example_of_signed_chunks_is_accepted(example_secret):
    signer = ChunkSigner(EXAMPLE.stamp, EXAMPLE.scope, EXAMPLE.previous)
    for chunk, signature in CHUNKS:
        signer.check_chunk(chunk, signature)


def test_a_chunk_out_of_its_order_is_refused(example_secret):
    signer = ChunkSigner(EXAMPLE.stamp, EXAMPLE.scope, EXAMPLE.previous)
    with pytest.raises(SignatureError) as error:
        signer.check_chunk(*CHUNKS[1])
    assert error.value.code == "SignatureDoesNotMatch"


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


class Framed:
    """A streamed PUT with signed chunks, made without the code under test."""

    def __init__(self, url: str, chunks: list[bytes], trailer: dict[str, str]) -> None:
        self.url, self.chunks, self.trailer = url, [*chunks, b""], trailer
        kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
        headers = {
            "x-amz-content-sha256": kind,
            "x-amz-decoded-content-length": str(sum(map(len, chunks))),
            "Content-Encoding": "aws-chunked",
            **({"x-amz-trailer": ",".join(trailer)} if trailer else {}),
        }
        request = AWSRequest("PUT", url, headers=headers)
        auth = S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1")
        auth.payload = lambda _: kind
        auth._get_content_sha256 = lambda _: kind
        auth.add_auth(request)
        self.headers = dict(request.headers)
        self.stamp = request.headers["X-Amz-Date"]

    def key(self) -> bytes:
        key = b"AWS4" + SECRET_KEY.encode()
        for part in (self.stamp[:8], "us-east-1", "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key

    def signed(self, kind: str, previous: str, rest: str) -> str:
        scope = f"{self.stamp[:8]}/us-east-1/s3/aws4_request"
        message = "\n".join([f"AWS4-HMAC-SHA256-{kind}", self.stamp, scope, previous, rest])
        return hmac.new(self.key(), message.encode(), hashlib.sha256).hexdigest()

    def body(self) -> bytes:
        signature = self.headers["Authorization"].rsplit("Signature=", 1)[1]
        pieces = []
        for chunk in self.chunks:
            signature = self.signed("PAYLOAD", signature, f"{digest(b'')}\n{digest(chunk)}")
            pieces.append(f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + chunk)
            pieces.append(b"\r\n" if chunk else b"")
        for name, value in self.trailer.items():
            signature = self.signed("TRAILER", signature, digest(f"{name}:{value}\n".encode()))
            pieces.append(f"{name}:{value}\r\nx-amz-trailer-signature:{signature}\r\n".encode())
        return b"".join([*pieces, b"\r\n"])

    def send(self, body: bytes | None = None) -> requests.Response:
        return requests.put(self.url, data=self.body() if body is None else body, headers=self.headers, timeout=20)


CRC = {"x-amz-checksum-crc32": b64encode(zlib.crc32(b"one" * 9000 + b"two").to_bytes(4, "big")).decode()}


@pytest.mark.parametrize("trailer", [{}, CRC])
def test_signed_chunks_with_and_without_a_trailer_are_taken(cloud, bucket, trailer):
    answer = Framed(f"{cloud.s3_url}/{bucket}/k", [b"one" * 9000, b"two"], trailer).send()
    assert (answer.status_code, answer.text) == (200, "")
    found = cloud.s3().get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"one" * 9000 + b"two"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (lambda body: body.replace(b"two", b"six"), "SignatureDoesNotMatch"),
        (lambda body: body.replace(b"chunk-signature=", b"chunk-signature=0", 1), "SignatureDoesNotMatch"),
        (lambda body: body.replace(CRC["x-amz-checksum-crc32"].encode(), b"AAAAAA=="), "SignatureDoesNotMatch"),
        (lambda body: body[:200], "IncompleteBody"),
        (lambda body: b"no number" + body, "IncompleteBody"),
    ],
)
def test_a_stream_that_was_changed_on_the_way_is_refused_and_nothing_is_stored(cloud, bucket, changed, code):
    framed = Framed(f"{cloud.s3_url}/{bucket}/k", [b"one" * 9000, b"two"], CRC)
    answer = framed.send(changed(framed.body()))
    assert f"<Code>{code}</Code>" in answer.text
    assert cloud.s3().list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert not list(cloud.objects.blobs.glob(".incoming-*"))
