"""What requests and answers of GitHub's REST API look like: https://docs.github.com/en/rest/using-the-rest-api."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from sandbox.github.repositories import ApiError, GitHub
from sandbox.store import Document

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]
"""Method, path below ``/api/v3``, handler."""
REPOSITORY = "/repos/{owner}/{name}"


def repository_of(forge: GitHub, request: web.Request) -> Document:
    """The repository that the address names; raises ApiError."""
    return forge.get(f"{request.match_info['owner']}/{request.match_info['name']}")


def number_of(request: web.Request, name: str) -> int:
    """A number in the address; raises ApiError."""
    text = request.match_info[name]
    if not text.isascii() or not text.isdigit():
        raise ApiError(404, "Not Found")
    return int(text)


def address(request: web.Request, path: str) -> str:
    """Where something is below the repository that the request is about: clients follow these addresses."""
    own = f"/api/v3/repos/{request.match_info['owner']}/{request.match_info['name']}"
    return f"{request.url.origin()}{own}{path}"


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that a request gives; raises ApiError."""
    try:
        document = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise ApiError(400, "Problems parsing JSON") from error
    if not isinstance(document, dict):
        raise ApiError(400, "Body should be a JSON object")
    return document


def answer(document: Any, status: int = 200) -> web.Response:
    """An answer in JSON."""
    return web.json_response(document, status=status)


def nothing(status: int = 204) -> web.Response:
    """An answer without a body."""
    return web.Response(status=status)


def refusal(error: ApiError) -> web.Response:
    """https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed."""
    document: dict[str, Any] = {"message": error.message, "documentation_url": "https://docs.github.com/rest"}
    if error.errors:
        document["errors"] = list(error.errors)
    return answer({**document, "status": str(error.status)}, error.status)


def if_changed(request: web.Request, response: web.Response) -> web.Response:
    """304 for who has this very answer already.

    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
    """
    body = response.body if isinstance(response.body, bytes) else b""
    tag = f'W/"{hashlib.sha256(body).hexdigest()}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response


def page(request: web.Request, items: Sequence[Any], envelope: str = "") -> web.Response:
    """https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api."""
    size = min(100, max(1, int(request.query.get("per_page", 30))))
    number = max(1, int(request.query.get("page", 1)))
    shown: Any = items[(number - 1) * size : number * size]
    response = answer({"total_count": len(items), envelope: shown} if envelope else shown)
    if number * size < len(items):
        target = request.url.update_query(page=number + 1, per_page=size)
        response.headers["Link"] = f'<{target}>; rel="next"'
    return response
