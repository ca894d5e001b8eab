"""One comment of a merge request, edited where it is there and made where it is not.

https://docs.github.com/rest/issues/comments, https://docs.gitlab.com/api/notes/#merge-requests
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import stamina

from tools.deploy.errors import Refused

_PER_PAGE, _MOST_PAGES = 100, 30
_SECONDS = 30.0
_SERVER_ERROR, _TOO_MANY = 500, 429


@dataclass(frozen=True)
class Thread:
    """Where the comments of one merge request are. ``comments`` lists and takes them, ``comment`` is one of them."""

    comments: str
    comment: str
    """With ``{id}`` for the comment's."""
    edit: str
    """Method that changes a comment."""
    headers: Mapping[str, str] = field(repr=False)


def thread(environment: Mapping[str, str]) -> Thread | None:
    """Of the job that this is; None outside of merge requests. Raises Refused where a token or number is missing."""
    if environment.get("GITHUB_ACTIONS"):
        return _github(environment)
    if environment.get("GITLAB_CI"):
        return _gitlab(environment)
    return None


def _github(environment: Mapping[str, str]) -> Thread | None:
    path = environment.get("GITHUB_EVENT_PATH")
    event = json.loads(Path(path).read_text("utf-8")) if path else {}
    number = (event.get("pull_request") or {}).get("number")
    if number is None:
        return None
    token = environment.get("GITHUB_TOKEN")
    if not token:
        raise Refused("GITHUB_TOKEN is not set: give the job's own token, with `pull-requests: write`")
    issues = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}/issues"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    return Thread(f"{issues}/{int(number)}/comments", f"{issues}/comments/{{id}}", "PATCH", headers)


def _gitlab(environment: Mapping[str, str]) -> Thread | None:
    number = environment.get("CI_MERGE_REQUEST_IID")
    if not number:
        return None
    token = environment.get("PREVIEW_COMMENT_TOKEN")
    if not token:
        raise Refused(
            "PREVIEW_COMMENT_TOKEN is not set: give a project access token of the role Reporter with the scope `api`, "
            "as a masked variable of the environment preview; a job's own token cannot write notes"
        )
    project = f"{environment['CI_API_V4_URL']}/projects/{environment['CI_PROJECT_ID']}"
    notes = f"{project}/merge_requests/{int(number)}/notes"
    return Thread(notes, f"{notes}/{{id}}", "PUT", {"PRIVATE-TOKEN": token})


def post(where: Thread, text: str, mark: str) -> str:
    """Edit the comment that begins with ``mark``, or make one. Returns what was done; raises Refused."""
    with httpx.Client(headers=dict(where.headers), timeout=_SECONDS) as http:
        known = next((one for one in _comments(http, where) if str(one.get("body", "")).startswith(mark)), None)
        if known is None:
            _asked(http, "POST", where.comments, text)
            return "made"
        if known["body"] == text:
            return "left as it is"
        _asked(http, where.edit, where.comment.format(id=known["id"]), text)
        return "edited"


def _comments(http: httpx.Client, where: Thread) -> Iterator[dict[str, Any]]:
    url: str | None = str(httpx.URL(where.comments, params={"per_page": _PER_PAGE}))
    for _ in range(_MOST_PAGES):
        if url is None:
            return
        answer = _asked(http, "GET", url)
        yield from answer.json()
        url = answer.links.get("next", {}).get("url")


def _asked(http: httpx.Client, method: str, url: str, text: str | None = None) -> httpx.Response:
    """Ask, again where that helps: making a comment is never repeated after the server may have made it."""
    for attempt in stamina.retry_context(
        on=_worth_repeating, attempts=4, wait_initial=1.0, wait_max=20.0, timeout=90.0
    ):
        with attempt:
            answer = http.request(method, url, json=None if text is None else {"body": text})
            busy = answer.status_code == _TOO_MANY
            if busy or (answer.status_code >= _SERVER_ERROR and method != "POST"):
                raise _Busy(answer.status_code)
            if answer.is_success:
                return answer
            raise Refused(f"the forge answered {answer.status_code} to {method} of a comment; is the token allowed to?")
    raise AssertionError


class _Busy(Exception):
    pass


def _worth_repeating(error: Exception) -> bool:
    return isinstance(error, _Busy | httpx.ConnectError)
