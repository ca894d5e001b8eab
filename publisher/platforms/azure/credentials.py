"""Tokens of Microsoft Entra ID, from the variables that Pulumi's provider for Azure reads.

In this order: ARM_TENANT_ID and ARM_CLIENT_ID with ARM_CLIENT_SECRET; the same two with ARM_USE_OIDC, for which a token
of the pipeline stands in for the secret (ARM_OIDC_TOKEN, ARM_OIDC_TOKEN_FILE_PATH, or asked for at
ARM_OIDC_REQUEST_URL with ARM_OIDC_REQUEST_TOKEN, as GitHub Actions names them ACTIONS_ID_TOKEN_REQUEST_*); else the
chain of ``azure-identity``: AZURE_* variables, workload identity, managed identity, ``az login``.

https://www.pulumi.com/registry/packages/azure-native/installation-configuration/,
https://learn.microsoft.com/python/api/overview/azure/identity-readme#defaultazurecredential
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.proxies import proxy_for
from publisher.retries import Budget, RetryPolicy, call

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

# azure-identity is imported where it is used: that takes 0.2 s, and a preview needs no token.

_ENTRA = "login.microsoftonline.com"
RESOURCE_MANAGER = "https://management.azure.com/.default"
STORAGE = "https://storage.azure.com/.default"
#: What a pipeline's token must be made for: https://learn.microsoft.com/entra/workload-id/workload-identity-federation
_EXCHANGE = "api://AzureADTokenExchange"
_SIGN_IN = (
    "Set ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET, or ARM_USE_OIDC=true in place of the secret, or sign in "
    "with `az login`."
)
#: Seconds for one token. The library itself waits as long as the service asks it to, be it a day.
_PATIENCE = 90.0
_FROM_A_PIPELINE = RetryPolicy(hints=dict.fromkeys((400, 401, 403), "Give the job the permission `id-token: write`."))


class Credentials:
    """Tokens by scope, kept until shortly before they end; asked over the publisher's own HTTP client."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._found: AsyncTokenCredential | None = None
        self._assertion = ""

    async def header(self, scope: str) -> dict[str, str]:
        """Authorization for a call; raises PlatformRefused where nobody is signed in."""
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        try:
            async with asyncio.timeout(_PATIENCE):
                token = await (await self._credential()).get_token(scope)
        except ClientAuthenticationError as error:
            raise PlatformRefused(
                f"azure: Microsoft Entra ID gave no token ({_first_line(error)}). {_SIGN_IN}", status=401
            ) from error
        except TimeoutError as error:
            raise PlatformUnavailable(
                f"azure: Microsoft Entra ID gave no token within {_PATIENCE:.0f} s. The release that was live before "
                "stays live; run again later."
            ) from error
        except AzureError as error:
            raise PlatformUnavailable(
                f"azure: Microsoft Entra ID did not answer usefully ({_first_line(error)}). The release that was live "
                "before stays live; run again later."
            ) from error
        return {"Authorization": f"Bearer {token.token}"}

    async def _credential(self) -> AsyncTokenCredential:
        if self._found is None:
            self._found = await self._chosen(os.environ)
        return self._found

    async def _chosen(self, variables: Mapping[str, str]) -> AsyncTokenCredential:
        from azure.identity.aio import ClientAssertionCredential, ClientSecretCredential, DefaultAzureCredential

        tenant, client = (variables.get(name, "") for name in ("ARM_TENANT_ID", "ARM_CLIENT_ID"))
        secret = variables.get("ARM_CLIENT_SECRET")
        if tenant and client and secret:
            return ClientSecretCredential(tenant, client, secret, **self._options())
        if tenant and client and variables.get("ARM_USE_OIDC", "").lower() in {"1", "true"}:
            self._assertion = await self._pipeline_token(variables)
            return ClientAssertionCredential(tenant, client, lambda: self._assertion, **self._options())
        return DefaultAzureCredential(
            **self._options(),
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_developer_cli_credential=True,
            exclude_powershell_credential=True,
        )

    def _options(self) -> dict[str, Any]:
        from azure.core.pipeline.transport import AioHttpTransport

        transport = AioHttpTransport(session=self._http, session_owner=False)
        proxy = proxy_for(f"https://{os.environ.get('AZURE_AUTHORITY_HOST', _ENTRA).removeprefix('https://')}")
        proxies = {"https": proxy} if proxy else {}
        return {"transport": transport, "proxies": proxies, "retry_total": 4, "retry_backoff_factor": 0.1}

    async def _pipeline_token(self, variables: Mapping[str, str]) -> str:
        """Good for minutes, and used at once: Entra's own token for it lasts an hour."""
        given, file = variables.get("ARM_OIDC_TOKEN"), variables.get("ARM_OIDC_TOKEN_FILE_PATH")
        if given:
            return given
        if file:
            return _read(Path(file))
        address, pass_word = (
            variables.get(f"ARM_OIDC_REQUEST_{end}") or variables.get(f"ACTIONS_ID_TOKEN_REQUEST_{end}")
            for end in ("URL", "TOKEN")
        )
        if not address or not pass_word:
            raise PlatformRefused(
                "azure: ARM_USE_OIDC is set and there is no token to sign in with. Set ARM_OIDC_TOKEN or "
                "ARM_OIDC_TOKEN_FILE_PATH; in GitHub Actions give the job the permission `id-token: write`.",
                status=401,
            )
        answer = await call(
            self._http,
            "GET",
            address,
            platform="azure",
            action="asking the pipeline for a token",
            policy=_FROM_A_PIPELINE,
            budget=Budget(60.0),
            params={"audience": _EXCHANGE},
            headers={"Authorization": f"Bearer {pass_word}"},
        )
        return str((answer.json() or {}).get("value", ""))

    async def close(self) -> None:
        """Forget the credential; the HTTP client stays open."""
        if self._found is not None:
            await self._found.close()
            self._found = None


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformRefused(
            f"azure: the token in ARM_OIDC_TOKEN_FILE_PATH could not be read ({type(error).__name__}). "
            "Correct the path.",
            status=401,
        ) from error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
