"""The setting ``coordinator`` of a stack: how a push gets live. Light to import: the program checks it too.

A secret is named, never written: ``env:NAME`` is a variable of the environment, ``file:PATH`` a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic.alias_generators import to_camel

from coordinator.alerts.settings import Alerts, alert_secrets_of
from coordinator.deployments_settings import (
    GITHUB_API,
    GITLAB_API,
    Branch,
    Deployments,
    Forge,
    Place,
    Project,
    Repository,
)
from coordinator.strict_settings import Address, Secret, Strict
from coordinator.watching_settings import StatusPage, Watching

_Listen = Annotated[str, Field(pattern=r"^([^\s:/]+|\[[0-9a-fA-F:]+\]):\d{1,5}$|^unix:/\S+$")]
Seconds = Annotated[int, Field(ge=1, le=7 * 86400)]
Way = Literal["none", "up", "gitlab-pipeline", "github-dispatch"]


_WAYS: Mapping[Forge, Way] = {"github": "github-dispatch", "gitlab": "gitlab-pipeline"}


class GitHubWebhook(Strict):
    """Whose pushes mean that the content has changed, and how GitHub proves that it sends them."""

    repository: Repository
    secret: Secret


class GitLabWebhook(Strict):
    """Likewise at GitLab: by its newer signing, or by the plain token."""

    project: Project
    signing_key: Secret | None = None
    token: Secret | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> GitLabWebhook:
        if (self.signing_key is None) == (self.token is None):
            raise ValueError("give signingKey or token, and not both: whoever knows the weaker one would get in by it")
        return self


class Webhooks(Strict):
    """Senders at ``/hooks/github`` and ``/hooks/gitlab``."""

    github: GitHubWebhook | None = None
    gitlab: GitLabWebhook | None = None


class Up(Strict):
    """``deploy: up``: the publication runs here."""

    command: tuple[str, ...] = ()
    """Another program instead of ``tools.deploy up``; it is told by PEACEFULROBOT_CONTENT what to publish."""


class GitLabPipeline(Strict):
    """``deploy: gitlab-pipeline``."""

    api: Address = GITLAB_API
    project: Project
    """Where the pipeline is: this project's repository, not the content's."""
    ref: Branch = "main"
    trigger_token: Secret
    token: Secret
    """Scope ``read_api``, to follow the pipeline."""


class GitHubDispatch(Strict):
    """``deploy: github-dispatch``."""

    api: Address = GITHUB_API
    repository: Repository
    """Where the workflow is, on the default branch."""
    token: Secret
    """Contents: write, to send the event, and Actions: read, to follow the run."""


class GitHubReport(Strict):
    """Deployments and commit statuses at GitHub."""

    api: Address = GITHUB_API
    repository: Repository
    token: Secret
    """Deployments: write and Commit statuses: write."""


class GitLabReport(Strict):
    """Deployments and commit statuses at GitLab."""

    api: Address = GITLAB_API
    project: Project
    token: Secret
    """Scope ``api``, as a Developer of the project."""


class Reports(Strict):
    """Who is told what became of a push."""

    environment: Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=100)] = "production"
    """One environment for each platform: ``production/netlify``."""
    github: GitHubReport | None = None
    gitlab: GitLabReport | None = None


class Delivery(Strict):
    """The setting ``coordinator``."""

    recovery: bool = True
    """Bring platforms back in steps after an outage."""
    deploy: Way = "none"
    branch: Branch | None = None
    """Of the content; the stack's ``contentRef`` where it is left out."""
    listen: _Listen = "127.0.0.1:8480"
    poll: Annotated[int, Field(ge=0, le=86400)] = 60
    """Seconds between two looks at the tip; 0 is never."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Until a failure is final."""
    retry_wait: Seconds = 30
    """After the first failure; doubled at each further one."""
    longest_retry_wait: Seconds = 900
    retry_failed_after: Seconds = 3600
    """When the poll asks again for a tip whose failure was final."""
    deploy_limit: Seconds = 3600
    """A deployment that takes longer is stuck; a remote one is given up."""
    stop_patience: Annotated[int, Field(ge=0, le=86400)] = 240
    """How long a stop waits for the deployment, until that is asked to end in good order."""
    webhooks: Webhooks = Webhooks()
    up: Up = Up()
    gitlab_pipeline: GitLabPipeline | None = None
    github_dispatch: GitHubDispatch | None = None
    reports: Reports = Reports()
    deployments: Deployments = Deployments()
    """What forges and platforms say of deployments, for the status page."""
    alerts: Alerts = Alerts()
    watching: Watching | None = None
    """Who looks after the site between two deployments; nobody where it is left out."""
    status_page: StatusPage | None = StatusPage()
    """Where what was seen is shown; only with ``watching``."""

    @model_validator(mode="after")
    def _fits_together(self) -> Delivery:
        mistakes = list(self._mistakes())
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    @property
    def listens(self) -> bool:
        """Whether there is a webhook."""
        return self.webhooks.github is not None or self.webhooks.gitlab is not None

    def runs_at(self, forge: Forge) -> Place | None:
        """Where runs are looked up; None where they are not. Raises ValueError where the settings do not say enough."""
        if self.watching is None or self.status_page is None or not self.deployments.interval:
            return None
        way = self.github_dispatch if forge == "github" else self.gitlab_pipeline
        report = self.reports.github if forge == "github" else self.reports.gitlab
        known = None
        if way is not None and self.deploy == _WAYS[forge]:
            known = Place(way.api, _name_of(way), f"{to_camel(_WAYS[forge].replace('-', '_'))}.token")
        elif report is not None and getattr(self.deployments, forge):
            known = Place(report.api, _name_of(report), f"reports.{forge}.token")
        return self.deployments.place(forge, known, GITHUB_API if forge == "github" else GITLAB_API)

    def _lacking(self) -> Iterator[str]:
        """What is missing to look up runs, and settings of it that nobody would see."""
        for forge in _WAYS:
            try:
                self.runs_at(forge)
            except ValueError as error:
                yield str(error)
        own = self.deployments
        if (own.github or own.gitlab or own.platforms) and (self.watching is None or self.status_page is None):
            yield "deployments are shown on the status page, and there is none; add watching: {}"

    def _mistakes(self) -> list[str]:
        found = [*self.deployments.mistakes(), *self._lacking()]
        if self.deploy == "none" and (self.listens or self.reports.github or self.reports.gitlab):
            found.append("webhooks and reports need deploy: up, gitlab-pipeline or github-dispatch")
        if self.deploy != "none" and not self.listens and self.poll == 0:
            found.append("nothing would ever start a deployment; give webhooks or poll")
        for way, own in (("gitlab-pipeline", self.gitlab_pipeline), ("github-dispatch", self.github_dispatch)):
            if self.deploy == way and own is None:
                found.append(f"deploy: {way} needs its own settings in {to_camel(way.replace('-', '_'))}")
        if self.deploy not in {"none", "up"} and self.up.command:
            found.append("up.command is only for deploy: up")
        if self.longest_retry_wait < self.retry_wait:
            found.append("longestRetryWait is shorter than retryWait")
        if self.watching and self.status_page and self.status_page.listen == self.listen and self.deploy != "none":
            found.append(
                "statusPage.listen is the address of the webhooks; the page is for everybody and needs its own"
            )
        if self.alerts.names and self.watching is None:
            found.append("alerts are set up and nothing is watched, so nobody would ever be told; add watching: {}")
        if 0 < self.poll < 5:
            found.append("poll is 0 for never, or at least 5 seconds")
        return found


