"""Which forges and platforms are asked for deployments, and how, by the stack's settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coordinator import forge_api, places
from coordinator.credentials import OF_THE_PUBLICATION, Credentials
from coordinator.delivery_settings import Delivery
from coordinator.deployments.forges import ForgeWatch, GitHubRunList, GitLabPipelineList, Source
from coordinator.deployments.platforms import COMMAND, SECONDS, TASK, PlatformWatch
from coordinator.deployments_settings import Deployments, GitHubRuns, GitLabPipelines
from coordinator.heartbeats import Heartbeats
from coordinator.project_program import by_program
from coordinator.settings import StackSettings
from coordinator.supervisor import Task
from coordinator.watching.archive import Archive
from coordinator.watching.metrics import WatchMetrics


@dataclass(frozen=True)
class Asking:
    """What is asked, with which secrets; everything in it has been checked."""

    stack: str
    settings: StackSettings
    secrets: Credentials

    @property
    def own(self) -> Deployments:
        """The part of the settings."""
        return self.settings.coordinator.deployments


@asynccontextmanager
async def opened(
    wanted: Asking, root: Path, archive: Archive, metrics: WatchMetrics, beats: Heartbeats, tasks: dict[str, Task]
) -> AsyncIterator[None]:
    """Add what asks to ``tasks``, for the supervisor; ``root`` is the checkout whose program asks the platforms."""
    async with AsyncExitStack() as held:
        for source in sources_of(wanted.settings.coordinator, wanted.secrets):
            held.push_async_callback(source.close)
            watch = ForgeWatch(source, archive, metrics, beats, float(wanted.own.interval))
            tasks[watch.task] = watch.run
        if wanted.own.platforms:
            tasks[TASK] = _platforms(wanted, root, archive, metrics, beats).run
        yield


def _platforms(wanted: Asking, root: Path, archive: Archive, metrics: WatchMetrics, beats: Heartbeats) -> PlatformWatch:
    withheld: Collection[str] = wanted.secrets.variables - OF_THE_PUBLICATION
    ask = by_program(COMMAND, wanted.stack, root, SECONDS, withheld)
    return PlatformWatch(ask, wanted.settings.hosts, archive, metrics, beats, partial(_pause, wanted))


def _pause(wanted: Asking) -> float:
    return wanted.own.seconds_between_questions(places.speed_of(wanted.stack))


def sources_of(settings: Delivery, secrets: Credentials) -> list[Source]:
    """The forges that are asked."""
    own, found = settings.deployments, list[Source]()
    if at := settings.runs_at("github"):
        workflow = (own.github or GitHubRuns()).workflow
        found.append(GitHubRunList(forge_api.github(at.api, secrets[at.key]), at.name, workflow))
    if at := settings.runs_at("gitlab"):
        way = settings.gitlab_pipeline
        chosen = own.gitlab or GitLabPipelines(ref=way.ref if way else "main")
        found.append(GitLabPipelineList(forge_api.gitlab(at.api, secrets[at.key]), at.name, chosen.ref, chosen.sources))
    return found


def keys_of(settings: Delivery) -> tuple[str, ...]:
    """Keys of the secrets that are needed, beside those that begin with ``deployments.``."""
    return tuple(at.key for forge in ("github", "gitlab") if (at := settings.runs_at(forge)))
