"""What a forge's module is given: secrets and variables for its pipeline, and what a webhook is signed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.delivery.generated import SshKey, WebhookSecret

#: Names under which a pipeline finds what is made here.
CONTENT_KEY = "CONTENT_SSH_KEY_BASE64"
#: Names under which the content repository's own pipeline finds where to start a run.
REPOSITORY, PROJECT, STACK = "INFRA_REPOSITORY", "INFRA_PROJECT", "INFRA_STACK"


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
    keeps: bool = False
    """Tokens that were handed over before stay as they are: a pipeline has others, or none."""

    def token_options(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """Options of a resource whose ``value`` is a token."""
        kept = pulumi.ResourceOptions(ignore_changes=["value"] if self.keeps else None)
        return pulumi.ResourceOptions.merge(opts, kept)


def resource_part(variable: str) -> str:
    """Part of a resource's name: ``VERCEL_API_TOKEN`` → ``vercel-api-token``."""
    return variable.lower().replace("_", "-")
