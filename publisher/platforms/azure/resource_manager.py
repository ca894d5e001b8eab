"""Azure Resource Manager, as far as deployments of a static site need it.

Reference: https://learn.microsoft.com/rest/api/appservice/static-sites. Operations that take long:
https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.platforms.azure.credentials import RESOURCE_MANAGER, Credentials
from publisher.retries import Answer, Budget, RetryPolicy, call, requested_delay

ENDPOINT = "https://management.azure.com"
API_VERSION = "2025-05-01"
_POLICY = RetryPolicy(
    hints={
        400: "Azure finds the request wrong; its words say why. Nothing was published.",
        401: "Sign in with an identity of the site's tenant: see the ARM_* variables.",
        403: "Give the identity the role Website Contributor on the site's resource group.",
        404: "The site does not exist (any more); run `pulumi refresh`, then `pulumi up`.",
    }
)
_ONCE = RetryPolicy(attempts=1, hints=_POLICY.hints, healing_statuses=_POLICY.healing_statuses | {409})
_LONGEST = 1800.0
"""Seconds until a deployment is given up."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: What the content server says when it cannot tell, or could not be reached; another try may heal it.
#: https://github.com/Azure/static-web-apps/issues/942, https://github.com/Azure/static-web-apps/issues/1740
_PASSING = ("unsure if deployment was successful", "experiencing problems communicating", "upload timed out")


@dataclass(frozen=True)
class Build:
    """The environment that visitors get."""

    status: str
    """WaitingForDeployment, Uploading, Deploying, Ready, Failed, Deleting or Detached."""
    updated: str
    """When it was last changed, as Azure writes it."""
    number: str = ""
    """Its id; ``default`` for the one that visitors get."""

    @property
    def under_way(self) -> bool:
        """Whether a deployment is being put in place."""
        return self.status in {"Uploading", "Deploying"}


class ResourceManager:
    """One static site, by its resource id."""

    def __init__(self, http: aiohttp.ClientSession, credentials: Credentials, site_id: str) -> None:
        self._http = http
        self._credentials = credentials
        self._site = f"{ENDPOINT}{site_id}"
        self._budget = Budget()

    async def build(self) -> Build:
        """State of the environment that visitors get."""
        answer = await self._call("GET", f"{self._site}/builds/default", "reading the site's state")
        found = answer.json()["properties"]
        return Build(str(found.get("status", "")), str(found.get("lastUpdatedOn", "")), str(found.get("buildId", "")))

    async def settled(self) -> Build:
        """The same, when no deployment is under way any more."""
        deadline = time.monotonic() + _LONGEST
        pause = _FIRST_PAUSE
        while (build := await self.build()).under_way:
            pause = await _waited(pause, None, deadline)
        return build

    async def deploy(self, link: str, title: str) -> None:
        """Have Azure fetch a package and put it in place; asked once, and waited for.

        Raises PlatformUnavailable where it is not known what came of it, PlatformRefused where nothing can.
        """
        properties = {"appZipUrl": link, "deploymentTitle": title, "provider": "peacefulrobot-infra"}
        answer = await self._call(
            "POST",
            f"{self._site}/zipdeploy",
            "deploying the package",
            _ONCE,
            json={"properties": properties},
        )
        await self._finished(answer)

    async def _finished(self, answer: Answer) -> None:
        deadline = time.monotonic() + _LONGEST
        pause = _FIRST_PAUSE
        watched = _header(answer, "Azure-AsyncOperation") or _header(answer, "Location")
        while watched is not None:
            pause = await _waited(pause, answer, deadline)
            answer = await self._call("GET", watched, "following the deployment", parameters=False)
            status = _status(answer)
            if status in {"Failed", "Canceled"}:
                raise _failed(answer)
            if status == "Succeeded":
                return

    async def _call(
        self,
        method: str,
        url: str,
        action: str,
        policy: RetryPolicy = _POLICY,
        *,
        parameters: bool = True,
        **options: Any,
    ) -> Answer:
        if parameters:
            options["params"] = {"api-version": API_VERSION}
        return await call(
            self._http,
            method,
            url,
            platform="azure",
            action=action,
            policy=policy,
            budget=self._budget,
            headers={"Accept": "application/json", **await self._credentials.header(RESOURCE_MANAGER)},
            **options,
        )


def _header(answer: Answer, name: str) -> str | None:
    return next((value for key, value in answer.headers.items() if key.lower() == name.lower()), None)


def _status(answer: Answer) -> str:
    """Of an operation; where its resource is watched in its place, the status code says whether it is done."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    if isinstance(document, dict) and isinstance(document.get("status"), str):
        return str(document["status"])
    return "InProgress" if answer.status == 202 else "Succeeded"


def _failed(answer: Answer) -> Exception:
    found = (answer.json() or {}).get("error") or {}
    said = f"{found.get('code', 'no code')}: {found.get('message', 'no reason given')}"[:500]
    if any(words in said.lower() for words in _PASSING):
        return PlatformUnavailable(f"azure: the deployment ended without a clear answer ({said}). Run again later.")
    return PlatformRefused(
        f"azure: the deployment failed ({said}). The release that was live before stays live; correct what the words "
        "name, then run again."
    )


async def _waited(pause: float, answer: Answer | None, deadline: float) -> float:
    """Wait as long as Azure asks, at least ``pause`` seconds; returns the next pause."""
    if time.monotonic() > deadline:
        raise PlatformUnavailable(f"azure: the deployment did not end within {_LONGEST:.0f} s. Run again later.")
    asked = requested_delay(answer.headers) if answer is not None else None
    await asyncio.sleep(min(max(pause, asked or 0.0), 30.0))
    return min(pause * 1.5, _LONGEST_PAUSE)
