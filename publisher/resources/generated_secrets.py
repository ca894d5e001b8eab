"""``publisher:index:WebhookSecret`` and ``publisher:index:SshKey``: made once, kept in the state, encrypted.

They are made anew when the input ``rotation`` changes, and by nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from publisher.errors import PublisherError
from publisher.resources.handler import UNKNOWN, Failure, Handler, Request, Values

#: Bytes; the length of the hash that signs: https://www.rfc-editor.org/rfc/rfc2104#section-3
_SECRET_BYTES = 32


class _Generated(Handler):
    """What only this resource knows. Made again it is another one, so a state without it is an error."""

    made: tuple[str, ...]

    async def check(self, request: Request) -> tuple[Values, list[Failure]]:
        """The program gives words of one line each."""
        wrong = [key for key, value in request.inputs.items() if "\n" in str(value) or not str(value).isprintable()]
        return request.inputs, [Failure(key, "must be one line of printable characters") for key in wrong]

    async def create(self, request: Request) -> tuple[str, Values]:
        """Make it; at a preview it is not known yet. The id is a name for it, of no value to anybody."""
        if request.preview:
            return "", {**request.inputs, **dict.fromkeys(self.made, UNKNOWN)}
        return f"{request.name}-{secrets.token_hex(4)}", {**request.inputs, **self.generate(request.inputs)}

    async def update(self, request: Request) -> Values:
        """Made anew where the rotation is another; a new comment alone changes no secret."""
        if request.inputs.get("rotation") != request.outputs.get("rotation"):
            return (await self.create(request))[1]
        missing = [key for key in self.made if key not in request.outputs]
        if missing:
            raise PublisherError(f"{request.name}: the state has no {', '.join(missing)}; change delivery.rotation.")
        return {**request.outputs, **request.inputs}

    def generate(self, inputs: Values) -> Values:
        """The outputs in ``made``."""
        raise NotImplementedError


class WebhookSecretHandler(_Generated):
    """Input: rotation. Outputs beside it: secret (64 hex digits) and signing, the same bytes as ``whsec_…``."""

    token = "publisher:index:WebhookSecret"  # noqa: S105 - a type token
    made = ("secret", "signing")
    secrets = made

    def generate(self, inputs: Values) -> Values:
        """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme."""
        key = secrets.token_bytes(_SECRET_BYTES)
        return {"secret": key.hex(), "signing": f"whsec_{base64.b64encode(key).decode()}"}


class SshKeyHandler(_Generated):
    """Inputs: comment, rotation. Outputs beside them: public, private (base64 of OpenSSH's form) and fingerprint."""

    token = "publisher:index:SshKey"  # noqa: S105 - a type token
    made = ("public", "private", "fingerprint")
    secrets = ("private",)

    def generate(self, inputs: Values) -> Values:
        """An Ed25519 pair. https://www.rfc-editor.org/rfc/rfc8709."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return {
            "public": f"{public.decode()} {inputs['comment']}",
            "private": base64.b64encode(private).decode(),
            "fingerprint": fingerprint(public),
        }

    async def update(self, request: Request) -> Values:
        """A new comment changes the public line only."""
        outputs = await super().update(request)
        if outputs["public"] != UNKNOWN:
            kind, key, *_ = outputs["public"].split(" ", 2)
            outputs["public"] = f"{kind} {key} {request.inputs['comment']}"
        return outputs


def fingerprint(public: bytes) -> str:
    """As ``ssh-keygen -l`` prints it, of ``ssh-ed25519 BASE64``."""
    digest = hashlib.sha256(base64.b64decode(public.split(b" ")[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
