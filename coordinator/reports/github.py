"""Deployments, their statuses and commit statuses at GitHub.

https://docs.github.com/en/rest/deployments/deployments
https://docs.github.com/en/rest/commits/statuses
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from coordinator.forge_api import ForgeApi, field_of
from coordinator.history import Report, State
from coordinator.reports import TOGETHER

_DEPLOYMENT = {
    State.RUNNING: "in_progress",
    State.SUCCESS: "success",
    State.FAILURE: "failure",
    State.ERROR: "error",
}
_COMMIT = {**_DEPLOYMENT, State.RUNNING: "pending"}
_LISTED = 100


@dataclass(frozen=True)
class GitHubReporter:
    """One repository. ``environment`` comes before the platform's name: ``production/netlify``."""

    api: ForgeApi
    repository: str
    environment: str
    name: str = "github"

    async def open(self, report: Report) -> str:
        """The deployment's id: looked up first, for an earlier answer may have been lost."""
        if report.host == TOGETHER:
            return ""
        environment = f"{self.environment}/{report.host}"
        listed = await self.api.ask(
            "GET", f"{self._path}/deployments", sha=report.tip, environment=environment, per_page=_LISTED
        )
        for found in listed or []:
            if _payload(found).get("coordinator") == _key(report):
                return str(field_of(found, "id"))
        wanted = {
            "ref": report.tip,
            "environment": environment,
            "auto_merge": False,
            "required_contexts": [],
            "payload": {"coordinator": _key(report)},
            "transient_environment": False,
            "production_environment": True,
            "description": "published by the coordinator",
        }
        return str(field_of(await self.api.ask("POST", f"{self._path}/deployments", wanted), "id"))

    async def tell(self, report: Report) -> None:
        """A status of the deployment, or of the commit. Of several statuses the newest counts."""
        status: dict[str, Any]
        if report.host == TOGETHER:
            status = {"state": _COMMIT[report.state], "context": self.environment, "description": report.said}
            await self.api.ask("POST", f"{self._path}/statuses/{report.tip}", status)
            return
        status = {"state": _DEPLOYMENT[report.state], "description": report.said, "auto_inactive": True}
        if report.url.startswith(("https://", "http://")):
            status["environment_url"] = report.url
        await self.api.ask("POST", f"{self._path}/deployments/{report.remote}/statuses", status)

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()

    @property
    def _path(self) -> str:
        return f"repos/{self.repository}"


def _key(report: Report) -> str:
    return f"{report.deployment}-{report.tip[:12]}"


def _payload(deployment: Any) -> dict[str, Any]:
    """A payload comes back as an object or as the text of one."""
    given = deployment.get("payload") if isinstance(deployment, dict) else None
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
