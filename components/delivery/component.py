"""The delivery component: made only where the setting ``delivery`` names a forge."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from typing import Any

import pulumi

from components.delivery import github, gitlab, tokens
from components.delivery.checks import CLOUDS, today_utc
from components.delivery.generated import SshKey, WebhookSecret
from components.delivery.handed import Handed
from components.delivery.trust import trusted
from components.settings import Settings


class Delivery(pulumi.ComponentResource):
    """What joins the repositories, at each forge that is set."""

    handed: pulumi.Output[dict[str, Any]]
    """What the coordinator is to be given, by forge: a secret."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        hosts: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        *,
        today: datetime.date | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Declare it, after ``delivery.check``; warns of tokens that end soon."""
        delivery, today = settings.delivery, today or today_utc()
        pipelines = trusted(delivery)
        super().__init__("peacefulrobot:delivery:Delivery", name, {"forges": [one.name for one in pipelines]}, opts)
        for warning in tokens.ending(delivery.tokens, today):
            pulumi.log.warn(warning, self)
        self._name = name
        self._settings = delivery
        self._keeps = tokens.in_pipeline(environment)
        self._tokens = {key: pulumi.Output.secret(environment.get(key, tokens.KEPT)) for key in delivery.tokens}
        self._variables = self._clouds(hosts)
        handed = {forge.name: self._forge(forge.name) for forge in pipelines}
        self.handed = pulumi.Output.secret(pulumi.Output.all(**handed))
        self.register_outputs({})

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _clouds(self, hosts: Mapping[str, Any]) -> dict[str, dict[str, pulumi.Input[str]]]:
        """Forge → variables with which its pipeline signs in to the clouds."""
        found: dict[str, dict[str, pulumi.Input[str]]] = {}
        for key, module in CLOUDS.items():
            own = getattr(self._settings, key)
            if own is None:
                continue
            scope = hosts[module.HOST].scope
            made = module.declare(f"{self._name}-{key}", own, trusted(self._settings), scope, self._child())
            for forge, variables in made.items():
                found.setdefault(forge, {}).update(variables)
        return found

    def _forge(self, forge: str) -> dict[str, pulumi.Input[str]]:
        """Declare one forge; returns what the coordinator needs for it."""
        own = getattr(self._settings, forge)
        name, rotation = f"{self._name}-{forge}", self._settings.rotation
        url = f"{self._settings.coordinator}/hooks/{forge}" if self._settings.coordinator else ""
        hooked = bool(own.content and url)
        secret = WebhookSecret(f"{name}-webhook-secret", rotation.webhooks, self._child()) if hooked else None
        comment = f"{pulumi.get_project()}-{pulumi.get_stack()}"
        key = SshKey(f"{name}-key", comment, rotation.keys, self._child()) if own.content else None
        handed = Handed(self._tokens, self._variables.get(forge, {}), url, secret, key, self._keeps)
        given: dict[str, pulumi.Input[str]] = {}
        if secret is not None:
            signed = forge == "gitlab" and own.signed
            given["signingKey" if signed else "webhookSecret"] = secret.signing if signed else secret.secret
        if forge == "github":
            github.declare(name, own, handed, self._child())
        else:
            given["triggerToken"] = gitlab.declare(name, own, handed, self._child())
        return given
