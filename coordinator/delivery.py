"""Puts together what makes a push live, by the stack's settings."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from coordinator import credentials, forge_api, receiver
from coordinator.credentials import Credentials
from coordinator.delivery_settings import Delivery
from coordinator.deployer import TASK as DEPLOYMENTS
from coordinator.deployer import Deployer, Patience
from coordinator.errors import Refused
from coordinator.heartbeats import Heartbeats
from coordinator.history import History
from coordinator.metrics import Metrics
from coordinator.poll import TASK as POLL
from coordinator.poll import Poll
from coordinator.pushes import Push
from coordinator.queue import DeployQueue
from coordinator.receiver import Forge, Receiver
from coordinator.reports import Telling
from coordinator.reports.github import GitHubReporter
from coordinator.reports.gitlab import GitLabReporter
from coordinator.reports.sender import Reporter, Sender
from coordinator.server import serve
from coordinator.settings import StackSettings
from coordinator.signatures import GitHubSecret, GitLabSigning, GitLabToken
from coordinator.supervisor import Ending, Task
from coordinator.tips import Remote
from coordinator.ways import Way
from coordinator.ways.following import Pace
from coordinator.ways.github_dispatch import GitHubDispatch
from coordinator.ways.gitlab_pipeline import GitLabPipeline
from coordinator.ways.up import CONTENT, Up, project_command

_log = logging.getLogger(__name__)
TARGET = "site"
"""The only target: the stack's site."""
_GIT_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*://|^[\w.-]+@[\w.-]+:")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Order:
    """What is to be delivered, how, and with which secrets; everything in it has been checked."""

    stack: str
    settings: StackSettings
    remote: Remote
    branch: str
    """Empty where no webhook and no report needs it."""
    secrets: Credentials


@dataclass
class Parts:
    """Tasks for the supervisor."""

    tasks: dict[str, Task] = field(default_factory=dict)
    ending: dict[str, Ending] = field(default_factory=dict)
    beats: Heartbeats = field(default_factory=Heartbeats)


