"""Secrets that the plugin ``publisher`` makes, as the program declares them."""

from __future__ import annotations

import pulumi


class WebhookSecret(pulumi.CustomResource):
    """32 random bytes for signing webhooks; the same at every run until ``rotation`` changes."""

    secret: pulumi.Output[str]
    """As 64 hex digits."""
    signing: pulumi.Output[str]
    """The same bytes as GitLab and Standard Webhooks write them: ``whsec_`` and base64."""

    def __init__(self, name: str, rotation: str, opts: pulumi.ResourceOptions) -> None:
        """Declare it; both outputs are secrets."""
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["secret", "signing"])
        inputs = {"rotation": rotation, "secret": None, "signing": None}
        super().__init__("publisher:index:WebhookSecret", name, inputs, pulumi.ResourceOptions.merge(opts, hidden))


class SshKey(pulumi.CustomResource):
    """An Ed25519 key pair; the same at every run until ``rotation`` changes."""

    public: pulumi.Output[str]
    """One line, ``ssh-ed25519 …``, with the comment."""
    private: pulumi.Output[str]
    """In OpenSSH's form, in base64: one line, so that GitLab can mask it."""
    fingerprint: pulumi.Output[str]
    """``SHA256:…`` of the public key."""

    def __init__(self, name: str, comment: str, rotation: str, opts: pulumi.ResourceOptions) -> None:
        """Declare it; the private half is a secret."""
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["private"])
        made = dict.fromkeys(("public", "private", "fingerprint"))
        inputs = {"comment": comment, "rotation": rotation, **made}
        super().__init__("publisher:index:SshKey", name, inputs, pulumi.ResourceOptions.merge(opts, hidden))
