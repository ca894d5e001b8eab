"""Netlify's API, as far as sites and deploys need it.

Reference: https://open-api.netlify.com/. Rate limits (500 requests a minute; X-RateLimit-Reset, no Retry-After):
https://docs.netlify.com/api-and-cli-guides/api-guides/get-started-with-api/#rate-limiting.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from publisher.errors import PlatformRefused
from publisher.retries import HEALING_STATUSES, Answer, Budget, RetryPolicy, call

TOKEN_VARIABLE = "NETLIFY_AUTH_TOKEN"  # noqa: S105 - the variable's name
_POLICY = RetryPolicy(
    hints={
        401: f"Set {TOKEN_VARIABLE} in the environment to a personal access token that is valid.",
        403: f"The token in {TOKEN_VARIABLE} may not do this; use one of a member of the site's team.",
        404: "The site or deploy does not exist (any more); run `pulumi refresh`, then `pulumi up`.",
        422: "Netlify finds the request wrong; its words say why. Nothing was published.",
    }
)
#: Uploads are sometimes answered with 401 by mistake; the official clients try those again.
_UPLOADS = replace(_POLICY, healing_statuses=HEALING_STATUSES | {401}, attempts=6)
_PAGE = 100
_ONCE = replace(_POLICY, attempts=1)


def base_url() -> str:
    """API address; ``NETLIFY_API_URL`` is read as the official client reads it (a bare origin gets ``/api/v1``)."""
    given = os.environ.get("NETLIFY_API_URL", "https://api.netlify.com")
    return given if urlsplit(given).path else f"{given}/api/v1"


class NetlifyApi:
    """Calls with the token of the environment; one budget for retries."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._budget = Budget()

    def _headers(self) -> dict[str, str]:
        token = os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            raise PlatformRefused(f"netlify: {TOKEN_VARIABLE} is not set. Put a personal access token into it.")
        return {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    async def _call(self, method: str, path: str, action: str, policy: RetryPolicy = _POLICY, **options: Any) -> Answer:
        headers = {**self._headers(), **options.pop("headers", {})}
        return await call(
            self._http,
            method,
            base_url() + path,
            platform="netlify",
            action=action,
            policy=policy,
            budget=self._budget,
            headers=headers,
            **options,
        )

    async def site(self, site_id: str) -> dict[str, Any] | None:
        """A site, or None where there is none."""
        answer = await self._call("GET", f"/sites/{site_id}", "reading the site", expected=frozenset({200, 404}))
        return dict(answer.json()) if answer.status == 200 else None

    async def site_named(self, name: str) -> dict[str, Any] | None:
        """The account's site of this very name, or None."""
        query = {"name": name, "filter": "all"}
        found = (await self._call("GET", "/sites", f"looking for the site {name}", params=query)).json()
        return next((dict(site) for site in found if site["name"] == name), None)

    async def create_site(self, account: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Make a site; asked once, since a second one could be made by a retry."""
        path = f"/{quote(account)}/sites" if account else "/sites"
        return dict((await self._call("POST", path, "making the site", _ONCE, json=settings)).json())

    async def update_site(self, site_id: str, settings: dict[str, Any]) -> dict[str, Any]:
        """Change a site's settings."""
        return dict((await self._call("PATCH", f"/sites/{site_id}", "changing the site", json=settings)).json())

    async def delete_site(self, site_id: str) -> None:
        """Delete a site; one that is gone already is no error."""
        await self._call("DELETE", f"/sites/{site_id}", "deleting the site", expected=frozenset({200, 204, 404}))

    async def deploys(self, site_id: str, since: datetime | None = None) -> list[dict[str, Any]]:
        """Deploys of the site, newest first, 100 a page: all, or the pages down to those made before ``since``."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"per_page": str(_PAGE), "page": str(len(found) // _PAGE + 1)}
            page = (await self._call("GET", f"/sites/{site_id}/deploys", "listing deploys", params=query)).json()
            found += page
            if len(page) < _PAGE or (since and datetime.fromisoformat(page[-1]["created_at"]) < since):
                return found

    async def newest(self, site_id: str) -> dict[str, Any] | None:
        """The newest deploy of the site, or None."""
        path, action = f"/sites/{site_id}/deploys", "asking for the newest deploy"
        found = (await self._call("GET", path, action, params={"per_page": "1", "page": "1"})).json()
        return next((dict(one) for one in found), None)

    async def create_deploy(self, site_id: str, title: str, files: dict[str, str], *, later: bool) -> dict[str, Any]:
        """Make a draft deploy from path → SHA-1; asked once. ``later``: the list of missing files comes by polling."""
        body = {"files": files, "draft": True, "async": later}
        path = f"/sites/{site_id}/deploys"
        answer = await self._call("POST", path, "making a draft deploy", _ONCE, params={"title": title}, json=body)
        return dict(answer.json())

    async def deploy(self, site_id: str, deploy_id: str) -> dict[str, Any]:
        """State of a deploy."""
        return dict((await self._call("GET", f"/sites/{site_id}/deploys/{deploy_id}", "reading the deploy")).json())

    async def upload(self, deploy_id: str, path: str, body: Callable[[], bytes | AsyncIterator[bytes]]) -> None:
        """Send one file's bytes."""
        encoded = quote(path, safe="/")
        headers = {"Content-Type": "application/octet-stream"}
        action = f"uploading {path}"
        await self._call("PUT", f"/deploys/{deploy_id}/files/{encoded}", action, _UPLOADS, headers=headers, body=body)

    async def restore(self, site_id: str, deploy_id: str) -> None:
        """Publish a deploy that is ready, be it a draft or an old one."""
        await self._call("POST", f"/sites/{site_id}/deploys/{deploy_id}/restore", "publishing the deploy")
