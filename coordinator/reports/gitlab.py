"""Deployments and commit statuses at GitLab.

https://docs.gitlab.com/api/deployments/
https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from coordinator.forge_api import ForgeApi, ForgeTrouble, field_of
from coordinator.history import Report, State
from coordinator.reports import TOGETHER

_STATES = {
    State.RUNNING: "running",
    State.SUCCESS: "success",
    State.FAILURE: "failed",
    State.ERROR: "failed",
}
_UNFINISHED = {"created", "running", "blocked"}
_LISTED = 20
_REFUSED = 400


@dataclass(frozen=True)
class GitLabReporter:
    """One project. ``environment`` comes before the platform's name: ``production/netlify``."""

    api: ForgeApi
    project: str
    environment: str
    branch: str
    name: str = "gitlab"

    async def open(self, report: Report) -> str:
        """The deployment's id: looked up first, for an earlier answer may have been lost."""
        if report.host == TOGETHER:
            return ""
        environment = f"{self.environment}/{report.host}"
        listed = await self.api.ask(
            "GET", f"{self._path}/deployments", environment=environment, order_by="id", sort="desc", per_page=_LISTED
        )
        newest = listed[0] if listed else None
        if newest is not None and self._is_ours(newest, report):
            return str(field_of(newest, "id"))
        status = _STATES[report.state]
        wanted = {
            "environment": environment,
            "sha": report.tip,
            "ref": self.branch,
            "tag": False,
            "status": status,
        }
        return str(field_of(await self.api.ask("POST", f"{self._path}/deployments", wanted), "id"))

    async def tell(self, report: Report) -> None:
        """The state of the deployment, or of the commit; one that is so already is left alone."""
        status = _STATES[report.state]
        if report.host == TOGETHER:
            await self._tell_commit(report, status)
            return
        path = f"{self._path}/deployments/{report.remote}"
        if field_of(await self.api.ask("GET", path), "status") != status:
            await self.api.ask("PUT", path, {"status": status})

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()

    async def _tell_commit(self, report: Report, status: str) -> None:
        wanted = {
            "state": status,
            "name": self.environment,
            "ref": self.branch,
            "description": report.said,
        }
        try:
            await self.api.ask("POST", f"{self._path}/statuses/{report.tip}", wanted)
        except ForgeTrouble as error:
            if error.status != _REFUSED or "Cannot transition status" not in str(error):
                raise  # a status that is so already cannot become so again, which is an error there

    @staticmethod
    def _is_ours(found: dict[str, Any], report: Report) -> bool:
        same = found.get("sha") == report.tip
        return same and (found.get("status") in _UNFINISHED or found.get("status") == _STATES[report.state])

    @property
    def _path(self) -> str:
        return f"projects/{quote(self.project, safe='')}"
