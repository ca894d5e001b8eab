"""The coordinator's secrets: read once at the start, from where the settings say, all mistakes at once."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from coordinator.delivery_settings import Delivery, secrets_of
from coordinator.errors import Refused
from coordinator.signatures import WeakSecret, strong
from coordinator.strict_settings import Address

#: Variables that the publication itself reads. The coordinator's own are kept from it, so they need names of their own.
OF_THE_PUBLICATION = frozenset(
    {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "VERCEL_API_TOKEN", "GOOGLE_CREDENTIALS", "GITLAB_TOKEN"),
        *("ARM_CLIENT_SECRET", "NETLIFY_AUTH_TOKEN", "CLOUDFLARE_API_TOKEN", "PULUMI_CONFIG_PASSPHRASE"),
        *("PULUMI_ACCESS_TOKEN", "GITHUB_TOKEN", "UPTIMEROBOT_API_KEY"),
    }
)
_TOO_SHORT = 8
_KEY_BYTES = 24


class Credentials:
    """Secrets by their key in the settings. They are shown nowhere."""

    def __init__(self, values: Mapping[str, str], variables: frozenset[str]) -> None:
        self._values = dict(values)
        self.variables = variables
        """Names of variables that hold one; a deployment does not get them."""

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def get(self, key: str) -> str | None:
        """The secret, where the settings name one."""
        return self._values.get(key)

    def __repr__(self) -> str:
        """Without values."""
        return f"Credentials({', '.join(sorted(self._values))})"

    def hidden(self, text: str) -> str:
        """``text`` without any of the secrets, for what others have said."""
        for value in self._values.values():
            text = text.replace(value, "…")
        return text


def read(
    settings: Delivery, environment: Mapping[str, str], part: str | tuple[str, ...] = ""
) -> tuple[Credentials, list[str]]:
    """The secrets, and a sentence for each that is missing, weak or misplaced.

    Only those whose key begins with ``part``, or with one of several.
    """
    values, mistakes = {}, []
    for key, source in secrets_of(settings).items():
        if not key.startswith(part):
            continue
        try:
            values[key] = checked(key, _found(source, environment))
        except (Refused, WeakSecret) as error:
            mistakes.append(f"{key}: {error.message if isinstance(error, Refused) else error}")
        name = source.removeprefix("env:")
        if settings.deploy == "up" and source.startswith("env:") and name in OF_THE_PUBLICATION:
            mistakes.append(f"{key}: {name} belongs to the publication; use a variable of another name")
    sources = secrets_of(settings, unused=True).values()
    named = frozenset(source.removeprefix("env:") for source in sources if source.startswith("env:"))
    return Credentials(values, named), mistakes


def report(stack: str, mistakes: Sequence[str]) -> str:
    """All mistakes of the setting ``coordinator`` and its secrets, a line each."""
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}"
    lines = [f"  - coordinator.{mistake}" for mistake in sorted(mistakes)]
    return "\n".join([f"{count} in Pulumi.{stack}.yaml and its secrets; the coordinator did not start:", *lines])


def checked(key: str, value: str) -> str:
    """The value; raises WeakSecret or Refused, whose text does not hold it."""
    if key == "alerts.mail.password":
        return value
    if not value.isascii() or not value.isprintable():
        raise Refused("has a character that no header can carry; copy it again")
    if key in {"alerts.webhook.url", "alerts.heartbeatUrl"}:
        return _address(value)
    if key == "alerts.webhook.secret":
        return _signing_key(value, "secret of Standard Webhooks")
    if key.endswith("signingKey"):
        return _signing_key(value, "signing key as GitLab shows it")
    if key.startswith("webhooks."):
        return strong("it", value)
    if len(value) < _TOO_SHORT:
        raise Refused(f"has {len(value)} characters, which is no token; copy it again")
    return value


def _address(value: str) -> str:
    try:
        return TypeAdapter(Address).validate_python(value)
    except ValidationError:
        raise Refused("is no address that begins with https:// (nothing else is spoken to); copy it again") from None


def _signing_key(value: str, what: str) -> str:
    try:
        key = b64decode(value.removeprefix("whsec_"), validate=True)
    except (ValueError, binascii.Error):
        raise Refused(f"is no {what} (base64, whsec_ in front); copy it again") from None
    if len(key) < _KEY_BYTES:
        raise Refused(f"is a key of {len(key)} bytes and needs {_KEY_BYTES} or more")
    return value


def _found(source: str, environment: Mapping[str, str]) -> str:
    kind, _, place = source.partition(":")
    if kind == "env":
        if value := environment.get(place, "").strip():
            return value
        raise Refused(f"the variable {place} is not set")
    path = Path(place).expanduser()
    if not path.is_absolute():
        path = Path(environment.get("CREDENTIALS_DIRECTORY", ".")) / path
    try:
        value = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Refused(f"the file {path} cannot be read: {reason}") from None
    if not value:
        raise Refused(f"the file {path} is empty")
    return value
