"""Microsoft Entra ID: gives tokens to the sandbox's one application, and tells whether a token is good.

An application proves itself by its secret, or by a token of an issuer that it trusts (workload identity federation).
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow

Times are real ones: tokens are kept and renewed by clients whose clock the sandbox does not speed up.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.authority import write_whole
from sandbox.platforms.azure.account import CLIENT, CLIENT_SECRET, LOGIN_NAME, OBJECT, TENANT

_LASTS = 3599
#: What the sandbox's application trusts, as one would for a pipeline:
#: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
ISSUER, SUBJECT, AUDIENCE = (
    "https://issuer.sandbox",
    "repo:peacefulrobot/website:ref:refs/heads/main",
    "api://AzureADTokenExchange",
)
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_RESOURCES = {"https://management.azure.com", "https://storage.azure.com", "https://management.core.windows.net"}


class TokenRefused(Exception):
    """A token that is not good for what it was sent for; the text says why."""


class Entra:
    """The tenant; its keys lie in ``folder``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._secret = _kept(folder / "token.key", lambda: secrets.token_hex(32).encode())
        self._folder = folder

    def token(self, audience: str, *, lasts: float = _LASTS) -> str:
        """An access token of the sandbox's application, good for ``lasts`` seconds."""
        now = int(time.time())
        claims = {"aud": audience, "iss": f"https://sts.windows.net/{TENANT}/", "tid": TENANT, "oid": OBJECT}
        return jwt.encode(
            {**claims, "appid": CLIENT, "iat": now, "nbf": now, "exp": now + lasts}, self._secret, "HS256"
        )

    def assertion(self, **changed: Any) -> str:
        """A token of the issuer that the application trusts: what a pipeline would write to a file."""
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "exp": now + 600, **changed}
        return jwt.encode(claims, self._issuer_key(), "RS256")

    def _issuer_key(self) -> bytes:
        """Made when it is first needed: that takes longer than all else here."""
        return _kept(self._folder / "issuer.key", _new_key)

    def check(self, header: str | None, audience: str) -> None:
        """Raise TokenRefused unless an Authorization header has a good token for ``audience``."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused("Authentication failed. The 'Authorization' header is missing.")
        try:
            jwt.decode(token, self._secret, ["HS256"], audience=[audience, f"{audience}/"])
        except jwt.ExpiredSignatureError:
            raise TokenRefused("The access token expiry UTC time is earlier than current UTC time.") from None
        except jwt.InvalidAudienceError:
            raise TokenRefused("The access token has been obtained for wrong audience or resource.") from None
        except jwt.InvalidTokenError:
            raise TokenRefused("The access token is invalid.") from None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Requests to login.microsoftonline.com."""
        parts = request.path.strip("/").split("/")
        if request.path.endswith("/.well-known/openid-configuration") and parts[0] == TENANT:
            return web.json_response(_configuration())
        if request.path == "/common/discovery/instance":
            return web.json_response(_instances())
        if parts[1:] != ["oauth2", "v2.0", "token"] or request.method != "POST":
            return web.Response(status=404)
        if parts[0] != TENANT:
            return _refused("invalid_request", 90002, f"Tenant '{parts[0][:40]}' not found.", 400)
        form = {name: values[0] for name, values in parse_qs((await request.read()).decode()).items()}
        problem = self._problem(form)
        if problem is not None:
            return problem
        resource = form["scope"].split(" ")[0].removesuffix("/.default").rstrip("/")
        body = {
            "token_type": "Bearer",
            "expires_in": _LASTS,
            "ext_expires_in": _LASTS,
            "access_token": self.token(resource),
        }
        return web.json_response(body, headers={"Cache-Control": "no-store, no-cache"})

    def _problem(self, form: dict[str, str]) -> web.Response | None:
        """What is wrong with a request for a token; codes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes."""
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.", 400)
        if form.get("client_id") != CLIENT:
            return _refused("unauthorized_client", 700016, "Application was not found in the directory.", 400)
        if form.get("scope", "").split(" ")[0].removesuffix("/.default").rstrip("/") not in _RESOURCES:
            return _refused("invalid_resource", 500011, "The resource principal was not found in the tenant.", 400)
        if "client_assertion" in form:
            return self._assertion_problem(form)
        if not hmac.compare_digest(form.get("client_secret", "").encode(), CLIENT_SECRET.encode()):
            return _refused("invalid_client", 7000215, "Invalid client secret provided.", 401)
        return None

    def _assertion_problem(self, form: dict[str, str]) -> web.Response | None:
        key = serialization.load_pem_private_key(self._issuer_key(), None).public_key()
        if form.get("client_assertion_type") != _ASSERTION:
            return _refused("invalid_request", 900144, "The client_assertion_type is none that is known.", 400)
        try:
            claims = jwt.decode(form["client_assertion"], _pem(key), ["RS256"], audience=AUDIENCE, issuer=ISSUER)
        except jwt.ExpiredSignatureError:
            return _refused("invalid_client", 700024, "Client assertion is not within its valid time range.", 401)
        except jwt.InvalidTokenError:
            return _refused("invalid_client", 700027, "Client assertion failed signature validation.", 401)
        if claims.get("sub") != SUBJECT:
            return _refused("invalid_client", 700213, "No matching federated identity record found.", 401)
        return None


def _configuration() -> dict[str, Any]:
    base = f"https://{LOGIN_NAME}/{TENANT}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "issuer": f"{base}/v2.0",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
    }


def _instances() -> dict[str, Any]:
    """What clients ask before they trust a name: https://github.com/AzureAD/microsoft-authentication-library-for-python."""
    cloud = {"preferred_network": LOGIN_NAME, "preferred_cache": "login.windows.net", "aliases": [LOGIN_NAME]}
    endpoint = f"https://{LOGIN_NAME}/common/.well-known/openid-configuration"
    return {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [cloud]}


def _refused(error: str, code: int, text: str, status: int) -> web.Response:
    body = {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")


def _kept(path: Path, make: Any) -> bytes:
    if not path.exists():
        write_whole(path, make(), mode=0o600)
    return path.read_bytes()


def _pem(key: Any) -> bytes:
    found: bytes = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return found


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