def has_content_to_follow(settings: StackSettings, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the content is a Git repository, which can move; a folder is published by hand."""
    return bool(_GIT_ADDRESS.match(_content(settings, environment)[0]))


def order(stack: str, settings: StackSettings, environment: Mapping[str, str] = os.environ) -> Order:
    """What the settings ask for; raises Refused with all mistakes at once."""
    own = settings.coordinator
    secrets, mistakes = credentials.read(own, environment)
    content, ref = _content(settings, environment)
    if not _GIT_ADDRESS.match(content):
        mistakes.append(f"deploy: the content {content!r} is a folder; give a Git URL in content, or deploy: none")
    if ref and _COMMIT.fullmatch(ref):
        mistakes.append("deploy: the content is one commit, which never moves; give a branch in contentRef")
    if own.branch and ref and own.branch != ref:
        mistakes.append(f"branch: is {own.branch}, but the content is at {ref}; leave branch out")
    branch = own.branch or ref
    if not branch and (own.listens or own.reports.gitlab):
        mistakes.append("branch: is needed for webhooks and reports; set it, or contentRef")
    if mistakes:
        raise Refused(credentials.report(stack, mistakes))
    return Order(stack, settings, Remote(content, branch or None), branch or "", secrets)


@asynccontextmanager
async def opened(wanted: Order, root: Path, state: Path, parts: Parts) -> AsyncIterator[None]:
    """Add all tasks that the settings ask for to ``parts``; what they hold is given back at the end.

    ``root`` is the checkout that publishes, ``state`` the folder for what must survive a restart. Raises DiskRefuses,
    and Refused where the address to listen on is taken.
    """
    own, metrics, beats = wanted.settings.coordinator, Metrics(), parts.beats
    refuse_taken(own.listen)
    async with AsyncExitStack() as held:
        queue = await held.enter_async_context(DeployQueue(state / f"{wanted.stack}.queue.sqlite"))
        history = await held.enter_async_context(History(state / f"{wanted.stack}.history.sqlite"))
        way = way_of(wanted, root, state / f"{wanted.stack}.publications")
        held.push_async_callback(way.close)
        reporters = reporters_of(wanted)
        for reporter in reporters:
            held.push_async_callback(reporter.close)
            parts.tasks[f"reports to {reporter.name}"] = Sender(reporter, history, metrics).run
        telling = Telling([reporter.name for reporter in reporters], wanted.settings.hosts)
        deployer = Deployer(
            queue, history, wanted.remote, way, telling, patience=_patience(wanted), metrics=metrics, beats=beats
        )
        parts.ending[DEPLOYMENTS] = deployer.run
        if own.poll:
            parts.tasks[POLL] = Poll(
                TARGET,
                queue,
                history,
                wanted.remote,
                pause=own.poll,
                retry_failed_after=own.retry_failed_after,
                beats=beats,
            ).run
        app = Receiver(forges_of(wanted), targets_of(wanted), queue, metrics, beats).app()
        parts.ending["webhooks"] = partial(serve, app, own.listen)
        _log.info("%s is deployed by %s; listening on %s for %s", wanted.remote.url, way.name, own.listen, _heard(own))
        yield


def _heard(own: Delivery) -> str:
    """What starts a deployment, in words."""
    hooks = [name for name in ("github", "gitlab") if getattr(own.webhooks, name)]
    looks = [f"a look at the tip every {own.poll} s"] if own.poll else []
    return " and ".join([*(f"webhooks of {name}" for name in hooks), *looks])


def refuse_taken(address: str) -> None:
    """Raise Refused where nothing can listen on an address. A socket's file is made anew."""
    if address.startswith("unix:"):
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_server((host.strip("[]"), int(port)), family=_family(host)).close()
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise Refused(f"coordinator.listen: cannot listen on {address}: {reason}; set another address") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if host.startswith("[") else socket.AF_INET


def forges_of(wanted: Order) -> dict[str, Forge]:
    """Senders of webhooks, each with its proof."""
    own, secrets, found = wanted.settings.coordinator.webhooks, wanted.secrets, {}
    if own.github:
        found["github"] = receiver.github(GitHubSecret(secrets["webhooks.github.secret"]))
    if own.gitlab and own.gitlab.signing_key:
        found["gitlab"] = receiver.gitlab(GitLabSigning(secrets["webhooks.gitlab.signingKey"]))
    elif own.gitlab:
        found["gitlab"] = receiver.gitlab(GitLabToken(secrets["webhooks.gitlab.token"]))
    return found


def targets_of(wanted: Order) -> dict[tuple[str, Push], str]:
    """The pushes that are deployed."""
    own, found = wanted.settings.coordinator.webhooks, {}
    if own.github:
        found["github", Push(own.github.repository, wanted.branch)] = TARGET
    if own.gitlab:
        found["gitlab", Push(own.gitlab.project, wanted.branch)] = TARGET
    return found


def way_of(wanted: Order, root: Path, state: Path) -> Way:
    """How it deploys."""
    own, secrets = wanted.settings.coordinator, wanted.secrets
    pace = Pace(limit=float(own.deploy_limit))
    if own.deploy == "gitlab-pipeline" and (pipeline := own.gitlab_pipeline):
        trigger = secrets["gitlabPipeline.triggerToken"]
        api = forge_api.gitlab(pipeline.api, secrets["gitlabPipeline.token"], trigger)
        return GitLabPipeline(api, pipeline.project, pipeline.ref, trigger, wanted.stack, pace)
    if own.deploy == "github-dispatch" and (dispatch := own.github_dispatch):
        api = forge_api.github(dispatch.api, secrets["githubDispatch.token"])
        return GitHubDispatch(api, dispatch.repository, wanted.stack, pace)
    return Up(
        command=own.up.command or project_command(wanted.stack),
        folder=root,
        state=state,
        content_at=wanted.remote.at,
        patience=float(own.stop_patience),
        withheld=secrets.variables,
    )


def reporters_of(wanted: Order) -> list[Reporter]:
    """Forges that are told."""
    own, secrets = wanted.settings.coordinator.reports, wanted.secrets
    found: list[Reporter] = []
    if own.github:
        api = forge_api.github(own.github.api, secrets["reports.github.token"])
        found.append(GitHubReporter(api, own.github.repository, own.environment))
    if own.gitlab:
        api = forge_api.gitlab(own.gitlab.api, secrets["reports.gitlab.token"])
        found.append(GitLabReporter(api, own.gitlab.project, own.environment, wanted.branch))
    return found


def _patience(wanted: Order) -> Patience:
    own = wanted.settings.coordinator
    return Patience(
        attempts=own.attempts,
        wait=float(own.retry_wait),
        longest_wait=float(own.longest_retry_wait),
        limit=float(own.deploy_limit),
    )


def _content(settings: StackSettings, environment: Mapping[str, str]) -> tuple[str, str]:
    """Address and ref; the variable wins over the settings, as it does for the program."""
    given = environment.get(CONTENT)
    url, _, behind = (given or settings.content).partition("#")
    return url, behind or ("" if given else settings.content_ref)
