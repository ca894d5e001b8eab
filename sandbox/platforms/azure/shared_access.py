"""Links with a signature (user delegation SAS), and what they are good for.

https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas. Times are real ones, since clients sign
them by their own clock.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sandbox.calls import wall_time
from sandbox.platforms.azure.account import OBJECT, TENANT

#: Fields that later versions of the protocol put into what is signed.
_DELEGATED_SINCE, _REQUEST_FIELDS_SINCE = "2025-07-05", "2026-04-06"
_OLDEST = "2020-12-06"
_KEY_FIELDS = ("skoid", "sktid", "skt", "ske", "sks", "skv")


class LinkRefused(Exception):
    """A link that opens nothing; ``code`` is Azure's."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class DelegationKeys:
    """Keys that sign links; each is made of what it stands for, so none need be remembered."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def fields(self, start: str, end: str, version: str) -> dict[str, str]:
        """A key for links that are good from ``start`` to ``end``, as the service gives it out."""
        found = dict(zip(_KEY_FIELDS, (OBJECT, TENANT, start, end, "b", version), strict=True))
        return {**found, "value": self.value(found)}

    def value(self, fields: Mapping[str, str]) -> str:
        """The key itself, base64."""
        text = "\n".join(fields.get(name, "") for name in _KEY_FIELDS)
        return b64encode(hmac.digest(self._secret, text.encode(), hashlib.sha256)).decode()

    def check(self, query: Mapping[str, str], account: str, path: str, permission: str) -> None:
        """Raise LinkRefused unless the query is a good link to ``path`` (/container/blob) for ``permission``."""
        if any(not query.get(name) for name in ("sv", "sp", "se", "sr", *_KEY_FIELDS)) or query["sv"] < _OLDEST:
            raise LinkRefused("AuthenticationFailed", "the query is no user delegation SAS of a known version")
        key = b64decode(self.value(query))
        wanted = b64encode(hmac.digest(key, _signed(query, account, path).encode(), hashlib.sha256))
        if not hmac.compare_digest(wanted, query["sig"].encode()):
            raise LinkRefused("AuthenticationFailed", "Signature did not match.")
        now = datetime.fromtimestamp(wall_time(), UTC)
        if not (
            _moment(query.get("st")) <= now < _moment(query["se"])
            and _moment(query["skt"]) <= now < _moment(query["ske"])
        ):
            raise LinkRefused("AuthenticationFailed", "Signature not valid in the specified time frame")
        if query["sr"] != "b" or query.get("sip"):
            raise LinkRefused("AuthenticationFailed", "only links to one blob, from anywhere, are known here")
        if permission not in query["sp"]:
            raise LinkRefused(
                "AuthorizationPermissionMismatch",
                "This request is not authorized to perform this operation using this permission.",
            )


def secret_of(folder: Path) -> bytes:
    """The secret of all keys, derived from the tenant's."""
    return hashlib.sha256(b"delegation keys" + (folder / "token.key").read_bytes()).digest()


def _signed(query: Mapping[str, str], account: str, path: str) -> str:
    version = query["sv"]
    names = ["skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid"]
    names += ["skdutid", "sduoid"] if version >= _DELEGATED_SINCE else []
    names += ["sip", "spr", "sv", "sr", "snapshot", "ses"]
    names += ["srh", "srq"] if version >= _REQUEST_FIELDS_SINCE else []
    names += ["rscc", "rscd", "rsce", "rscl", "rsct"]
    first = [query.get("sp", ""), query.get("st", ""), query.get("se", ""), f"/blob/{account}{path}"]
    return "\n".join([*first, *(query.get(name, "") for name in names)])


def _moment(text: str | None) -> datetime:
    if not text:
        return datetime.min.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise LinkRefused("AuthenticationFailed", "a time of the link is none") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
