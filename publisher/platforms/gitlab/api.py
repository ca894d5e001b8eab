"""GitLab's REST API as far as publishing needs it: https://docs.gitlab.com/api/rest/.

Rate limits are announced in RateLimit-* headers and enforced with 429 and Retry-After:
https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from publisher.errors import PlatformRefused
from publisher.retries import Answer, Budget, RetryPolicy, call

TOKEN_VARIABLE = "GITLAB_TOKEN"  # noqa: S105 - the variable's name
POLICY = RetryPolicy(
    hints={
        401: f"Set {TOKEN_VARIABLE} in the environment to a valid access token with the scope `api`.",
        403: f"The token in {TOKEN_VARIABLE} may not do this; use one with the scope `api` of a maintainer.",
        404: "The project is gone, or the token may not see it; run `pulumi refresh`, then `pulumi up`.",
    }
)
_PAGE = 100
_MOST_PAGES = 10

Document = dict[str, Any]


def token() -> str:
    """The access token; raises PlatformRefused where there is none."""
    found = os.environ.get(TOKEN_VARIABLE, "")
    if not found:
        raise PlatformRefused(f"gitlab: {TOKEN_VARIABLE} is not set. Put an access token with the scope `api` into it.")
    return found


def basic_authorization() -> str:
    """Value of Authorization for Git over HTTP: https://docs.gitlab.com/user/profile/personal_access_tokens/."""
    return "Basic " + base64.b64encode(f"oauth2:{token()}".encode()).decode()


def base_url() -> str:
    """API address without a slash at the end; ``GITLAB_BASE_URL`` as the Pulumi provider reads it."""
    return os.environ.get("GITLAB_BASE_URL", "https://gitlab.com/api/v4/").rstrip("/")


class GitlabApi:
    """Calls for one project with the token of the environment; one budget for retries."""

    def __init__(self, http: aiohttp.ClientSession, project: str, budget: Budget) -> None:
        self._http = http
        self._project = f"/projects/{quote(project, safe='')}"
        self._budget = budget

    async def _call(self, method: str, path: str, action: str, **options: Any) -> Answer:
        return await call(
            self._http,
            method,
            f"{base_url()}{self._project}{path}",
            platform="gitlab",
            action=action,
            policy=POLICY,
            budget=self._budget,
            headers={"PRIVATE-TOKEN": token(), "Accept": "application/json"},
            **options,
        )

    async def _list(self, path: str, action: str, most_pages: int = _MOST_PAGES, **query: str) -> list[Document]:
        found: list[Document] = []
        for number in range(1, most_pages + 1):
            params = {**query, "per_page": str(_PAGE), "page": str(number)}
            page = (await self._call("GET", path, action, params=params)).json()
            found += page
            if len(page) < _PAGE:
                break
        return found

    async def project(self) -> Document:
        """The project: where its repository is, and its default branch."""
        return dict((await self._call("GET", "", "reading the project")).json())

    async def branch(self, name: str) -> Document | None:
        """A branch, or None."""
        path = f"/repository/branches/{quote(name, safe='')}"
        answer = await self._call("GET", path, f"reading the branch {name}", expected=frozenset({200, 404}))
        return dict(answer.json()) if answer.status == 200 else None

    async def branches(self, beginning: str) -> list[Document]:
        """Branches whose names begin so."""
        return await self._list("/repository/branches", "listing kept releases", search=f"^{beginning}")

    async def delete_branch(self, name: str) -> None:
        """Delete a branch; one that is gone already is no error."""
        path = f"/repository/branches/{quote(name, safe='')}"
        await self._call("DELETE", path, f"deleting the branch {name}", expected=frozenset({204, 404}))

    async def commits(self, branch: str) -> list[Document]:
        """Commits of a branch, newest first, a thousand at the most."""
        return await self._list("/repository/commits", f"reading the history of {branch}", ref_name=branch)

    async def commit(self, sha: str) -> Document:
        """One commit."""
        return dict((await self._call("GET", f"/repository/commits/{sha}", "reading the published commit")).json())

    async def statuses(self, sha: str) -> list[Document]:
        """What jobs and external services said of a commit, all attempts."""
        path = f"/repository/commits/{sha}/statuses"
        return await self._list(path, "reading the state of the deployment", all="true")

    async def pipelines(self, most_pages: int = 1, **query: str) -> list[Document]:
        """Pipelines, newest first."""
        order = {"order_by": "id", "sort": "desc"}
        return await self._list("/pipelines", "listing pipelines", most_pages, **order, **query)

    async def newest_pipeline(self, branch: str) -> Document | None:
        """The newest pipeline of a branch, or None."""
        params = {"ref": branch, "order_by": "id", "sort": "desc", "per_page": "1"}
        found = (await self._call("GET", "/pipelines", "asking for the newest pipeline", params=params)).json()
        return next((dict(one) for one in found), None)

    async def pipelines_since(self, branch: str, since: datetime) -> list[Document]:
        """Pipelines of a branch that did something since then."""
        return await self.pipelines(_MOST_PAGES, ref=branch, updated_after=since.isoformat())

    async def start_pipeline(self, branch: str) -> Document:
        """A new pipeline for the tip of a branch."""
        return dict((await self._call("POST", "/pipeline", "starting the pipeline", params={"ref": branch})).json())

    async def pipeline(self, number: int) -> Document:
        """State of a pipeline."""
        return dict((await self._call("GET", f"/pipelines/{number}", "reading the pipeline")).json())

    async def jobs(self, number: int) -> list[Document]:
        """Jobs of a pipeline."""
        return await self._list(f"/pipelines/{number}/jobs", "reading the pipeline's jobs")

    async def pages(self) -> Mapping[str, Any]:
        """Address and deployments of the site; without any where nothing was deployed yet."""
        answer = await self._call("GET", "/pages", "reading the Pages settings", expected=frozenset({200, 404}))
        return dict(answer.json()) if answer.status == 200 else {}
