"""Has a GitLab pipeline publish, and follows it.

https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token
https://docs.gitlab.com/api/pipelines/#get-a-single-pipeline
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from coordinator.forge_api import ForgeApi, ForgeTrouble, field_of
from coordinator.history import Deployment, Outcome, Result
from coordinator.ways import Note
from coordinator.ways.following import Pace, follow

_ENDED_BADLY = {"failed", "canceled", "skipped"}


@dataclass(frozen=True)
class GitLabPipeline:
    """``deploy: gitlab-pipeline``. The pipeline gets CONTENT_COMMIT, CONTENT_STACK and CONTENT_DEPLOYMENT."""

    api: ForgeApi
    project: str
    ref: str
    """Of the project with the pipeline."""
    trigger_token: str
    stack: str
    pace: Pace
    name: str = "gitlab-pipeline"

    def __repr__(self) -> str:
        """Without the token."""
        return f"GitLabPipeline({self.project}, {self.ref})"

    async def deploy(self, deployment: Deployment, note: Note, stop: asyncio.Event) -> Result:
        """Start a pipeline, or take up the one that was started before, and follow it."""
        pipeline = deployment.handle
        if not pipeline:
            try:
                pipeline = await self._start(deployment)
            except ForgeTrouble as error:
                return Result(Outcome.FAILED, f"the pipeline cannot be started: {error}")
            await note(pipeline)
        return await follow(lambda: self._look(pipeline), self.pace, stop)

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()

    async def _start(self, deployment: Deployment) -> str:
        variables = {
            "CONTENT_COMMIT": deployment.tip,
            "CONTENT_STACK": self.stack,
            "CONTENT_DEPLOYMENT": str(deployment.id),
        }
        wanted = {"ref": self.ref, "token": self.trigger_token, "variables": variables}
        started = await self.api.ask("POST", f"{self._path}/trigger/pipeline", wanted)
        return str(int(field_of(started, "id")))

    async def _look(self, pipeline: str) -> Result | None:
        status = str(field_of(await self.api.ask("GET", f"{self._path}/pipelines/{pipeline}"), "status"))
        if status == "success":
            return Result(Outcome.DEPLOYED, f"pipeline {pipeline} succeeded")
        if status in _ENDED_BADLY:
            return Result(Outcome.FAILED, f"pipeline {pipeline} ended as {status}; its jobs say why")
        return None

    @property
    def _path(self) -> str:
        return f"projects/{quote(self.project, safe='')}"
