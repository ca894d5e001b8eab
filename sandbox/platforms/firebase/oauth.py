"""Google's token endpoint: access tokens for a signed assertion of the service account, or for a refresh token.

https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests. Tokens end by the machine's
own clock, for the clients that make the assertions live by it too.
"""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.authority import write_whole
from sandbox.calls import wall_time
from sandbox.platforms.firebase.account import PROJECT, ApiError
from sandbox.store import Store

EMAIL = f"publisher@{PROJECT}.iam.gserviceaccount.com"
#: What stands for a login of a person (``FIREBASE_TOKEN``); the same on every machine, opens nothing.
REFRESH_TOKEN = "1//sandbox-refresh-token"  # noqa: S105
#: What Google's own clients send in place of a token to any address that begins with http:// (as to its emulators).
_EMULATOR_TOKEN = "owner"  # noqa: S105
_AUDIENCE = "https://oauth2.googleapis.com/token"
_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKENS = "firebase:token"
_LIFETIME = 3600
_SCOPES = frozenset(
    f"https://www.googleapis.com/auth/{name}" for name in ("firebase.hosting", "firebase", "cloud-platform")
)


class TokenEndpoint:
    """One service account, whose key is made once for each sandbox."""

    def __init__(self, store: Store, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._store = store
        self._key_file = folder / "service-account.key"
        self._document = folder / "service-account.json"
        self._key = self._loaded()

    def _loaded(self) -> rsa.RSAPrivateKey:
        if self._key_file.exists():
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            if isinstance(key, rsa.RSAPrivateKey):
                return key
        key = rsa.generate_private_key(65537, 2048)
        write_whole(self._key_file, _pem(key), mode=0o600)
        return key

    @property
    def _key_id(self) -> str:
        return f"{int(self._key.public_key().public_numbers().n) % 2**160:040x}"

    def key_file(self, url: str) -> Path:
        """The account's JSON key, with the token endpoint at ``url``."""
        document = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": self._key_id,
            "private_key": _pem(self._key).decode(),
            "client_email": EMAIL,
            "client_id": "100000000000000000001",
            "token_uri": f"{url}/token",
            "universe_domain": "googleapis.com",
        }
        write_whole(self._document, json.dumps(document, indent=2).encode(), mode=0o600)
        return self._document

    async def answer(self, request: web.Request) -> web.Response:
        """A token for a grant, or why there is none."""
        form = await request.post()
        grant = str(form.get("grant_type", ""))
        try:
            if grant == _BEARER:
                scopes = self._asserted(str(form.get("assertion", "")))
            elif grant == "refresh_token":
                scopes = _refreshed(str(form.get("refresh_token", "")))
            else:
                return _refused("unsupported_grant_type", f"Invalid grant_type: {grant}")
        except jwt.InvalidTokenError as error:
            return _refused("invalid_grant", f"Invalid JWT: {type(error).__name__}")
        except ValueError as error:
            return _refused("invalid_grant", str(error))
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._store.put(_TOKENS, token, {"scopes": scopes, "ends": time.time() + _LIFETIME})
        return web.json_response({"access_token": token, "expires_in": _LIFETIME - 1, "token_type": "Bearer"})

    def _asserted(self, assertion: str) -> list[str]:
        """Scopes of a valid assertion: signed by the key, meant for Google, for an hour at the most."""
        if jwt.get_unverified_header(assertion).get("kid") != self._key_id:
            raise ValueError("Invalid JWT Signature.")
        claims: dict[str, Any] = jwt.decode(
            assertion,
            self._key.public_key(),
            algorithms=["RS256"],
            audience=_AUDIENCE,
            issuer=EMAIL,
            leeway=10,
            options={"require": ["iss", "aud", "exp", "iat", "scope"]},
        )
        if claims["exp"] - claims["iat"] > _LIFETIME or claims["exp"] <= wall_time():
            raise ValueError(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            )
        return str(claims["scope"]).split()

    def check(self, request: web.Request) -> None:
        """Refuse a call without a token that is valid now and may do what Hosting needs."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if (kind, token) == ("Bearer", _EMULATOR_TOKEN):
            return
        found = self._store.get(_TOKENS, token) if kind == "Bearer" and token else None
        if found is None or found["ends"] < time.time():
            raise ApiError(
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
                "valid authentication credential.",
            )
        if not _SCOPES & set(found["scopes"]):
            raise ApiError("PERMISSION_DENIED", "Request had insufficient authentication scopes.")

    def revoke_all(self) -> None:
        """End every token that was given out."""
        for token in self._store.all(_TOKENS):
            self._store.delete(_TOKENS, token)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _refreshed(given: str) -> list[str]:
    if not secrets.compare_digest(given.encode(), REFRESH_TOKEN.encode()):
        raise ValueError("Token has been expired or revoked.")
    return sorted(_SCOPES)


def _refused(error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=400)
