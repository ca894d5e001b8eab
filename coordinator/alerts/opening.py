"""Puts the channels together by the stack's settings, and opens the outbox with what sends from it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from coordinator import credentials
from coordinator.alerts.channels import Channel
from coordinator.alerts.mail import Mail
from coordinator.alerts.mastodon import Mastodon
from coordinator.alerts.matrix import Matrix
from coordinator.alerts.outbox import Outbox
from coordinator.alerts.selfcheck import SelfCheck
from coordinator.alerts.settings import Alerts
from coordinator.alerts.webhook import Webhook
from coordinator.credentials import Credentials
from coordinator.errors import Refused
from coordinator.settings import StackSettings
from coordinator.supervisor import Task

_SECONDS = 30.0
#: Names of the tasks.
SENDING, CHECKING = "alerts", "alerting's own check"


@dataclass(frozen=True)
class AlertOrder:
    """Who is told, and with which secrets; everything in it has been checked."""

    stack: str
    site: str
    settings: Alerts
    secrets: Credentials


def alert_order(stack: str, settings: StackSettings, environment: Mapping[str, str] = os.environ) -> AlertOrder:
    """What the settings ask for; raises Refused with all mistakes at once. Without a channel nobody is told."""
    secrets, mistakes = credentials.read(settings.coordinator, environment, "alerts.")
    if mistakes:
        raise Refused(credentials.report(stack, mistakes))
    return AlertOrder(stack, settings.site_name, settings.coordinator.alerts, secrets)


@asynccontextmanager
async def opened(wanted: AlertOrder, state: Path, tasks: dict[str, Task]) -> AsyncIterator[Outbox]:
    """The outbox to add messages to; what sends from it is added to ``tasks``, for the supervisor.

    ``state`` is the folder for what must survive a restart. Raises DiskRefuses.
    """
    own = wanted.settings
    async with AsyncExitStack() as held:
        http = await held.enter_async_context(client())
        channels = channels_of(wanted, http)
        path = state / f"{wanted.stack}.alerts.sqlite"
        outbox = await held.enter_async_context(Outbox(path, channels, most_per_hour=own.most_per_hour))
        if channels:
            check = SelfCheck(
                outbox,
                wanted.site,
                heartbeat=own.heartbeat,
                silence=float(own.silence),
                http=http,
                url=_value(wanted, "alerts.heartbeatUrl", own.heartbeat_url),
            )
            tasks[SENDING], tasks[CHECKING] = outbox.run, check.run
        yield outbox


def client() -> httpx.AsyncClient:
    """What the channels speak HTTP with. It follows no redirection: a token must not go to another host."""
    return httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)


def channels_of(wanted: AlertOrder, http: httpx.AsyncClient) -> list[Channel]:
    """The channels that are set up."""
    own, secrets, found = wanted.settings, wanted.secrets, list[Channel]()
    if mail := own.mail:
        password = secrets["alerts.mail.password"] if mail.password else ""
        found.append(
            Mail(mail.host, mail.real_port, mail.sender, mail.recipients, mail.user, password, mail.encryption)
        )
    if matrix := own.matrix:
        found.append(Matrix(matrix.homeserver, matrix.room, secrets["alerts.matrix.token"], http))
    if mastodon := own.mastodon:
        found.append(Mastodon(mastodon.instance, secrets["alerts.mastodon.token"], http, mastodon.visibility))
    if webhook := own.webhook:
        secret = secrets["alerts.webhook.secret"] if webhook.secret else ""
        found.append(Webhook(_value(wanted, "alerts.webhook.url", webhook.url), secret, http))
    return found


def _value(wanted: AlertOrder, key: str, given: str | None) -> str:
    """A value that may be a secret: what was read where it is named, or as it stands in the settings."""
    return wanted.secrets.get(key) or given or ""
