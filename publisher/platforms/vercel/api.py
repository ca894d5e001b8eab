"""Vercel's REST API, as far as projects and deployments need it: https://vercel.com/docs/rest-api.

Rate limits are answered with 429 and told in X-RateLimit-Reset (Unix seconds) and Retry-After:
https://vercel.com/docs/rest-api#rate-limits.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from publisher.errors import PlatformRefused
from publisher.retries import Answer, Budget, RetryPolicy, call

TOKEN_VARIABLE = "VERCEL_API_TOKEN"  # noqa: S105 - the variable's name
_POLICY = RetryPolicy(
    hints={
        400: "Vercel finds the request wrong; its words say why. Nothing was published.",
        401: f"Set {TOKEN_VARIABLE} in the environment to an access token that is valid.",
        402: "The plan does not include this, or its allowance is used up until the next month.",
        403: f"The token in {TOKEN_VARIABLE} is not valid (any more), or may not do this in this team.",
        404: "The project or deployment does not exist (any more); run `pulumi refresh`, then `pulumi up`.",
    }
)
_ONCE = replace(_POLICY, attempts=1)
_PAGE = 100

Document = dict[str, Any]


def base_url() -> str:
    """API address without a slash at the end; ``VERCEL_API_URL`` names another one."""
    return os.environ.get("VERCEL_API_URL", "https://api.vercel.com").rstrip("/")


class VercelApi:
    """Calls for one project with the token of the environment; one budget for retries."""

    def __init__(self, http: aiohttp.ClientSession, project: str, team: str = "") -> None:
        self._http = http
        self._project = project
        self._team = {"teamId": team} if team else {}
        self._budget = Budget()

    async def _call(self, method: str, path: str, action: str, policy: RetryPolicy = _POLICY, **options: Any) -> Answer:
        token = os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise PlatformRefused(f"vercel: {TOKEN_VARIABLE} is not set. Put an access token into it.")
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", **options.pop("headers", {})}
        return await call(
            self._http,
            method,
            base_url() + path,
            platform="vercel",
            action=action,
            policy=policy,
            budget=self._budget,
            headers=headers,
            params={**self._team, **options.pop("params", {})},
            **options,
        )

    async def project(self) -> Document | None:
        """The project, or None where it is gone."""
        path = f"/v9/projects/{quote(self._project)}"
        answer = await self._call("GET", path, "reading the project", expected=frozenset({200, 404}))
        return dict(answer.json()) if answer.status == 200 else None

    async def domains(self) -> list[Document]:
        """Names that the project's production deployment is served under."""
        path = f"/v9/projects/{quote(self._project)}/domains"
        query = {"limit": str(_PAGE), "production": "true"}
        return list((await self._call("GET", path, "reading the project's domains", params=query)).json()["domains"])

    async def deployments(self, since: datetime | None = None) -> list[Document]:
        """Deployments of the project, newest first: all, or those made ``since`` then."""
        found: list[Document] = []
        query = {"projectId": self._project, "limit": str(_PAGE)}
        if since is not None:
            query["since"] = str(int(since.timestamp() * 1000))
        while True:
            answer = (await self._call("GET", "/v6/deployments", "listing deployments", params=query)).json()
            found += answer["deployments"]
            following = (answer.get("pagination") or {}).get("next")
            if not following:
                return found
            query["until"] = str(following)

    async def newest(self) -> Document | None:
        """The project's newest production deployment, or None."""
        query = {"projectId": self._project, "limit": "1", "target": "production"}
        answer = (await self._call("GET", "/v6/deployments", "asking for the newest deployment", params=query)).json()
        return next((dict(one) for one in answer["deployments"]), None)

    async def create(self, body: Document) -> tuple[Document | None, list[str]]:
        """Make a deployment; (None, digests) where files are missing. Asked once: see who calls it."""
        query = {"skipAutoDetectionConfirmation": "1", "prebuilt": "1"}
        answer = await self._call(
            "POST",
            "/v13/deployments",
            "making the deployment",
            _ONCE,
            params=query,
            json=body,
            expected=frozenset({200, 201, 400}),
        )
        found = answer.json()
        if answer.status != 400:
            return dict(found), []
        error = found.get("error") or {}
        if error.get("code") == "missing_files":
            return None, list(error["missing"])
        raise PlatformRefused(
            f"vercel: making the deployment was refused with HTTP 400 ({error.get('code')}: {error.get('message')}). "
            f"{_POLICY.hints[400]}",
            status=400,
        )

    async def deployment(self, deployment: str) -> Document:
        """State of a deployment."""
        path = f"/v13/deployments/{quote(deployment)}"
        return dict((await self._call("GET", path, "reading the deployment")).json())

    async def delete(self, deployment: str) -> None:
        """Delete a deployment; one that is gone already is no error."""
        path = f"/v13/deployments/{quote(deployment)}"
        await self._call("DELETE", path, "deleting an old deployment", expected=frozenset({200, 204, 404}))

    async def upload(self, sha1: str, size: int, body: Callable[[], bytes | AsyncIterator[bytes]], path: str) -> None:
        """Send one file's bytes; one that is there already is no error."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "x-vercel-digest": sha1,
            "x-now-digest": sha1,
            "x-now-size": str(size),
        }
        accepted = frozenset({200, 201, 409})
        await self._call("POST", "/v2/files", f"uploading {path}", headers=headers, body=body, expected=accepted)

    async def promote(self, deployment: str) -> None:
        """Begin to give the production domains to a deployment; an earlier promotion of it still runs: no error."""
        path = f"/v10/projects/{quote(self._project)}/promote/{quote(deployment)}"
        expected = frozenset({200, 201, 202, 409})
        await self._call("POST", path, "promoting the deployment", json={}, expected=expected)

    async def alias(self, domain: str) -> str | None:
        """Id of the deployment that a domain leads to, or None."""
        path = f"/v4/aliases/{quote(domain)}"
        answer = await self._call("GET", path, "reading the domain", expected=frozenset({200, 404}))
        return answer.json().get("deploymentId") if answer.status == 200 else None

    async def assign(self, deployment: str, domain: str) -> None:
        """Let a domain lead to a deployment, however old."""
        path = f"/v2/deployments/{quote(deployment)}/aliases"
        await self._call("POST", path, "giving the domain to the deployment", json={"alias": domain})


def moment(milliseconds: float) -> datetime:
    """Vercel's times, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
