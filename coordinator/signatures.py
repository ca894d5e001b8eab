"""Who sent a webhook? Checked over the raw bytes of the body, before anything of it is read.

GitHub signs with HMAC-SHA256 and sends no time, so a captured request can be sent again for ever; that is why a push
only ever means "deploy the tip of the configured branch". GitLab sends a plain token, or signs as Standard Webhooks do.
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
https://www.standardwebhooks.com
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from standardwebhooks import Webhook

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as ASGI gives them; a name may come twice."""
LEAST_SECRET = 24
"""Characters that a secret has at least."""
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Forged(Exception):
    """The request does not prove that it comes from the forge. The text holds no value of the request."""


class WeakSecret(ValueError):
    """A secret is missing or short: without a good one anybody could start deployments."""


def strong(name: str, secret: str) -> str:
    """Return the secret; raises WeakSecret, which names ``name`` and not the value."""
    if len(secret) < LEAST_SECRET:
        raise WeakSecret(
            f"{name} has {len(secret)} characters and needs {LEAST_SECRET} or more, or anybody could guess it. Make "
            "one with `openssl rand -hex 32`, set it here and in the forge's webhook"
        )
    return secret


@dataclass(frozen=True)
class GitHubSecret:
    """Checks ``X-Hub-Signature-256``."""

    secret: str

    def check(self, headers: Headers, body: bytes) -> None:
        """Raise Forged unless the body is signed with the secret; SHA-1 signatures do not count."""
        given = _only(headers, b"x-hub-signature-256")
        wanted = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(given, b"sha256=" + wanted):
            raise Forged("X-Hub-Signature-256 does not fit the body")


@dataclass(frozen=True)
class GitLabToken:
    """Compares ``X-Gitlab-Token``."""

    token: str

    def check(self, headers: Headers, body: bytes) -> None:
        """Raise Forged unless the token is the configured one."""
        del body
        if not hmac.compare_digest(_only(headers, b"x-gitlab-token"), self.token.encode()):
            raise Forged("X-Gitlab-Token is not the configured one")


@dataclass(frozen=True)
class GitLabSigning:
    """Checks a Standard Webhooks signature, which covers id, time and body; five minutes off is too far.

    A token in the same request is not looked at: whoever knows only that must not get in.
    """

    key: str
    """As GitLab shows it; ``whsec_`` in front may stay."""

    @cached_property
    def _webhook(self) -> Webhook:
        return Webhook(self.key)

    def check(self, headers: Headers, body: bytes) -> None:
        """Raise Forged unless one of the signatures fits."""
        given = {name: _only(headers, name.encode()).decode("latin-1") for name in _SIGNED}
        if not given["webhook-timestamp"].isascii() or not given["webhook-timestamp"].isdigit():
            raise Forged("webhook-timestamp is no whole number")
        try:
            self._webhook.verify(body, given)
        except Exception as error:  # noqa: BLE001 - the library lets decoding errors of what was sent escape
            raise Forged(f"webhook-signature does not fit ({type(error).__name__})") from None


def _only(headers: Headers, name: bytes) -> bytes:
    found = [value for key, value in headers if key == name]
    if len(found) != 1 or not found[0]:
        raise Forged(f"{name.decode()} must stand in the request once; it does {len(found)} times")
    return found[0]
