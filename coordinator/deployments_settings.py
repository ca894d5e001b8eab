"""The setting ``coordinator.deployments``: what others say of deployments. Light to import: the program checks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from coordinator.strict_settings import Address, Secret, Strict

GITHUB_API = "https://api.github.com"
GITLAB_API = "https://gitlab.com/api/v4"
Repository = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
Project = Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)+$")]
Branch = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w./@+-]*$")]
_Workflow = Annotated[str, Field(pattern=r"^[\w.-]+\.ya?ml$")]
#: Real seconds between two questions to the platforms, at the least: each starts a program.
_PLATFORMS_FLOOR = 20.0
#: Sources of a GitLab pipeline that deploys. Here a schedule only compares, and a merge request previews.
#: https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable
DEPLOYING = ("push", "web", "trigger", "pipeline", "api")


Forge = Literal["github", "gitlab"]


@dataclass(frozen=True)
class Place:
    """Where runs are listed."""

    api: str
    name: str
    """The repository's, or the project's."""
    key: str
    """Of the token, in the settings."""


class GitHubRuns(Strict):
    """Runs of one workflow. What is left out is that of ``githubDispatch``, or of ``reports.github``."""

    api: Address | None = None
    repository: Repository | None = None
    workflow: _Workflow = "deploy.yml"
    token: Secret | None = None
    """Actions: read."""


class GitLabPipelines(Strict):
    """Pipelines of one branch. What is left out is that of ``gitlabPipeline``, or of ``reports.gitlab``."""

    api: Address | None = None
    project: Project | None = None
    ref: Branch = "main"
    sources: Annotated[tuple[str, ...], Field(min_length=1)] = DEPLOYING
    """What starts a pipeline that deploys."""
    token: Secret | None = None
    """Scope ``read_api``."""


class Deployments(Strict):
    """The setting ``coordinator.deployments``."""

    interval: Annotated[int, Field(ge=0, le=86_400)] = 60
    """Real seconds between two looks at each forge; 0 is never."""
    platforms: Annotated[int, Field(ge=0, le=86_400)] = 0
    """Seconds between two questions to the platforms' own APIs; 0 is never."""
    links: bool = False
    """Show addresses of runs; for a page that only insiders see."""
    github: GitHubRuns | None = None
    gitlab: GitLabPipelines | None = None

    def seconds_between_questions(self, speed: float = 1.0) -> float:
        """Real seconds between two questions to the platforms; ``speed`` is the sandbox's."""
        return max(self.platforms / speed, _PLATFORMS_FLOOR)

    def place(self, forge: Forge, known: Place | None, api: str) -> Place | None:
        """Where this forge's runs are; None where nothing says so.

        ``known`` is where the coordinator has to do with the forge anyway. Its token goes to its API and to no other.
        """
        own = self.github if forge == "github" else self.gitlab
        if own is None:
            return known
        name = own.repository if isinstance(own, GitHubRuns) else own.project
        at, name = own.api or (known.api if known else api), name or (known.name if known else None)
        if own.token is not None:
            key: str | None = f"deployments.{forge}.token"
        else:
            key = known.key if known and known.api == at else None
        what = "repository" if forge == "github" else "project"
        lacking = [said for said, found in ((what, name), ("token", key)) if found is None]
        if lacking:
            raise ValueError(f"deployments.{forge}: give {' and '.join(lacking)}, which no other setting tells")
        return Place(at, name or "", key or "")

    def mistakes(self) -> list[str]:
        """What is wrong with the numbers."""
        return [
            f"deployments.{name} is 0 for never, or at least {least} seconds"
            for name, value, least in (("interval", self.interval, 15), ("platforms", self.platforms, 60))
            if 0 < value < least
        ]
