"""Runners of a project's own: https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user.

How a runner and GitLab speak is their own affair. Here a runner, which shows its token, takes a whole pipeline at
``/sandbox/pipelines/next``, runs it as its file says, and says how it ended.
"""

from __future__ import annotations

import hmac
import secrets

from aiohttp import web

from sandbox.platforms.gitlab.account import PIPELINES, PROJECTS, RUNNERS
from sandbox.platforms.gitlab.answers import Handler, body_of, json_answer
from sandbox.platforms.gitlab.pipelines import FINISHED, iso
from sandbox.platforms.gitlab.projects import ApiError, Projects
from sandbox.store import Document


class OwnRunners:
    """Made by the API, asked beside it."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects
        self._store = projects.store

    def api(self) -> list[tuple[str, str, Handler]]:
        """Below ``/api/v4``."""
        return [("POST", "/user/runners", self._make)]

    def routes(self) -> list[web.RouteDef]:
        """The two calls of a runner."""
        return [web.post("/sandbox/pipelines/next", self._take), web.post("/sandbox/pipelines/{id}", self._ended)]

    async def _make(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        if given.get("runner_type") != "project_type":
            raise ApiError(400, {"error": "runner_type does not have a valid value"})
        project = self._projects.get(str(given.get("project_id", "")))
        number, token = len(self._store.all(RUNNERS)) + 1, f"glrt-{secrets.token_hex(10)}"
        self._store.put(RUNNERS, str(number), {"id": number, "token": token, "project_id": project["id"]})
        self._store.put(PROJECTS, str(project["id"]), {**project, "own_runner": True})
        return json_answer({"id": number, "token": token, "token_expires_at": None}, 201)

    def _projects_of(self, request: web.Request) -> set[int]:
        shown = request.headers.get("Runner-Token", "").encode()
        runners = self._store.all(RUNNERS).values()
        return {int(one["project_id"]) for one in runners if hmac.compare_digest(one["token"].encode(), shown)}

    async def _take(self, request: web.Request) -> web.Response:
        """The oldest pipeline that waits, with its variables; it runs from now on. 204 where none does."""
        own = self._projects_of(request)
        if not own:
            return web.Response(status=403, text="403 Forbidden\n")
        waiting = [found for found in self._store.all(PIPELINES).values() if _waits(found, own)]
        if not waiting:
            return web.Response(status=204)
        oldest = min(waiting, key=lambda found: int(found["id"]))
        return json_answer({**self._changed(oldest, "running"), "variables": oldest["variables"]})

    async def _ended(self, request: web.Request) -> web.Response:
        """``status``: success or failed."""
        found, given = self._store.get(PIPELINES, request.match_info["id"]), await body_of(request)
        if found is None or found["project_id"] not in self._projects_of(request):
            return web.Response(status=403, text="403 Forbidden\n")
        if found["status"] != "running" or given.get("status") not in FINISHED:
            return web.Response(status=409, text="the pipeline does not run, or cannot end like that\n")
        return json_answer(self._changed(found, str(given["status"])))

    def _changed(self, pipeline: Document, status: str) -> Document:
        changed = {**pipeline, "status": status, "updated_at": iso()}
        self._store.put(PIPELINES, str(pipeline["id"]), changed)
        return {key: changed[key] for key in ("id", "project_id", "sha", "ref", "source", "status")}


def _waits(pipeline: Document, projects: set[int]) -> bool:
    return bool(pipeline.get("own_runner")) and pipeline["status"] == "pending" and pipeline["project_id"] in projects
