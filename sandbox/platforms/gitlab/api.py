"""GitLab's REST API as its clients use it: https://docs.gitlab.com/api/rest/."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.git.http import GitHttp
from sandbox.platforms.gitlab.account import COMMIT_STATUSES, DEPLOYMENTS, NAMESPACE, TOKEN, USER
from sandbox.platforms.gitlab.answers import body_of, json_answer, page
from sandbox.platforms.gitlab.delivery_api import DeliveryApi, is_trigger
from sandbox.platforms.gitlab.merge_requests import MergeRequests
from sandbox.platforms.gitlab.own_runners import OwnRunners
from sandbox.platforms.gitlab.pipelines import status_views
from sandbox.platforms.gitlab.projects import ApiError, Projects, full_path, pages_view
from sandbox.platforms.gitlab.push_rules import VOICE
from sandbox.platforms.gitlab.webhooks import Webhooks
from sandbox.store import Document
from sandbox.world import Clock

#: https://docs.gitlab.com/user/gitlab_com/#gitlabcom-specific-rate-limits (authenticated API requests)
_REQUESTS_A_MINUTE = 2000
_MAX_BODY = 300 * 1024**2
_NOT_SHOWN = frozenset({"jobs", "deploy", "variables", "own_runner"})
_MODES = {False: "100644", True: "100755"}


class Api:
    """One application: ``/api/v4``, and the repositories over HTTP."""

    def __init__(self, projects: Projects, clock: Clock, webhooks: Webhooks, delivery: DeliveryApi) -> None:
        self._projects = projects
        self._webhooks = webhooks
        self._delivery = delivery
        self._runners = OwnRunners(projects)
        self._repositories = projects.repositories
        self._pipelines = projects.pipelines
        self._clock = clock
        self._recent: deque[float] = deque()
        self.origin = ""
        """Address of this very API, known once it listens; links and repositories begin with it."""

    def app(self) -> web.Application:
        """Routes of the API and of Git."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_MAX_BODY)
        app.cleanup_ctx.append(self._pipelines.running)
        git = GitHttp(self._repositories, self._projects.at, self._pipelines.pushed, VOICE)
        app.add_routes([*git.routes(), *self._runners.routes()])
        app.cleanup_ctx.append(self._webhooks.sending.running)
        routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.Response]]]] = [
            ("GET", "/user", self._user),
            ("GET", "/projects", self._list_projects),
            ("POST", "/projects", self._make_project),
            ("GET", "/projects/{id}", self._show_project),
            ("PUT", "/projects/{id}", self._change_project),
            ("DELETE", "/projects/{id}", self._delete_project),
            ("GET", "/projects/{id}/pages", self._show_pages),
            ("PATCH", "/projects/{id}/pages", self._change_pages),
            ("DELETE", "/projects/{id}/pages", self._delete_pages),
            ("GET", "/projects/{id}/repository/branches", self._list_branches),
            ("POST", "/projects/{id}/repository/branches", self._make_branch),
            ("GET", "/projects/{id}/repository/branches/{branch}", self._show_branch),
            ("DELETE", "/projects/{id}/repository/branches/{branch}", self._delete_branch),
            ("GET", "/projects/{id}/repository/tree", self._show_tree),
            ("GET", "/projects/{id}/repository/commits", self._list_commits),
            ("POST", "/projects/{id}/repository/commits", self._make_commit),
            ("GET", "/projects/{id}/repository/commits/{sha}", self._show_commit),
            ("GET", "/projects/{id}/repository/commits/{sha}/statuses", self._list_statuses),
            ("GET", "/projects/{id}/pipelines", self._list_pipelines),
            ("POST", "/projects/{id}/pipeline", self._make_pipeline),
            ("GET", "/projects/{id}/pipelines/{pipeline}", self._show_pipeline),
            ("GET", "/projects/{id}/pipelines/{pipeline}/variables", self._list_variables),
            ("GET", "/projects/{id}/pipelines/{pipeline}/jobs", self._list_jobs),
            *self._delivery.routes(),
            *self._runners.api(),
            *MergeRequests(self._projects).routes(),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, f"/api/v4{path}", handler)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):  # Git asks for the token itself; a runner is on this machine
            return await handler(request)
        if not is_trigger(request.path) and not hmac.compare_digest(_token(request).encode(), TOKEN.encode()):
            return json_answer({"message": "401 Unauthorized"}, 401)
        limits = self._counted()
        if limits["RateLimit-Remaining"] == "0":
            wait = {"Retry-After": str(math.ceil(self._clock.real(60)))}
            return web.Response(status=429, text="Retry later\n", headers={**limits, **wait})
        try:
            response = await handler(request)
        except ApiError as error:
            return json_answer(error.message, error.status, limits)
        except web.HTTPNotFound:
            return json_answer({"error": "404 Not Found"}, 404, limits)
        except web.HTTPMethodNotAllowed:
            return json_answer({"error": "405 Not Allowed"}, 405, limits)
        response.headers.update(limits)
        return response

    def _counted(self) -> dict[str, str]:
        now = self._clock.monotonic()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        self._recent.append(now)
        remaining = max(0, _REQUESTS_A_MINUTE - len(self._recent))
        reset = math.ceil(time.time() + self._clock.real(60 - (now - self._recent[0])))
        figures = {"Limit": _REQUESTS_A_MINUTE, "Observed": len(self._recent), "Remaining": remaining, "Reset": reset}
        return {f"RateLimit-{name}": str(figure) for name, figure in figures.items()}

    def _project(self, request: web.Request) -> Document:
        return self._projects.get(unquote(request.match_info["id"]))

    async def _user(self, _: web.Request) -> web.Response:
        return json_answer({**USER, "web_url": f"{self.origin}/{USER['username']}"})

    async def _list_projects(self, request: web.Request) -> web.Response:
        wanted = request.query.get("search", "").lower()
        found = [project for project in self._projects.all() if wanted in project["name"].lower()]
        return page(request, [self._view(project) for project in found])

    async def _make_project(self, request: web.Request) -> web.Response:
        return json_answer(self._view(await self._projects.make(await body_of(request))), 201)

    async def _show_project(self, request: web.Request) -> web.Response:
        return json_answer(self._view(self._project(request)))

    async def _change_project(self, request: web.Request) -> web.Response:
        return json_answer(
            self._view(await self._projects.change(self._project(request)["id"], await body_of(request)))
        )

    async def _delete_project(self, request: web.Request) -> web.Response:
        await self._projects.remove(self._project(request)["id"])
        return json_answer({"message": "202 Accepted"}, 202)

    async def _show_pages(self, request: web.Request) -> web.Response:
        project = self._project(request)
        return json_answer(pages_view(project, self._projects.deployment(project["id"])))

    async def _change_pages(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        settings = {"pages_unique_domain_enabled", "pages_https_only", "own_runner"}
        known = {key: value for key, value in given.items() if key in settings}
        if not known:
            raise ApiError(400, {"error": "at least one parameter must be provided"})
        project = await self._projects.change(self._project(request)["id"], known)
        return json_answer(pages_view(project, self._projects.deployment(project["id"])))

    async def _delete_pages(self, request: web.Request) -> web.Response:
        self._projects.store.delete(DEPLOYMENTS, str(self._project(request)["id"]))
        return web.Response(status=204)

    async def _list_branches(self, request: web.Request) -> web.Response:
        project = self._project(request)
        wanted = request.query.get("search", "")
        branches = await self._repositories.branches(project["id"])
        found = {name: sha for name, sha in branches.items() if _fits(name, wanted)}
        commits = await self._repositories.commits(project["id"], list(found.values()))
        return page(request, [_branch_view(project, name, commits[sha]) for name, sha in found.items()])

    async def _branch_view(self, project: Document, name: str, sha: str) -> Document:
        return _branch_view(project, name, (await self._repositories.log(project["id"], sha, 1))[0])

    async def _branch(self, request: web.Request) -> tuple[Document, str, str]:
        project, name = self._project(request), unquote(request.match_info["branch"])
        sha = (await self._repositories.branches(project["id"])).get(name)
        if sha is None:
            raise ApiError(404, {"message": "404 Branch Not Found"})
        return project, name, sha

    async def _show_branch(self, request: web.Request) -> web.Response:
        return json_answer(await self._branch_view(*await self._branch(request)))

    async def _make_branch(self, request: web.Request) -> web.Response:
        project, given = self._project(request), {**dict(request.query), **await body_of(request)}
        sha = await self._repositories.resolve(project["id"], str(given.get("ref", "")))
        if sha is None:
            raise ApiError(400, {"message": f"Invalid reference name: {given.get('ref')}"})
        if given.get("branch") in await self._repositories.branches(project["id"]):
            raise ApiError(400, {"message": "Branch already exists"})
        await self._repositories.git(project["id"], "update-ref", f"refs/heads/{given['branch']}", sha)
        return json_answer(await self._branch_view(project, str(given["branch"]), sha), 201)

    async def _delete_branch(self, request: web.Request) -> web.Response:
        project, name, sha = await self._branch(request)
        if name == project["default_branch"]:
            raise ApiError(405, {"message": "405 Method Not Allowed - Protected branch cannot be deleted"})
        await self._repositories.git(project["id"], "update-ref", "-d", f"refs/heads/{name}", sha)
        return web.Response(status=204)

    async def _show_tree(self, request: web.Request) -> web.Response:
        project = self._project(request)
        sha = await self._commit(project, request.query.get("ref") or project["default_branch"])
        files = await self._repositories.files(project["id"], sha, request.query.get("path", ""))
        if request.query.get("recursive") not in {"true", "1", "True"}:
            raise ApiError(400, {"error": "this sandbox lists trees recursively only"})
        entries = [
            {"id": blob, "name": path.rpartition("/")[2], "type": "blob", "path": path, "mode": mode}
            for path, (mode, blob) in files.items()
        ]
        return page(request, entries)

    async def _commit(self, project: Document, name: str) -> str:
        sha = await self._repositories.resolve(project["id"], name)
        if sha is None:
            raise ApiError(404, {"message": "404 Commit Not Found"})
        return sha

    async def _list_commits(self, request: web.Request) -> web.Response:
        project = self._project(request)
        sha = await self._repositories.resolve(
            project["id"], request.query.get("ref_name") or project["default_branch"]
        )
        return page(request, await self._repositories.log(project["id"], sha, 10_000) if sha else [])

    async def _show_commit(self, request: web.Request) -> web.Response:
        project = self._project(request)
        sha = await self._commit(project, unquote(request.match_info["sha"]))
        (commit,) = await self._repositories.log(project["id"], sha, 1)
        own = [found for found in await self._pipelines.of(project["id"]) if found["sha"] == sha]
        last = self._pipeline_view(project, own[0]) if own else None
        return json_answer({**commit, "last_pipeline": last, "status": last["status"] if last else None})

    async def _make_commit(self, request: web.Request) -> web.Response:
        project, given = self._project(request), await body_of(request)
        branch = str(given.get("branch") or "")
        if not branch or not given.get("commit_message"):
            raise ApiError(400, {"error": "branch is missing, commit_message is missing"})
        number = project["id"]
        start = await self._repositories.resolve(number, str(given.get("start_branch") or branch))
        if start is None:
            raise ApiError(400, {"message": "You can only create or edit files when you are on a branch"})
        files = await self._changed(number, await self._repositories.files(number, start), given.get("actions") or [])
        index = "".join(f"{mode} {blob}\t{path}\0" for path, (mode, blob) in files.items()).encode()
        own = str(self._repositories.path(number) / f"index-{time.monotonic_ns()}")
        await self._repositories.git(number, "update-index", "-z", "--index-info", given=index, GIT_INDEX_FILE=own)
        tree = (await self._repositories.git(number, "write-tree", GIT_INDEX_FILE=own)).decode().strip()
        message = str(given["commit_message"])
        made = await self._repositories.git(number, "commit-tree", "-p", start, "-m", message, tree)
        sha = made.decode().strip()
        await self._repositories.git(number, "update-ref", f"refs/heads/{branch}", sha)
        await self._pipelines.begin(project, branch, sha, source="push")
        (commit,) = await self._repositories.log(number, sha, 1)
        return json_answer({**commit, "stats": {"additions": 0, "deletions": 0, "total": 0}}, 201)

    async def _changed(
        self, number: int, files: dict[str, tuple[str, str]], actions: Sequence[dict[str, Any]]
    ) -> dict[str, tuple[str, str]]:
        """One wrong action refuses the whole commit: https://docs.gitlab.com/api/commits/."""
        for action in actions:
            kind, path = action.get("action"), str(action.get("file_path", ""))
            if kind == "create" and path in files:
                raise ApiError(400, {"message": "A file with this name already exists"})
            if kind in {"update", "delete"} and path not in files:
                raise ApiError(400, {"message": "A file with this name doesn't exist"})
            if kind == "delete":
                del files[path]
            elif kind in {"create", "update"}:
                files[path] = (_MODES[bool(action.get("execute_filemode"))], await self._blob(number, action))
            else:
                raise ApiError(400, {"error": "actions[0][action] does not have a valid value"})
        return files

    async def _blob(self, number: int, action: dict[str, Any]) -> str:
        content = str(action.get("content", "")).encode()
        if action.get("encoding") == "base64":
            try:
                content = base64.b64decode(content, validate=True)
            except binascii.Error as error:
                raise ApiError(400, {"message": "content is not base64"}) from error
        return (await self._repositories.git(number, "hash-object", "-w", "--stdin", given=content)).decode().strip()

    async def _list_statuses(self, request: web.Request) -> web.Response:
        project = self._project(request)
        sha = await self._commit(project, unquote(request.match_info["sha"]))
        found = [found for found in await self._pipelines.of(project["id"]) if found["sha"] == sha]
        if request.query.get("all") not in {"true", "1"}:
            found = found[:1]
        external = [status for status in self._projects.store.all(COMMIT_STATUSES).values() if status["sha"] == sha]
        return page(request, [*(view for pipeline in found for view in status_views(pipeline)), *external])

    async def _list_pipelines(self, request: web.Request) -> web.Response:
        project = self._project(request)
        wanted = {key: request.query[key] for key in ("sha", "ref", "status", "source") if key in request.query}
        since = request.query.get("updated_after", "").replace(" ", "+")
        found = [
            self._pipeline_view(project, pipeline)
            for pipeline in await self._pipelines.of(project["id"])
            if all(pipeline[key] == value for key, value in wanted.items()) and _moment(pipeline) >= since[:19]
        ]
        return page(request, found if request.query.get("sort", "desc") == "desc" else found[::-1])

    async def _make_pipeline(self, request: web.Request) -> web.Response:
        project = self._project(request)
        name = str({**dict(request.query), **await body_of(request)}.get("ref", ""))
        sha = (await self._repositories.branches(project["id"])).get(name)
        if sha is None:
            raise ApiError(400, {"message": {"base": ["Reference not found"]}})
        pipeline = await self._pipelines.begin(project, name, sha, source="api")
        if pipeline is None:
            raise ApiError(400, {"message": {"base": ["The resulting pipeline would have been empty."]}})
        if pipeline["yaml_errors"]:
            raise ApiError(400, {"message": {"base": [pipeline["yaml_errors"]]}})
        return json_answer(self._pipeline_view(project, pipeline), 201)

    async def _pipeline(self, request: web.Request) -> tuple[Document, Document]:
        project, number = self._project(request), request.match_info["pipeline"]
        try:
            pipeline = await self._pipelines.looked_at(int(number))
        except (KeyError, ValueError) as error:
            raise ApiError(404, {"message": "404 Not found"}) from error
        if pipeline["project_id"] != project["id"]:
            raise ApiError(404, {"message": "404 Not found"})
        return project, pipeline

    async def _show_pipeline(self, request: web.Request) -> web.Response:
        return json_answer(self._pipeline_view(*await self._pipeline(request)))

    async def _list_variables(self, request: web.Request) -> web.Response:
        _, pipeline = await self._pipeline(request)
        given = pipeline.get("variables", {}).items()
        return json_answer([{"variable_type": "env_var", "key": key, "value": value} for key, value in given])

    async def _list_jobs(self, request: web.Request) -> web.Response:
        _, pipeline = await self._pipeline(request)
        hidden = {"publishes", "artifacts", "script"}
        views = [{key: value for key, value in job.items() if key not in hidden} for job in pipeline["jobs"]]
        return page(request, views)

    def _pipeline_view(self, project: Document, pipeline: Document) -> Document:
        shown = {key: pipeline[key] for key in pipeline if key not in _NOT_SHOWN}
        return {**shown, "web_url": f"{self.origin}/{full_path(project)}/-/pipelines/{pipeline['id']}"}

    def view(self, project: Document) -> Document:
        """A project as the API shows it."""
        return self._view(project)

    def _view(self, project: Document) -> Document:
        path = full_path(project)
        hidden = {"unique_domain", "pages_unique_domain_enabled", "pages_https_only", "own_runner"}
        return {
            **{key: value for key, value in project.items() if key not in hidden},
            "path_with_namespace": path,
            "name_with_namespace": f"{NAMESPACE['name']} / {project['name']}",
            "namespace": NAMESPACE,
            "http_url_to_repo": f"{self.origin}/{path}.git",
            "ssh_url_to_repo": f"git@127.0.0.1:{path}.git",
            "web_url": f"{self.origin}/{path}",
        }


def _branch_view(project: Document, name: str, commit: Document) -> Document:
    default = name == project["default_branch"]
    return {"name": name, "commit": commit, "default": default, "protected": default, "can_push": True}


def _token(request: web.Request) -> str:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return request.headers.get("PRIVATE-TOKEN") or bearer


def _fits(name: str, wanted: str) -> bool:
    """``^text`` and ``text$`` look at the beginning and the end: https://docs.gitlab.com/api/branches/."""
    if wanted.startswith("^"):
        return name.startswith(wanted[1:])
    return name.endswith(wanted[:-1]) if wanted.endswith("$") else wanted in name


def _moment(pipeline: Document) -> str:
    return str(pipeline["updated_at"])[:19]
