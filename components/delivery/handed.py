"""What a forge's module is given: secrets and variables for its pipeline, and what a webhook is signed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.delivery.generated import SshKey, WebhookSecret

#: Names under which a pipeline finds what is made here.
CONTENT_KEY = "CONTENT_SSH_KEY_BASE64"
INFRASTRUCTURE = "INFRA_REPOSITORY"
TRIGGER_TOKEN = "INFRA_TRIGGER_TOKEN"  # noqa: S105 - a variable's name
TRIGGER_REF = "INFRA_REF"


@dataclass(frozen=True)
class Handed:
    """For one forge."""

    tokens: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """Secrets of the deploying job, by the name of its variable."""
    variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What the job needs to sign in by OIDC. No secrets."""
    hook_url: str = ""
    """Where pushes of content are told; empty declares no webhook."""
    webhook: WebhookSecret | None = None
    key: SshKey | None = None
    """Its private half reads the content repository."""


def resource_part(variable: str) -> str:
    """Part of a resource's name: ``VERCEL_API_TOKEN`` → ``vercel-api-token``."""
    return variable.lower().replace("_", "-")
