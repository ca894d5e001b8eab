"""Runs of workflows that a ``repository_dispatch`` starts, for runners of one's own.

https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event, /rest/actions/workflow-runs,
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax. How a runner and GitHub speak is
GitHub's own affair. Here a runner, which shows its token, takes a whole run at ``/sandbox/runs/next`` and says how it
ended.
"""

from __future__ import annotations

import hmac
import json
import secrets
from typing import Any

import yaml
from aiohttp import web

from sandbox.github import expressions
from sandbox.github.account import REPOSITORIES, RUNNERS, RUNS
from sandbox.github.answers import (
    REPOSITORY,
    Route,
    answer,
    body_of,
    if_changed,
    nothing,
    number_of,
    page,
    repository_of,
)
from sandbox.github.repositories import ApiError, GitHub, now
from sandbox.store import Document

_LONGEST_TYPE, _MOST_PROPERTIES, _MOST_BYTES = 100, 10, 65_535
_CONCLUSIONS = frozenset({"success", "failure", "cancelled"})
_FOLDER = ".github/workflows"
_SHOWN_BY_LIST = ("event", "status", "branch", "head_sha")


class Workflows:
    """Routes below ``/api/v3``, and the runners' beside it."""

    def __init__(self, forge: GitHub) -> None:
        self._forge = forge
        self._store = forge.store

    def routes(self) -> list[Route]:
        """What there is."""
        return [
            ("POST", f"{REPOSITORY}/dispatches", self._dispatch),
            ("GET", f"{REPOSITORY}/actions/runs", self._list),
            ("GET", f"{REPOSITORY}/actions/runs/{{number}}", self._show),
            ("GET", f"{REPOSITORY}/actions/workflows/{{workflow}}/runs", self._list_of_workflow),
            ("POST", f"{REPOSITORY}/actions/runners/registration-token", self._register),
        ]

    def runner_routes(self) -> list[web.RouteDef]:
        """The two calls of a runner."""
        return [web.post("/sandbox/runs/next", self._take), web.post("/sandbox/runs/{number}", self._ended)]

    async def _dispatch(self, request: web.Request) -> web.Response:
        repository, given = repository_of(self._forge, request), await body_of(request)
        kind, payload = given.get("event_type"), given.get("client_payload") or {}
        if not isinstance(kind, str) or not 1 <= len(kind) <= _LONGEST_TYPE:
            raise ApiError(422, 'Invalid request.\n\n"event_type" wasn\'t supplied, or is too long.')
        if not isinstance(payload, dict) or len(payload) > _MOST_PROPERTIES:
            raise ApiError(
                422, f"No more than {_MOST_PROPERTIES} properties are allowed; {len(payload)} were supplied."
            )
        if len(json.dumps(payload)) > _MOST_BYTES:
            raise ApiError(422, "client_payload is too large.")
        for path, workflow in (await self._workflows(repository)).items():
            types = (_events(workflow).get("repository_dispatch") or {}).get("types")
            if "repository_dispatch" in _events(workflow) and (types is None or kind in types):
                await self._start(repository, path, workflow, {"action": kind, "client_payload": payload})
        return nothing()

    async def _workflows(self, repository: Document) -> dict[str, dict[str, Any]]:
        """Only those of the default branch are started by an event like this."""
        tip = await self._forge.git.resolve(repository["id"], repository["default_branch"])
        if tip is None:
            return {}
        files = await self._forge.git.files(repository["id"], tip, _FOLDER)
        texts = {path: await self._forge.git.content(repository["id"], blob) for path, (_, blob) in files.items()}
        found = {path: yaml.safe_load(text) for path, text in texts.items() if path.endswith((".yml", ".yaml"))}
        return {path: workflow for path, workflow in found.items() if isinstance(workflow, dict)}

    async def _start(self, repository: Document, path: str, workflow: dict[str, Any], event: dict[str, Any]) -> None:
        tip = await self._forge.git.resolve(repository["id"], repository["default_branch"])
        contexts = {"github": {"event": event, "event_name": "repository_dispatch"}}
        concurrency = workflow.get("concurrency") or {}
        group = concurrency.get("group", "") if isinstance(concurrency, dict) else concurrency
        number = self._forge.next_number()
        document = {
            "id": number,
            "repository_number": repository["id"],
            "path": path,
            "name": workflow.get("name", path),
            "display_title": expressions.filled_in(workflow.get("run-name") or workflow.get("name", path), contexts),
            "event": "repository_dispatch",
            "head_branch": repository["default_branch"],
            "head_sha": tip,
            "status": "queued",
            "conclusion": None,
            "created_at": now(),
            "run_started_at": now(),
            "updated_at": now(),
            "group": expressions.filled_in(group, contexts),
            "event_payload": event,
        }
        self._give_way(document)
        self._store.put(RUNS, f"{number:09}", document)

    def _give_way(self, run: Document) -> None:
        """One run of a group runs and one waits: a newer one takes the place of the one that waits."""
        for key, other in self._store.all(RUNS).items():
            if run["group"] and _same_group(run, other) and other["status"] == "queued":
                self._store.put(RUNS, key, {**other, "status": "completed", "conclusion": "cancelled"})

    def _view(self, request: web.Request, run: Document) -> Document:
        hidden = {"repository_number", "group", "event_payload"}
        repository = self._store.get(REPOSITORIES, str(run["repository_number"])) or {}
        own = {"html_url": f"{request.url.origin()}/{repository.get('full_name')}/actions/runs/{run['id']}"}
        return {**{key: value for key, value in run.items() if key not in hidden}, **own}

    async def _list_of_workflow(self, request: web.Request) -> web.Response:
        """By the name of the workflow's file, which must be there: the sandbox numbers no workflows."""
        path, repository = f"{_FOLDER}/{request.match_info['workflow']}", repository_of(self._forge, request)
        if path not in await self._workflows(repository):
            raise ApiError(404, "Not Found")
        return self._listed(request, repository, path)

    async def _list(self, request: web.Request) -> web.Response:
        return self._listed(request, repository_of(self._forge, request))

    def _listed(self, request: web.Request, repository: Document, path: str = "") -> web.Response:
        wanted = {key: request.query[key] for key in _SHOWN_BY_LIST if key in request.query}
        if "branch" in wanted:
            wanted["head_branch"] = wanted.pop("branch")
        found = [
            self._view(request, run)
            for run in self._store.all(RUNS).values()
            if run["repository_number"] == repository["id"]
            and path in {"", run["path"]}
            and all(run[key] == value for key, value in wanted.items())
        ]
        return if_changed(request, page(request, found[::-1], "workflow_runs"))

    async def _show(self, request: web.Request) -> web.Response:
        found = self._store.get(RUNS, f"{number_of(request, 'number'):09}")
        if found is None or found["repository_number"] != repository_of(self._forge, request)["id"]:
            raise ApiError(404, "Not Found")
        return answer(self._view(request, found))

    async def _register(self, request: web.Request) -> web.Response:
        """https://docs.github.com/en/rest/actions/self-hosted-runners#create-a-registration-token-for-a-repository."""
        token = f"AABB{secrets.token_hex(12).upper()}"
        self._store.put(RUNNERS, token, {"repository": repository_of(self._forge, request)["id"]})
        return answer({"token": token, "expires_at": now()}, 201)

    def _repositories_of(self, request: web.Request) -> set[int]:
        shown = request.headers.get("Runner-Token", "").encode()
        runners = self._store.all(RUNNERS).items()
        return {int(one["repository"]) for key, one in runners if hmac.compare_digest(key.encode(), shown)}

    async def _take(self, request: web.Request) -> web.Response:
        """The oldest run that may run, with its event; it runs from now on. 204 where none may."""
        own, runs = self._repositories_of(request), self._store.all(RUNS)
        if not own:
            return web.Response(status=403, text="403 Forbidden\n")
        busy = [run for run in runs.values() if run["status"] == "in_progress" and run["group"]]
        for key, run in runs.items():
            free = not any(_same_group(run, other) for other in busy)
            if run["status"] == "queued" and run["repository_number"] in own and free:
                changed = {**run, "status": "in_progress", "updated_at": now()}
                self._store.put(RUNS, key, changed)
                return answer({**self._view(request, changed), "event_payload": run["event_payload"]})
        return nothing()

    async def _ended(self, request: web.Request) -> web.Response:
        """``conclusion``: success, failure or cancelled."""
        key, given = f"{number_of(request, 'number'):09}", await body_of(request)
        found = self._store.get(RUNS, key)
        if found is None or found["repository_number"] not in self._repositories_of(request):
            return web.Response(status=403, text="403 Forbidden\n")
        if found["status"] != "in_progress" or given.get("conclusion") not in _CONCLUSIONS:
            return web.Response(status=409, text="the run does not run, or cannot end like that\n")
        changed = {**found, "status": "completed", "conclusion": given["conclusion"], "updated_at": now()}
        self._store.put(RUNS, key, changed)
        return answer(self._view(request, changed))


def _events(workflow: dict[Any, Any]) -> dict[str, Any]:
    """What it is started by. YAML reads the key ``on`` as true."""
    found = workflow.get("on", workflow.get(True)) or {}
    if isinstance(found, str):
        return {found: None}
    return dict.fromkeys(found) if isinstance(found, list) else dict(found)


def _same_group(run: Document, other: Document) -> bool:
    return all(run[key] == other[key] for key in ("repository_number", "group"))
