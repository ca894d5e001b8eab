"""Has a GitHub workflow publish, and follows its run.

The answer to a dispatch names no run. So the newest run is noted before it; the first one after that is ours. A
workflow whose ``run-name`` holds the deployment's key is told apart from others for certain.
https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
https://docs.github.com/en/rest/actions/workflow-runs
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from coordinator.forge_api import ForgeApi, ForgeTrouble
from coordinator.history import Deployment, Outcome, Result
from coordinator.stopping import Stopped
from coordinator.ways import Note
from coordinator.ways.following import Pace, follow

EVENT = "content-updated"
_BEFORE, _RUN = "after:", "run:"
_LISTED = 30


@dataclass(frozen=True)
class GitHubDispatch:
    """``deploy: github-dispatch``. The workflow's ``client_payload`` has ``commit``, ``stack`` and ``deployment``."""

    api: ForgeApi
    repository: str
    stack: str
    pace: Pace
    appears: float = 120.0
    """Real seconds within which a run must appear."""
    name: str = "github-dispatch"

    async def deploy(self, deployment: Deployment, note: Note, stop: asyncio.Event) -> Result:
        """Send the event, or take up what was sent before, and follow the run."""
        handle = deployment.handle
        try:
            if not handle:
                handle = f"{_BEFORE}{await self._newest()}"
                await note(handle)
                await self._send(deployment)
            if handle.startswith(_BEFORE):
                found = await self._found(deployment, int(handle.removeprefix(_BEFORE)), stop)
                if found is None:
                    return Result(Outcome.FAILED, f"no run of {EVENT} appeared within {self.appears:.0f} s")
                handle = f"{_RUN}{found}"
                await note(handle)
        except Stopped:
            return Result(Outcome.INTERRUPTED, "the coordinator was stopped; the run goes on")
        except ForgeTrouble as error:
            return Result(Outcome.FAILED, f"the workflow cannot be started: {error}")
        run = handle.removeprefix(_RUN)
        return await follow(lambda: self._look(run), self.pace, stop)

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()

    async def _send(self, deployment: Deployment) -> None:
        payload = {"commit": deployment.tip, "stack": self.stack, "deployment": key_of(deployment)}
        await self.api.ask("POST", f"{self._path}/dispatches", {"event_type": EVENT, "client_payload": payload})

    async def _newest(self) -> int:
        return max((int(run["id"]) for run in await self._runs()), default=0)

    async def _found(self, deployment: Deployment, after: int, stop: asyncio.Event) -> int | None:
        found: list[int] = []

        async def look() -> Result | None:
            new = [run for run in await self._runs() if int(run["id"]) > after]
            named = [run for run in new if key_of(deployment) in str(run.get("display_title", ""))]
            found.extend(sorted(int(run["id"]) for run in named or new)[:1])
            return Result(Outcome.RUNNING, "found") if found else None

        ended = await follow(look, Pace(self.pace.look, self.appears), stop)
        if ended.outcome is Outcome.INTERRUPTED:
            raise Stopped
        return found[0] if found else None

    async def _runs(self) -> list[dict[str, Any]]:
        answer = await self.api.ask("GET", f"{self._path}/actions/runs", event="repository_dispatch", per_page=_LISTED)
        try:
            runs = [run for run in answer["workflow_runs"] if isinstance(run["id"], int)]
        except (TypeError, KeyError):
            raise ForgeTrouble("GitHub's list of runs is not as documented") from None
        return runs

    async def _look(self, run: str) -> Result | None:
        answer = await self.api.ask("GET", f"{self._path}/actions/runs/{run}")
        if not isinstance(answer, dict) or answer.get("status") != "completed":
            return None
        conclusion = str(answer.get("conclusion"))
        if conclusion == "success":
            return Result(Outcome.DEPLOYED, f"run {run} succeeded")
        return Result(Outcome.FAILED, f"run {run} ended as {conclusion}; its jobs say why")

    @property
    def _path(self) -> str:
        return f"repos/{self.repository}"


def key_of(deployment: Deployment) -> str:
    """Tells this deployment's run from others."""
    return f"{deployment.id}-{deployment.tip[:12]}"
