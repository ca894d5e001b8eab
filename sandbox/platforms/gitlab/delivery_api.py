"""GitLab's API for what a delivery writes: deployments, commit statuses, triggers, webhooks, variables.

https://docs.gitlab.com/api/deployments/, /api/commits/#set-commit-pipeline-status, /api/pipeline_triggers/,
/api/project_webhooks/, /api/project_level_variables/.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from sandbox.platforms.gitlab.account import (
    COMMIT_STATUSES,
    EXTERNAL_DEPLOYMENTS,
    HOOK_EVENTS,
    USER,
)
from sandbox.platforms.gitlab.answers import Handler, body_of, json_answer, page, project_of
from sandbox.platforms.gitlab.delivery_resources import (
    BranchProtection,
    DeliveryType,
    DeployKey,
    PipelineSchedule,
    PipelineTrigger,
    ProjectEnvironment,
    ProjectHook,
    ProjectVariable,
    next_number,
)
from sandbox.platforms.gitlab.pipelines import iso
from sandbox.platforms.gitlab.projects import ApiError, Projects
from sandbox.platforms.gitlab.webhooks import Webhooks
from sandbox.provider.resource_type import Refused
from sandbox.store import Document

_DEPLOYMENT_STATES = frozenset({"running", "success", "failed", "canceled"})
_FINISHED = frozenset({"success", "failed", "canceled"})
_COMMIT_STATES = frozenset({"pending", "running", "success", "failed", "canceled", "skipped"})
#: Part of the address → what is listed and made there, and the key of its number or name.
_COLLECTIONS: dict[str, tuple[type[DeliveryType], str]] = {
    "hooks": (ProjectHook, "id"),
    "variables": (ProjectVariable, "key"),
    "deploy_keys": (DeployKey, "id"),
    "triggers": (PipelineTrigger, "id"),
    "pipeline_schedules": (PipelineSchedule, "id"),
    "environments": (ProjectEnvironment, "id"),
    "protected_branches": (BranchProtection, "name"),
}
_RENAMED = {"pushAccessLevel": "push_access_level", "branch": "name"}


class DeliveryApi:
    """Routes below ``/api/v4``. ``resources`` are those that the engine declares too."""

    def __init__(self, projects: Projects, webhooks: Webhooks, resources: Sequence[DeliveryType]) -> None:
        self._projects = projects
        self._store = projects.store
        self._webhooks = webhooks
        self._resources = {type(kind): kind for kind in resources}

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Method, path and handler."""
        own = "/projects/{id}"
        found: list[tuple[str, str, Handler]] = [
            ("GET", f"{own}/deployments", self._list_deployments),
            ("POST", f"{own}/deployments", self._make_deployment),
            ("GET", f"{own}/deployments/{{number}}", self._show_deployment),
            ("PUT", f"{own}/deployments/{{number}}", self._change_deployment),
            ("POST", f"{own}/statuses/{{sha}}", self._make_status),
            ("POST", f"{own}/trigger/pipeline", self._trigger),
            ("GET", f"{own}/hooks/{{key}}/events", self._hook_events),
        ]
        for part in _COLLECTIONS:
            found += [
                ("GET", f"{own}/{part}", self._list),
                ("POST", f"{own}/{part}", self._make),
                ("GET", f"{own}/{part}/{{key}}", self._show),
                ("DELETE", f"{own}/{part}/{{key}}", self._delete),
            ]
        return found

    def _collection(self, request: web.Request) -> tuple[DeliveryType, str]:
        resource = request.match_info.route.resource
        part = str(resource.canonical if resource else "").split("/")[5]
        kind, key = _COLLECTIONS[part]
        return self._resources[kind], key

    def _view(self, kind: DeliveryType, identifier: str, document: Document) -> Document:
        left_out = kind.hidden | {"project_number", "project", kind.number}
        shown = {_snake(key): value for key, value in document.items() if key not in left_out}
        if kind.number:
            shown["id"] = document[kind.number]
        return {**shown, **(self._webhooks.state(identifier) if isinstance(kind, ProjectHook) else {})}

    async def _list(self, request: web.Request) -> web.Response:
        kind, _ = self._collection(request)
        found = kind.of(project_of(self._projects, request)).items()
        wanted = request.query.get("name")
        views = [self._view(kind, key, document) for key, document in found]
        return page(request, [view for view in views if wanted is None or view.get("name") == wanted])

    async def _make(self, request: web.Request) -> web.Response:
        kind, _ = self._collection(request)
        given = {_camel(key): value for key, value in (await body_of(request)).items()}
        inputs = kind.defaults("", {**given, "project": str(project_of(self._projects, request)["id"])}, {})
        if isinstance(kind, BranchProtection) and "name" in inputs:
            inputs["branch"] = inputs.pop("name")
        missing = [_snake(key) for key, _ in kind.check(inputs)]
        if missing:
            raise ApiError(400, {"error": ", ".join(f"{key} is missing" for key in missing)})
        try:
            identifier, document = await kind.create(inputs)
        except Refused as error:
            status, _, words = str(error).partition(" ")
            raise ApiError(int(status), {"message": words}) from error
        return json_answer(self._view(kind, identifier, document), 201)

    def _found(self, request: web.Request) -> tuple[DeliveryType, str, Document]:
        kind, key = self._collection(request)
        wanted = unquote(request.match_info["key"])
        for identifier, document in kind.of(project_of(self._projects, request)).items():
            if str(self._view(kind, identifier, document).get(key)) == wanted:
                return kind, identifier, document
        raise ApiError(404, {"message": "404 Not found"})

    async def _show(self, request: web.Request) -> web.Response:
        return json_answer(self._view(*self._found(request)))

    async def _delete(self, request: web.Request) -> web.Response:
        kind, identifier, _ = self._found(request)
        await kind.delete(identifier)
        return web.Response(status=204)

    async def _hook_events(self, request: web.Request) -> web.Response:
        hook = f"{project_of(self._projects, request)['id']}:{request.match_info['key']}"
        events = [event for event in self._store.all(HOOK_EVENTS).values() if _same_hook(event["hook"], hook)]
        return page(request, events)

    async def _commit(self, project: Document, sha: str) -> str | None:
        return await self._projects.repositories.resolve(project["id"], sha)

    async def _list_deployments(self, request: web.Request) -> web.Response:
        number, wanted = project_of(self._projects, request)["id"], request.query.get("environment")
        found = [
            document
            for document in self._store.all(EXTERNAL_DEPLOYMENTS).values()
            if document["project_id"] == number and wanted in {None, document["environment"]["name"]}
        ]
        found.sort(key=lambda document: int(document["id"]), reverse=request.query.get("sort", "asc") == "desc")
        return page(request, found)

    async def _make_deployment(self, request: web.Request) -> web.Response:
        project, given = project_of(self._projects, request), await body_of(request)
        missing = [key for key in ("environment", "sha", "ref", "tag", "status") if key not in given]
        if missing:
            raise ApiError(400, {"error": ", ".join(f"{key} is missing" for key in missing)})
        if given["status"] not in _DEPLOYMENT_STATES:
            raise ApiError(400, {"error": "status does not have a valid value"})
        if await self._commit(project, str(given["sha"])) is None:
            raise ApiError(400, {"message": {"sha": ["The commit does not exist"]}})
        if await self._commit(project, str(given["ref"])) is None:
            raise ApiError(400, {"message": {"ref": ["The branch or tag does not exist"]}})
        environments = self._resources[ProjectEnvironment]
        assert isinstance(environments, ProjectEnvironment)  # noqa: S101 - by its key
        environment = environments.at(project, str(given["environment"]))
        return json_answer(self._written(project, given, environment), 201)

    def _written(self, project: Document, given: Document, environment: Document) -> Document:
        number = next_number(self._store)
        document = {
            "id": number,
            "iid": number,
            "project_id": project["id"],
            "sha": given["sha"],
            "ref": given["ref"],
            "status": given["status"],
            "created_at": iso(),
            "updated_at": iso(),
            "user": USER,
            "environment": {"id": environment["environment_number"], "name": environment["name"]},
        }
        self._store.put(EXTERNAL_DEPLOYMENTS, str(number), document)
        return document

    def _deployment(self, request: web.Request) -> Document:
        found = self._store.get(EXTERNAL_DEPLOYMENTS, request.match_info["number"])
        if found is None or found["project_id"] != project_of(self._projects, request)["id"]:
            raise ApiError(404, {"message": "404 Not found"})
        return found

    async def _show_deployment(self, request: web.Request) -> web.Response:
        return json_answer(self._deployment(request))

    async def _change_deployment(self, request: web.Request) -> web.Response:
        found, given = self._deployment(request), await body_of(request)
        if given.get("status") not in _DEPLOYMENT_STATES:
            raise ApiError(400, {"error": "status does not have a valid value"})
        if found["status"] in _FINISHED and given["status"] not in _FINISHED:
            raise ApiError(400, {"message": {"status": ["cannot transition from a finished state"]}})
        changed = {**found, "status": given["status"], "updated_at": iso()}
        self._store.put(EXTERNAL_DEPLOYMENTS, str(found["id"]), changed)
        return json_answer(changed)

    async def _make_status(self, request: web.Request) -> web.Response:
        project, given = project_of(self._projects, request), await body_of(request)
        sha = request.match_info["sha"]
        if given.get("state") not in _COMMIT_STATES:
            raise ApiError(400, {"error": "state does not have a valid value"})
        if not re.fullmatch(r"[0-9a-f]{40}", sha) or await self._commit(project, sha) is None:
            raise ApiError(404, {"message": "404 Commit Not Found"})
        name = str(given.get("name") or given.get("context") or "default")
        key = f"{project['id']}:{sha}:{name}"
        before = self._store.get(COMMIT_STATUSES, key)
        if before is not None and before["status"] == given["state"]:
            said = f"Cannot transition status via :run from :{given['state']}"
            raise ApiError(400, {"message": said})
        document = {
            "id": before["id"] if before else next_number(self._store),
            "sha": sha,
            "ref": given.get("ref") or project["default_branch"],
            "status": given["state"],
            "name": name,
            "target_url": given.get("target_url"),
            "description": given.get("description"),
            "author": USER,
            "project_id": project["id"],
        }
        self._store.put(COMMIT_STATUSES, key, document)
        return json_answer(document, 201)

    async def _trigger(self, request: web.Request) -> web.Response:
        """The one call without a user's token: https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token."""
        project, given = project_of(self._projects, request), await body_of(request)
        tokens = [found["token"] for found in self._resources[PipelineTrigger].of(project).values()]
        offered = str(given.get("token", "")).encode()
        if not any(hmac.compare_digest(token.encode(), offered) for token in tokens):
            raise ApiError(404, {"message": "404 Not Found"})
        variables = given.get("variables") or {}
        if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
            raise ApiError(400, {"message": "variables needs to be a map of key-valued strings"})
        ref = str(given.get("ref", ""))
        sha = (await self._projects.repositories.branches(project["id"])).get(ref)
        if sha is None:
            raise ApiError(400, {"message": {"base": ["Reference not found"]}})
        made = await self._projects.pipelines.begin(project, ref, sha, source="trigger", variables=variables)
        if made is None:
            raise ApiError(400, {"message": {"base": ["The resulting pipeline would have been empty."]}})
        return json_answer({key: made[key] for key in ("id", "sha", "ref", "status", "source", "project_id")}, 201)


def is_trigger(path: str) -> bool:
    """Whether a request brings a trigger's token in place of a user's."""
    return path.endswith("/trigger/pipeline")


def _same_hook(event: Any, hook: str) -> bool:
    return str(event).rpartition(":")[2] == hook.rpartition(":")[2]


def _snake(key: str) -> str:
    return _RENAMED.get(key) or re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower()


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)
