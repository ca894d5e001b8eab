"""Vercel's REST API as its clients use it: https://vercel.com/docs/rest-api."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.platforms.vercel.deployments import ACCOUNT, ApiError, Deployments
from sandbox.store import Document
from sandbox.world import Clock

TOKEN = "sandboxSandboxSandbox000"  # noqa: S105 - the same on every machine, opens nothing
#: The plan Hobby: https://vercel.com/docs/limits#rate-limits
_DEPLOYMENTS_A_DAY = 100
_UPLOADS_A_DAY = 5_000
_DAY = 24 * 3600.0
_MAX_BODY = 1024**3
_SHA1 = re.compile(r"[0-9a-f]{40}")
_DIRECTORY = 16877


class Api:
    """All versions of the paths that the CLI and the publisher ask."""

    def __init__(self, deployments: Deployments, clock: Clock) -> None:
        self._deployments = deployments
        self._clock = clock
        self._made: deque[float] = deque()
        self._uploaded: deque[float] = deque()

    def app(self) -> web.Application:
        """Routes of the API."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_MAX_BODY)
        routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.Response]]]] = [
            ("GET", "/v2/user", self._user),
            ("GET", "/teams/{team}", self._team),
            ("GET", "/v1/teams", self._teams),
            ("GET", "/v9/projects/{project}", self._project),
            ("GET", "/v9/projects/{project}/domains", self._domains),
            ("GET", "/v6/deployments", self._list),
            ("POST", "/v13/deployments", self._create),
            ("GET", "/v13/deployments/{deployment}", self._show),
            ("DELETE", "/v13/deployments/{deployment}", self._delete),
            ("GET", "/v3/now/deployments/{deployment}/events", self._events),
            ("GET", "/v11/deployments/{deployment}/builds", self._builds),
            ("POST", "/v2/files", self._upload),
            ("POST", "/v10/projects/{project}/promote/{deployment}", self._promote),
            ("POST", "/v9/projects/{project}/rollback/{deployment}", self._roll_back),
            ("POST", "/v1/projects/{project}/rollback/{deployment}", self._roll_back),
            ("GET", "/v4/aliases/{domain}", self._alias),
            ("POST", "/v2/deployments/{deployment}/aliases", self._assign),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, handler)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _check_token(request)
            return await handler(request)
        except ApiError as error:
            headers = {"Retry-After": "60"} if error.status == 429 else {}
            return web.json_response(error.body, status=error.status, headers=headers)
        except web.HTTPException as error:
            body = {"error": {"code": "not_found", "message": error.reason}}
            return web.json_response(body, status=error.status)

    async def _user(self, _: web.Request) -> web.Response:
        user = {"id": "sandboxuser", "uid": "sandboxuser", "username": "sandbox", "email": "sandbox@example.com"}
        return web.json_response(
            {"user": {**user, "name": "Sandbox", "defaultTeamId": ACCOUNT, "version": "northstar"}}
        )

    async def _team(self, request: web.Request) -> web.Response:
        if request.match_info["team"] not in {ACCOUNT, "sandbox"}:
            raise ApiError(404, "not_found", "Team not found.")
        return web.json_response({"id": ACCOUNT, "slug": "sandbox", "name": "Sandbox", "billing": {"plan": "hobby"}})

    async def _teams(self, _: web.Request) -> web.Response:
        team = {"id": ACCOUNT, "slug": "sandbox", "name": "Sandbox"}
        return web.json_response({"teams": [team], "pagination": {"count": 1, "next": None, "prev": None}})

    async def _project(self, request: web.Request) -> web.Response:
        return web.json_response(self._project_view(self._deployments.project(request.match_info["project"])))

    async def _domains(self, request: web.Request) -> web.Response:
        project = self._deployments.project(request.match_info["project"])
        domain = {"name": project["domain"], "apexName": "vercel.app", "projectId": project["id"], "verified": True}
        found = [{**domain, "redirect": None, "gitBranch": None}]
        return web.json_response({"domains": found, "pagination": {"count": 1, "next": None, "prev": None}})

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        project = self._deployments.project(query["projectId"]) if "projectId" in query else None
        if project is None:
            raise ApiError(400, "bad_request", "The sandbox lists deployments by projectId only.")
        found = self._deployments.of_project(project["id"])
        found = [one for one in found if int(query.get("since", 0)) <= one["created"] < int(query.get("until", 10**15))]
        if "target" in query:
            found = [one for one in found if (one["target"] or "preview") == query["target"]]
        limit = min(int(query.get("limit", 20)), 100)
        following = found[limit - 1]["created"] if len(found) > limit else None
        views = [self._listed(one) for one in found[:limit]]
        return web.json_response({"deployments": views, "pagination": {"count": len(views), "next": following}})

    async def _create(self, request: web.Request) -> web.Response:
        body = await _json(request)
        if "deploymentId" in body:
            raise ApiError(400, "bad_request", "The sandbox builds no deployment anew.")
        project = self._deployments.project(str(body.get("project") or body.get("name")))
        self._check_settings(project, body)
        files = await asyncio.to_thread(self._files, body)
        self._spend(self._made, _DEPLOYMENTS_A_DAY, "api-deployments-free-per-day")
        deployment = self._deployments.create(project, body, files)
        return web.json_response(self._view(deployment))

    def _check_settings(self, project: Document, body: Mapping[str, Any]) -> None:
        if not isinstance(body.get("name"), str):
            raise ApiError(400, "bad_request", "Invalid request: missing required property `name`.")
        if body.get("target") not in {None, "production", "staging", "preview"}:
            raise ApiError(400, "bad_request", "Invalid request: `target` should be one of production, staging.")
        if "projectSettings" not in body and not self._deployments.of_project(project["id"]):
            raise ApiError(
                400, "missing_project_settings", "The `projectSettings` object is required for new projects."
            )

    def _files(self, body: Mapping[str, Any]) -> dict[str, str]:
        """Place → SHA-1; raises ApiError ``missing_files`` with every digest that was not uploaded."""
        entries = body.get("files")
        if not isinstance(entries, list) or not entries:
            raise ApiError(400, "bad_request", "Invalid request: `files` should be a list with at least one file.")
        files: dict[str, str] = {}
        for entry in entries:
            place = entry.get("file") if isinstance(entry, dict) else None
            if not isinstance(place, str) or place.startswith("/") or ".." in place.split("/"):
                raise ApiError(400, "bad_request", "Invalid request: `file` should be a relative path.")
            if entry.get("mode") != _DIRECTORY:
                files[place] = self._inlined(entry) if "data" in entry else self._digest(entry)
        missing = sorted({sha1 for sha1 in files.values() if sha1 not in self._deployments.contents})
        if missing:
            raise ApiError(400, "missing_files", "Missing files", missing=missing)
        return files

    def _digest(self, entry: Mapping[str, Any]) -> str:
        sha1, size = str(entry.get("sha", "")), entry.get("size")
        if not _SHA1.fullmatch(sha1) or not isinstance(size, int):
            raise ApiError(400, "bad_request", "Invalid request: `sha` should be a SHA1 and `size` a number.")
        contents = self._deployments.contents
        if sha1 in contents and contents.path(sha1).stat().st_size != size:
            raise ApiError(400, "bad_request", f"The size of {entry['file']} is wrong.")
        return sha1

    def _inlined(self, entry: Mapping[str, Any]) -> str:
        try:
            text = str(entry["data"])
            body = base64.b64decode(text, validate=True) if entry.get("encoding") == "base64" else text.encode()
        except binascii.Error:
            raise ApiError(400, "bad_request", "Invalid request: `data` is no base64.") from None
        sha1 = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        self._deployments.receive(sha1, body)
        return sha1

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._view(self._deployments.deployment(request.match_info["deployment"])))

    async def _delete(self, request: web.Request) -> web.Response:
        self._deployments.delete(request.match_info["deployment"])
        return web.json_response({"uid": request.match_info["deployment"], "state": "DELETED"})

    async def _events(self, request: web.Request) -> web.Response:
        self._deployments.deployment(request.match_info["deployment"])
        return web.json_response([])

    async def _builds(self, request: web.Request) -> web.Response:
        self._deployments.deployment(request.match_info["deployment"])
        return web.json_response({"builds": []})

    async def _upload(self, request: web.Request) -> web.Response:
        sha1 = request.headers.get("x-vercel-digest") or request.headers.get("x-now-digest") or ""
        if not _SHA1.fullmatch(sha1):
            raise ApiError(400, "missing_digest", "The header x-vercel-digest should be a SHA1.")
        if request.content_length is None:
            raise ApiError(411, "length_required", "The header Content-Length is missing.")
        self._spend(self._uploaded, _UPLOADS_A_DAY, "api-upload-free")
        body = await request.read()
        if request.headers.get("x-now-size", str(len(body))) != str(len(body)):
            raise ApiError(400, "invalid_size", "The header x-now-size does not match the body.")
        await asyncio.to_thread(self._deployments.receive, sha1, body)
        return web.json_response({"urls": []})

    async def _promote(self, request: web.Request) -> web.Response:
        project, deployment = self._both(request)
        self._deployments.promote(project, deployment)
        return web.Response(status=202)

    async def _roll_back(self, request: web.Request) -> web.Response:
        project, deployment = self._both(request)
        self._deployments.roll_back(project, deployment)
        return web.Response(status=201)

    def _both(self, request: web.Request) -> tuple[Document, Document]:
        project = self._deployments.project(request.match_info["project"])
        deployment = self._deployments.deployment(request.match_info["deployment"])
        if deployment["project"] != project["id"]:
            raise ApiError(404, "not_found", "The deployment could not be found.")
        return project, deployment

    async def _alias(self, request: web.Request) -> web.Response:
        domain = request.match_info["domain"]
        found = self._deployments.at(domain)
        if found is None:
            raise ApiError(404, "not_found", "The alias could not be found.")
        deployment = {"id": found["id"], "url": found["url"], "meta": found["meta"]}
        view = {"alias": domain, "deploymentId": found["id"], "projectId": found["project"], "deployment": deployment}
        return web.json_response(view)

    async def _assign(self, request: web.Request) -> web.Response:
        deployment = self._deployments.deployment(request.match_info["deployment"])
        domain = str((await _json(request)).get("alias", ""))
        before = self._deployments.live_id(domain)
        self._deployments.assign(deployment, domain)
        return web.json_response({"uid": f"als_{deployment['id'][4:]}", "alias": domain, "oldDeploymentId": before})

    def _spend(self, spent: deque[float], limit: int, code: str) -> None:
        now = self._clock.monotonic()
        while spent and spent[0] < now - _DAY:
            spent.popleft()
        if len(spent) >= limit:
            reset = int((time.time() + self._clock.real(spent[0] + _DAY - now)) * 1000)
            told = {"remaining": 0, "reset": reset, "total": limit}
            raise ApiError(429, code, f"Resource is limited - try again in 24 hours (more than {limit}).", limit=told)
        spent.append(now)

    def _project_view(self, project: Document) -> dict[str, Any]:
        live = self._deployments.live_id(project["domain"])
        return {
            "id": project["id"],
            "name": project["name"],
            "accountId": ACCOUNT,
            "createdAt": project["created"],
            "framework": None,
            "autoAssignCustomDomains": project["settings"].get("autoAssignCustomDomains", True),
            "targets": {"production": {"id": live}} if live else {},
            "lastAliasRequest": self._deployments.last_move(project),
        }

    def _listed(self, deployment: Document) -> dict[str, Any]:
        view = self._view(deployment)
        kept = (
            *("url", "name", "target", "readyState", "readySubstate", "meta", "created", "createdAt", "buildingAt"),
            *("ready", "creator", "aliasAssigned"),
        )
        return {"uid": deployment["id"], "state": view["readyState"], **{key: view[key] for key in kept}}

    def _view(self, deployment: Document) -> dict[str, Any]:
        project = self._deployments.project(deployment["project"])
        state = self._deployments.state(deployment)
        ready = state == "READY"
        promoted = deployment["promoted"]
        return {
            "id": deployment["id"],
            "url": deployment["url"],
            "name": project["name"],
            "projectId": project["id"],
            "ownerId": ACCOUNT,
            "team": {"id": ACCOUNT, "slug": "sandbox", "name": "Sandbox"},
            "creator": {"uid": "sandboxuser", "username": "sandbox"},
            "target": deployment["target"],
            "meta": deployment["meta"],
            "created": deployment["created"],
            "createdAt": deployment["created"],
            "buildingAt": deployment["created"],
            "ready": int(deployment["ready"] * 1000) if ready else None,
            "readyState": state,
            "readySubstate": ("PROMOTED" if promoted else "STAGED") if ready else None,
            "alias": [project["domain"]] if promoted else [],
            "aliasAssigned": int(deployment["ready"] * 1000) if ready else None,
            "aliasError": None,
            "errorMessage": deployment["error"] if state == "ERROR" else None,
        }


def _check_token(request: web.Request) -> None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not given:
        raise ApiError(401, "unauthorized", "Missing authentication token", missingToken=True)
    if not hmac.compare_digest(given.encode(), TOKEN.encode()):
        raise ApiError(403, "forbidden", "Not authorized", invalidToken=True)
    if request.query.get("teamId", ACCOUNT) != ACCOUNT:
        raise ApiError(403, "forbidden", "Not authorized: Trying to access resource under another scope.")


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        found = await request.json()
    except ValueError:
        raise ApiError(400, "bad_request", "Invalid JSON") from None
    if not isinstance(found, dict):
        raise ApiError(400, "bad_request", "Invalid request: should be object.")
    return found
