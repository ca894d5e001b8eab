"""What requests and answers of GitLab's REST API look like: https://docs.gitlab.com/api/rest/."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from sandbox.platforms.gitlab.projects import ApiError, Projects
from sandbox.store import Document

Handler = Callable[[web.Request], Awaitable[web.Response]]


def project_of(projects: Projects, request: web.Request) -> Document:
    """The project that the address names, by number or path; raises ApiError."""
    return projects.get(unquote(request.match_info["id"]))


def json_answer(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer in JSON."""
    return web.json_response(document, status=status, headers=headers)


async def body_of(request: web.Request) -> dict[str, Any]:
    """What a request gives, as JSON or as a form; raises ApiError."""
    if not request.can_read_body:
        return {}
    if request.content_type != "application/json":
        return dict(await request.post())
    try:
        document = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise ApiError(400, {"error": "The provided content-type 'application/json' is not valid"}) from error
    return document if isinstance(document, dict) else {}


def page(request: web.Request, items: Sequence[Any]) -> web.Response:
    """https://docs.gitlab.com/api/rest/#pagination."""
    size = min(100, max(1, int(request.query.get("per_page", 20))))
    number = max(1, int(request.query.get("page", 1)))
    pages = max(1, math.ceil(len(items) / size))
    headers = {
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Total": str(len(items)),
        "X-Total-Pages": str(pages),
        "X-Next-Page": str(number + 1) if number < pages else "",
        "X-Prev-Page": str(number - 1) if number > 1 else "",
    }
    if number < pages:
        target = request.url.update_query(page=number + 1, per_page=size)
        headers["Link"] = f'<{request.url.origin()}{target.raw_path_qs}>; rel="next"'
    return json_answer(items[(number - 1) * size : number * size], 200, headers)
