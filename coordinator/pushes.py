"""What a webhook says, reduced to what it may decide: that a branch of a repository has moved.

Everything else in a payload is somebody's claim: the commit is asked of the configured repository, whose address
comes from the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

BRANCH = "refs/heads/"
_Short = Annotated[str, StringConstraints(min_length=1, max_length=400)]
T = TypeVar("T", bound=BaseModel)
_GONE = "0" * 40


class Unreadable(Exception):
    """A body that is not what the forge documents."""


@dataclass(frozen=True)
class Push:
    """A branch that moved."""

    repository: str
    """``owner/name`` or ``group/subgroup/project``, as the forge writes it."""
    branch: str


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _GitHubRepository(_Lenient):
    full_name: _Short


class _GitHubPush(_Lenient):
    ref: _Short
    deleted: bool = False
    repository: _GitHubRepository


class _GitLabProject(_Lenient):
    path_with_namespace: _Short


class _GitLabPush(_Lenient):
    ref: _Short
    after: _Short = "-"
    project: _GitLabProject


def of_github(event: str, body: bytes) -> Push | None:
    """The push of a GitHub delivery; None for another event, a tag or a deleted branch. Raises Unreadable.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
    """
    if event != "push":
        return None
    found = _read(_GitHubPush, body)
    return None if found.deleted else _branch(found.repository.full_name, found.ref)


def of_gitlab(event: str, body: bytes) -> Push | None:
    """The push of a GitLab delivery; None for another event, a tag or a deleted branch. Raises Unreadable.

    https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
    """
    if event != "Push Hook":
        return None
    found = _read(_GitLabPush, body)
    return None if found.after == _GONE else _branch(found.project.path_with_namespace, found.ref)


def _branch(repository: str, ref: str) -> Push | None:
    return Push(repository, ref.removeprefix(BRANCH)) if ref.startswith(BRANCH) else None


def _read(kind: type[T], body: bytes) -> T:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, found["loc"])) or "body" for found in error.errors()[:3])
        raise Unreadable(f"the payload is not a push as documented; wrong or missing: {where}") from None
