"""Reads runs of a GitHub workflow and pipelines of a GitLab branch, whoever started them.

https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow
https://docs.gitlab.com/api/pipelines/#list-project-pipelines
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from coordinator.deployments.found import GITHUB, GITLAB, Run, RunState, Trigger, keep_runs, runs_in
from coordinator.forge_api import ForgeApi, ForgeTrouble
from coordinator.heartbeats import Heartbeats
from coordinator.watching.archive import Archive
from coordinator.watching.metrics import WatchMetrics

_log = logging.getLogger(__name__)
_LISTED = 30
#: Real seconds that one round may take, until the task counts as stuck.
_LONGEST_ROUND = 120.0
_PREVIEWS = frozenset({"pull_request", "pull_request_target", "merge_group"})
#: What starts a run, at both. Everything else is another program.
_TRIGGERS: Mapping[str, Trigger] = {
    "push": "push",
    "schedule": "schedule",
    "workflow_dispatch": "hand",
    "web": "hand",
}
#: https://docs.github.com/en/rest/checks/runs (conclusion); the others did not succeed either.
_CONCLUSIONS: Mapping[str, RunState] = {
    "success": "succeeded",
    "neutral": "succeeded",
    "cancelled": "canceled",
    "skipped": "canceled",
    "stale": "canceled",
}
_STATUSES: Mapping[str, RunState] = {
    "success": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
    "skipped": "canceled",
}


class Source(Protocol):
    """One list of runs."""

    @property
    def name(self) -> str:
        """The forge's."""

    async def runs(self) -> tuple[Run, ...] | None:
        """Newest first; None where nothing has changed since the last time. Raises ForgeTrouble."""

    async def close(self) -> None:
        """Give connections back."""


@dataclass
class GitHubRunList:
    """Runs of one workflow. That nothing has changed costs nothing of the rate limit (ETag)."""

    api: ForgeApi
    repository: str
    workflow: str
    name: str = GITHUB

    async def runs(self) -> tuple[Run, ...] | None:
        """Those of pull requests publish nothing and are left out."""
        path = f"repos/{self.repository}/actions/workflows/{quote(self.workflow)}/runs"
        answer = await self.api.ask_for_news(path, per_page=_LISTED, exclude_pull_requests="true")
        if answer is None:
            return None
        return _read(lambda: [_github_run(one) for one in answer["workflow_runs"] if one["event"] not in _PREVIEWS])

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()


@dataclass
class GitLabPipelineList:
    """Pipelines of one branch that were started by one of ``sources``."""

    api: ForgeApi
    project: str
    ref: str
    sources: Collection[str]
    name: str = GITLAB

    async def runs(self) -> tuple[Run, ...] | None:
        """The list names no end; a pipeline that has ended is not changed any more."""
        path = f"projects/{quote(self.project, safe='')}/pipelines"
        answer = await self.api.ask_for_news(path, ref=self.ref, order_by="id", sort="desc", per_page=_LISTED)
        if answer is None:
            return None
        return _read(lambda: [_gitlab_run(one) for one in answer if one["source"] in self.sources])

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()


def _read(work: Callable[[], Sequence[Run]]) -> tuple[Run, ...]:
    try:
        return tuple(work())
    except (KeyError, TypeError, ValueError) as error:
        raise ForgeTrouble(f"the forge's list of runs is not as documented ({type(error).__name__})") from error


def _github_run(one: Mapping[str, Any]) -> Run:
    done = one["status"] == "completed"
    state = _CONCLUSIONS.get(str(one["conclusion"]), "failed") if done else "running"
    return Run(
        number=int(one["id"]),
        tip=str(one["head_sha"]),
        trigger=_TRIGGERS.get(str(one["event"]), "program"),
        state=state,
        began=_moment(one.get("run_started_at") or one["created_at"]),
        ended=_moment(one["updated_at"]) if done else None,
        url=_address(one.get("html_url")),
    )


def _gitlab_run(one: Mapping[str, Any]) -> Run:
    state = _STATUSES.get(str(one["status"]), "running")
    return Run(
        number=int(one["id"]),
        tip=str(one["sha"]),
        trigger=_TRIGGERS.get(str(one["source"]), "program"),
        state=state,
        began=_moment(one["created_at"]),
        ended=None if state == "running" else _moment(one["updated_at"]),
        url=_address(one.get("web_url")),
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _address(given: object) -> str:
    """An address of the web as it is, anything else as nothing: it becomes a link."""
    return given if isinstance(given, str) and urlsplit(given).scheme in {"https", "http"} else ""


@dataclass
class ForgeWatch:
    """Asks one forge now and then. That it is silent is said once."""

    source: Source
    archive: Archive
    metrics: WatchMetrics
    beats: Heartbeats
    interval: float
    """Real seconds."""
    clock: Callable[[], float] = time.time
    _trouble: str = ""

    @property
    def task(self) -> str:
        """Its name."""
        return f"runs at {self.source.name}"

    async def run(self) -> None:
        """Until cancelled."""
        pause = 0.0
        while True:
            self.beats.beat(self.task, "asking for runs now and then", pause + _LONGEST_ROUND)
            await asyncio.sleep(pause)
            pause = max(self.interval, await self.once())

    async def once(self) -> float:
        """One look; returns the seconds that the forge asks to wait."""
        at, before = self.clock(), await runs_in(self.archive, self.source.name)
        patience = 0.0
        try:
            found = await self.source.runs()
            now = before.with_newer(before.runs if found is None else found, at)
            self._note("")
        except ForgeTrouble as error:
            now, patience = before.silent(at), error.patience or 0.0
            self._note(str(error))
        await keep_runs(self.archive, now)
        self.metrics.forge_said(now)
        return patience

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            _log.warning("%s are not known: %s", self.task, trouble)
        elif self._trouble and not trouble:
            _log.info("%s are known again", self.task)
        self._trouble = trouble
