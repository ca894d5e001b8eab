"""The setting ``coordinator.alerts``: who is told of an outage, and how. Light to import: the program checks it too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from coordinator.strict_settings import Address, Secret, SecretOrAddress, Strict

#: One address and nothing else: no name, no comma, no line break, so that nothing can become a second header.
_Mailbox = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")
]
_Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]
_PORTS = {"starttls": 587, "tls": 465}


class MailAlerts(Strict):
    """A mail server that takes mail from its users, over TLS only."""

    host: _Host
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0 is the usual one: 587 for ``starttls``, 465 for ``tls``."""
    encryption: Literal["starttls", "tls"] = "starttls"
    sender: _Mailbox
    recipients: Annotated[tuple[_Mailbox, ...], Field(min_length=1, max_length=50)]
    user: Annotated[str, Field(pattern=r"^[\x21-\x7e]*$")] = ""
    password: Secret | None = None

    @model_validator(mode="after")
    def _whole_login(self) -> MailAlerts:
        if bool(self.user) != (self.password is not None):
            raise ValueError("give user and password, or neither for a server that takes mail from this machine")
        return self

    @property
    def real_port(self) -> int:
        """The port that is spoken to."""
        return self.port or _PORTS[self.encryption]


class MatrixAlerts(Strict):
    """A room that the token's account has joined; it must not be encrypted."""

    homeserver: Address
    room: Annotated[str, Field(pattern=r"^!\S+$", max_length=255)]
    """Its internal id, which begins with ``!``; not an alias."""
    token: Secret


class MastodonAlerts(Strict):
    """An account whose posts everybody may read."""

    instance: Address
    token: Secret
    """Scope ``write:statuses``."""
    visibility: Literal["public", "unlisted", "private"] = "public"


class WebhookAlerts(Strict):
    """An address of one's own; Standard Webhooks."""

    url: SecretOrAddress
    """``https://…``, or where it is read from if the address itself is a secret."""
    secret: Secret | None = None
    """Signs each message: base64, ``whsec_`` in front or not."""


class Alerts(Strict):
    """Channels, and how much they are asked to carry."""

    mail: MailAlerts | None = None
    matrix: MatrixAlerts | None = None
    mastodon: MastodonAlerts | None = None
    webhook: WebhookAlerts | None = None
    most_per_hour: Annotated[int, Field(ge=1, le=1000)] = 20
    """Messages of one channel in any hour; what is more waits."""
    heartbeat: Annotated[str, Field(pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d$")] = "07:00"
    """Time of day (UTC) at which the private channels say that alerting works; empty is never."""
    heartbeat_url: SecretOrAddress | None = None
    """Asked once a day after every channel has taken the heartbeat, for a service that notices when it is not."""
    silence: Annotated[int, Field(ge=60, le=86400)] = 600
    """Seconds after which a channel that takes nothing is reported by the others."""

    @model_validator(mode="after")
    def _fits_together(self) -> Alerts:
        if self.heartbeat_url and not (self.heartbeat and self.names):
            raise ValueError("heartbeatUrl needs a channel and heartbeat: it says that the day's heartbeat got through")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Channels that are set up."""
        return tuple(name for name in ("mail", "matrix", "mastodon", "webhook") if getattr(self, name) is not None)


def alert_secrets_of(settings: Alerts) -> dict[str, str]:
    """Where each secret comes from, by its key: ``alerts.matrix.token`` → ``env:NAME``."""
    found = {
        "alerts.mail.password": settings.mail and settings.mail.password,
        "alerts.matrix.token": settings.matrix and settings.matrix.token,
        "alerts.mastodon.token": settings.mastodon and settings.mastodon.token,
        "alerts.webhook.url": settings.webhook and settings.webhook.url,
        "alerts.webhook.secret": settings.webhook and settings.webhook.secret,
        "alerts.heartbeatUrl": settings.heartbeat_url,
    }
    return {key: source for key, source in found.items() if source and source.startswith(("env:", "file:"))}
