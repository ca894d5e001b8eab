"""What joins the repositories: webhooks, triggers, variables, secrets, keys, protected branches, and trust by OIDC.

With the setting ``delivery`` left out, nothing of it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pulumi

    from components.settings import Settings


def check(settings: Settings) -> None:
    """Raise DeliveryError with every mistake that the settings alone do not show, before anything is declared."""
    if settings.delivery.on:
        from components.delivery import checks

        checks.check(settings.delivery, settings.hosts, checks.today_utc(), os.environ)


def declare(settings: Settings, hosts: Mapping[str, Any]) -> pulumi.Output[dict[str, Any]] | None:
    """Declare what the setting ``delivery`` asks for; returns what the coordinator is to be given, a secret."""
    if not settings.delivery.on:
        return None
    from components.delivery.component import Delivery

    return Delivery("delivery", settings, hosts).handed
