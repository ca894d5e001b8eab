"""AWS Signature Version 4 and 4A, as a server checks them.

V4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; chunks:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html. V4A adds ECDSA over P-256 with a key derived from
the secret (the derivation is the one of the open AWS SDKs).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from multidict import CIMultiDictProxy

from sandbox.platforms.aws.account import REGION

ACCESS_KEY = "AKIASANDBOXSANDBOX00"
SECRET_KEY = "sandbox/secret/key/of/the/local/aws/00000"  # noqa: S105 - the same on every machine, opens nothing
_SKEW = 900.0
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_EMPTY = hashlib.sha256(b"").hexdigest()
_AUTHORIZATION = re.compile(
    r"^(AWS4-HMAC-SHA256|AWS4-ECDSA-P256-SHA256) +Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]+)$"
)


class SignatureError(Exception):
    """The request is not signed as it must be; ``code`` is S3's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class SignedRequest:
    """What a signature covers; ``target`` is the request target as it came, in origin form."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Lower-case names; repeated headers joined by commas."""


@dataclass
class ChunkSigner:
    """Says which signature the next chunk of a streamed V4 payload must bear; each one covers the one before."""

    stamp: str
    scope: str
    previous: str

    def check_chunk(self, chunk: bytes, signature: str) -> None:
        """Hold a chunk (also the empty last one) against its signature; raises SignatureError."""
        self._check("AWS4-HMAC-SHA256-PAYLOAD", f"{_EMPTY}\n{hashlib.sha256(chunk).hexdigest()}", signature)

    def check_trailer(self, lines: bytes, signature: str) -> None:
        """Hold the trailing headers (``name:value`` and a line feed each) against theirs; raises SignatureError."""
        self._check("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(lines).hexdigest(), signature)

    def _check(self, kind: str, digests: str, signature: str) -> None:
        message = "\n".join([kind, self.stamp, self.scope, self.previous, digests]).encode()
        right = hmac.new(_v4_key(self.scope), message, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, signature):
            raise SignatureError("SignatureDoesNotMatch", "The signature of a chunk does not match the one calculated.")
        self.previous = right


def header_map(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """Lower-case name → value; repeated headers joined by commas, as the signature has them."""
    joined: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
    return joined


def check(
    request: SignedRequest, *, service: str, payload_hash: str, encode_path_again: bool, now: float
) -> ChunkSigner:
    """Check credential, time and signature; raises SignatureError."""
    found = _AUTHORIZATION.match(request.headers.get("authorization", ""))
    if found is None:
        raise SignatureError("AccessDenied", "Access Denied: the request is not signed")
    algorithm, credential, names, signature = found.groups()
    access_key, _, scope = credential.partition("/")
    _check_credential(access_key, request.headers)
    stamp = request.headers.get("x-amz-date", "")
    _check_time(stamp, now)
    _check_scope(scope.split("/"), service, stamp, regional=algorithm == "AWS4-HMAC-SHA256")
    signed = names.split(";")
    _check_covered(signed, request.headers)
    canonical = _canonical(request, signed, payload_hash, encode_path_again)
    message = "\n".join([algorithm, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()]).encode()
    right = _right_v4(message, scope, signature) if algorithm == "AWS4-HMAC-SHA256" else _right_v4a(message, signature)
    if not right:
        raise SignatureError("SignatureDoesNotMatch", "The request signature we calculated does not match yours.")
    return ChunkSigner(stamp, scope, signature)


def _check_credential(access_key: str, headers: Mapping[str, str]) -> None:
    if access_key != ACCESS_KEY:
        raise SignatureError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    if "x-amz-security-token" in headers:
        raise SignatureError("InvalidToken", "The provided token is malformed or otherwise invalid.")


def _check_time(stamp: str, now: float) -> None:
    try:
        sent = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise SignatureError("AccessDenied", "X-Amz-Date is missing or malformed") from None
    if abs(sent - now) > _SKEW:
        raise SignatureError("RequestTimeTooSkewed", "The difference between the request time and ours is too large.")


def _check_scope(parts: list[str], service: str, stamp: str, *, regional: bool) -> None:
    expected = [stamp[:8], REGION, service, "aws4_request"] if regional else [stamp[:8], service, "aws4_request"]
    if parts != expected:
        raise SignatureError(
            "AuthorizationHeaderMalformed", f"The credential scope is wrong; expecting '{'/'.join(expected)}'"
        )


def _check_covered(signed: list[str], headers: Mapping[str, str]) -> None:
    """Host and everything of AWS's own must be signed."""
    needed = {"host", *(name for name in headers if name.startswith("x-amz-"))}
    if not needed <= set(signed):
        raise SignatureError("AccessDenied", "There were headers present in the request which were not signed")


def _canonical(request: SignedRequest, signed: list[str], payload_hash: str, encode_path_again: bool) -> str:
    raw_path, _, raw_query = request.target.partition("?")
    path = quote(raw_path, safe="/~-._") if encode_path_again else quote(unquote(raw_path), safe="/~-._")
    pairs = sorted(
        (quote(unquote_plus(name), safe="~-._"), quote(unquote_plus(value), safe="~-._"))
        for name, _, value in (part.partition("=") for part in raw_query.split("&") if part)
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = "".join(f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in signed)
    return "\n".join([request.method, path, query, headers, ";".join(signed), payload_hash])


def _right_v4(message: bytes, scope: str, signature: str) -> bool:
    return hmac.compare_digest(hmac.new(_v4_key(scope), message, hashlib.sha256).hexdigest(), signature)


@lru_cache(maxsize=64)
def _v4_key(scope: str) -> bytes:
    key = b"AWS4" + SECRET_KEY.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _right_v4a(message: bytes, signature: str) -> bool:
    try:
        _v4a_key().verify(bytes.fromhex(signature), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=1)
def _v4a_key() -> ec.EllipticCurvePublicKey:
    """Public half of the key that clients derive from access key and secret (NIST SP 800-108, counter mode)."""
    for counter in range(1, 255):
        context = ACCESS_KEY.encode() + bytes([counter])
        fixed = b"\x00\x00\x00\x01AWS4-ECDSA-P256-SHA256\x00" + context + b"\x00\x00\x01\x00"
        candidate = hmac.new(b"AWS4A" + SECRET_KEY.encode(), fixed, hashlib.sha256).digest()
        number = int.from_bytes(candidate, "big")
        if number <= _ORDER - 2:
            return ec.derive_private_key(number + 1, ec.SECP256R1()).public_key()
    raise AssertionError("no key can be derived from the secret")