def _name_of(place: GitHubDispatch | GitLabPipeline | GitHubReport | GitLabReport) -> str:
    return place.repository if isinstance(place, GitHubDispatch | GitHubReport) else place.project


def given(settings: Delivery) -> dict[str, Any]:
    """What differs from the defaults."""
    return settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def secrets_of(settings: Delivery, *, unused: bool = False) -> dict[str, str]:
    """Where each secret that is needed comes from, by its key: ``webhooks.github.secret`` → ``env:NAME``.

    With ``unused`` also those of a way that is not taken.
    """
    groups: dict[str, BaseModel | None] = {
        "webhooks.github": settings.webhooks.github,
        "webhooks.gitlab": settings.webhooks.gitlab,
        "reports.github": settings.reports.github,
        "reports.gitlab": settings.reports.gitlab,
        "gitlabPipeline": settings.gitlab_pipeline if unused or settings.deploy == "gitlab-pipeline" else None,
        "githubDispatch": settings.github_dispatch if unused or settings.deploy == "github-dispatch" else None,
        "deployments.github": settings.deployments.github,
        "deployments.gitlab": settings.deployments.gitlab,
    }
    named = ("secret", "signing_key", "token", "trigger_token")
    own = {
        f"{group}.{to_camel(name)}": source
        for group, found in groups.items()
        for name in named
        if (source := getattr(found, name, None))
    }
    return {**own, **alert_secrets_of(settings.alerts)}
