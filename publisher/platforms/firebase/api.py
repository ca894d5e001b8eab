"""Firebase Hosting's REST API, as far as releases need it.

Reference: https://firebase.google.com/docs/reference/hosting/rest. Versions and releases are named by what the API
answers, which may hold the project's number in place of its id.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import aiohttp

from publisher.errors import PlatformRefused, PlatformUnavailable
from publisher.platforms.firebase.credentials import ADVICE, AccessTokens
from publisher.retries import HEALING_STATUSES, Answer, Budget, RetryPolicy, call, make_once

#: How Google's own client (firebase-tools) is led elsewhere.
URL_VARIABLE = "FIREBASE_HOSTING_API_URL"
_POLICY = RetryPolicy(
    hints={
        400: "Firebase finds the request wrong; its words say why. Nothing was published.",
        401: f"The access token is not accepted. {ADVICE}",
        403: "The account needs the role Firebase Hosting Admin (roles/firebasehosting.admin) in the project, and the "
        "API firebasehosting.googleapis.com must be enabled there.",
        404: "The site or version does not exist (any more); run `pulumi refresh`, then `pulumi up`.",
    }
)
_ONCE = replace(_POLICY, attempts=1)
#: 409: https://github.com/firebase/firebase-tools/issues/2126 (two uploads of one content at the same time).
_UPLOADS = replace(_POLICY, healing_statuses=HEALING_STATUSES | {409})
_PAGE = 100


def base_url() -> str:
    """API address without a trailing slash."""
    return os.environ.get(URL_VARIABLE, "https://firebasehosting.googleapis.com").rstrip("/")


def same_version(one: str, other: str) -> bool:
    """Whether two names are of one version; the project may stand in them by id or number, or not at all."""
    return one.rsplit("/", 1)[-1] == other.rsplit("/", 1)[-1]


class HostingApi:
    """Calls for one site; one budget for retries."""

    def __init__(self, http: aiohttp.ClientSession, project: str, site_id: str) -> None:
        self._http = http
        self._site = f"projects/{project}/sites/{site_id}"
        self._budget = Budget()
        self._tokens = AccessTokens()

    async def _call(self, method: str, url: str, action: str, policy: RetryPolicy = _POLICY, **options: Any) -> Answer:
        """One call; where the access token is refused once more with a fresh one, for they end while a run goes on."""
        headers = await self._tokens.headers()
        try:
            return await self._with(headers, method, url, action, policy, options)
        except PlatformRefused as error:
            if error.status != 401:
                raise
        self._tokens.refused(headers)
        return await self._with(await self._tokens.headers(), method, url, action, policy, options)

    async def _with(
        self,
        headers: Mapping[str, str],
        method: str,
        url: str,
        action: str,
        policy: RetryPolicy,
        options: Mapping[str, Any],
    ) -> Answer:
        return await call(
            self._http,
            method,
            url,
            platform="firebase",
            action=action,
            policy=policy,
            budget=self._budget,
            headers=headers,
            **options,
        )

    async def _json(self, method: str, path: str, action: str, policy: RetryPolicy = _POLICY, **options: Any) -> Any:
        """The answer's document; what is none counts as no answer."""
        answer = await self._call(method, f"{base_url()}/v1beta1/{path}", action, policy, **options)
        try:
            return answer.json() or {}
        except ValueError as error:
            raise PlatformUnavailable(
                f"firebase: {action} was answered with something that is not JSON. The release that was live before "
                "stays live; run again later to finish."
            ) from error

    async def versions(self) -> list[dict[str, Any]]:
        """All versions of the site that the API lists, whatever their status."""
        found: list[dict[str, Any]] = []
        query = {"pageSize": str(_PAGE)}
        while True:
            page = await self._json("GET", f"{self._site}/versions", "listing versions", params=query)
            found += page.get("versions", [])
            if not page.get("nextPageToken"):
                return found
            query["pageToken"] = page["nextPageToken"]

    async def create_version(self, labels: Mapping[str, str]) -> dict[str, Any]:
        """Make an empty version; asked once, since a second one could be made by a retry."""
        body = {"status": "CREATED", "labels": dict(labels)}
        return dict(await self._json("POST", f"{self._site}/versions", "making a version", _ONCE, json=body))

    async def version(self, name: str) -> dict[str, Any]:
        """A version as it is now."""
        return dict(await self._json("GET", name, "reading the version"))

    async def populate(self, name: str, files: Mapping[str, str]) -> tuple[str, list[str]]:
        """Add paths to a version; returns where to upload and which of their hashes Firebase lacks."""
        body = {"files": dict(files)}
        answer = await self._json("POST", f"{name}:populateFiles", "adding files to the version", json=body)
        return str(answer.get("uploadUrl", "")), list(answer.get("uploadRequiredHashes", []))

    async def upload(self, url: str, path: str, body: Callable[[], bytes | AsyncIterator[bytes]]) -> None:
        """Send the gzip form of one file; only 200 is success."""
        await self._call("POST", url, f"uploading {path}", _UPLOADS, body=body, expected=frozenset({200}))

    async def finalize(self, name: str, config: Mapping[str, Any]) -> None:
        """Close a version with its configuration; one that is closed already stays as it is."""
        body = {"status": "FINALIZED", "config": config}
        query = {"updateMask": "status,config"}
        try:
            await self._json("PATCH", name, "completing the version", params=query, json=body)
        except PlatformRefused:
            # The answer to an earlier attempt may have been lost.
            if (await self.version(name)).get("status") != "FINALIZED":
                raise

    async def delete_version(self, name: str) -> None:
        """Delete a version; one that is gone already is no error."""
        await self._call(
            "DELETE", f"{base_url()}/v1beta1/{name}", "deleting a version", expected=frozenset({200, 204, 404})
        )

    async def channel(self, channel: str) -> dict[str, Any] | None:
        """A channel with its current release, or None."""
        try:
            return dict(await self._json("GET", f"{self._site}/channels/{channel}", "reading what is released"))
        except PlatformRefused as error:
            if error.status == 404:
                return None
            raise

    async def keep_channel(self, channel: str, seconds: int) -> dict[str, Any]:
        """A preview channel that lasts this long from now; made where there is none."""
        body, query = {"ttl": f"{seconds}s"}, {"updateMask": "ttl"}
        path, action = f"{self._site}/channels", "making the preview channel"
        try:
            return dict(await self._json("PATCH", f"{path}/{channel}", action, params=query, json=body))
        except PlatformRefused as error:
            if error.status != 404:
                raise

        async def make() -> dict[str, Any]:
            return dict(await self._json("POST", path, action, _ONCE, params={"channelId": channel}, json=body))

        return await make_once(make, lambda: self.channel(channel))

    async def release(self, channel: str, version: str, message: str) -> None:
        """Let a channel show a version, unless it does so already; no second release is made by a retry."""

        async def make() -> bool:
            path, query = f"{self._site}/channels/{channel}/releases", {"versionName": version}
            await self._json("POST", path, "releasing the version", _ONCE, params=query, json={"message": message})
            return True

        async def find() -> bool | None:
            return same_version(shown_version(await self.channel(channel)), version) or None

        if not await find():
            await make_once(make, find)


def shown_version(channel: Mapping[str, Any] | None) -> str:
    """Name of the version that a channel shows; empty where it shows none."""
    release = (channel or {}).get("release") or {}
    if release.get("type") == "SITE_DISABLE":
        return ""
    return str((release.get("version") or {}).get("name", ""))
