"""GitHub and GitLab as their documentation has them, as far as the coordinator speaks to them.

https://docs.github.com/en/rest/deployments and /rest/actions/workflow-runs; https://docs.gitlab.com/api/deployments/,
/api/commits/ and /api/pipeline_triggers/. What a request has wrong is answered as there.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "planted-forge-token-0123456789"
TRIGGER = "planted-trigger-token-0123456789"
GITHUB_STATES = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}
GITLAB_STATES = {"created", "running", "success", "failed", "canceled"}
FINISHED = {"success", "failed", "canceled"}


@dataclass
class Forge:
    """What both have. ``faults`` are answers to the next requests: a status, or ``lost`` (done, and not answered)."""

    deployments: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)
    asked: int = 0
    unchanged: int = 0
    """Answers with 304."""
    address: str = ""

    @web.middleware
    async def gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked += 1
        self.bodies.append(await request.text())
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, tuple):
            return web.json_response({"message": f"slow down, {TOKEN}"}, status=fault[0], headers=fault[1])
        if isinstance(fault, int):
            return web.json_response({"message": f"no, {TOKEN}"}, status=fault)
        given = request.headers.get("Authorization") or request.headers.get("PRIVATE-TOKEN")
        if given not in {f"Bearer {TOKEN}", TOKEN} and "trigger" not in request.path:
            return web.json_response({"message": "Bad credentials"}, status=401)
        answer: web.StreamResponse = await handler(request)
        if fault == "lost":
            assert request.transport is not None
            request.transport.close()
        return answer


def said(message: str, status: int) -> web.Response:
    return web.json_response({"message": message}, status=status)


class GitHub(Forge):
    """One repository, ``robot/site``."""

    def routes(self) -> list[web.RouteDef]:
        path = "/repos/robot/site"
        return [
            web.get(f"{path}/deployments", self.list_deployments),
            web.post(f"{path}/deployments", self.create_deployment),
            web.post(f"{path}/deployments/{{id}}/statuses", self.create_status),
            web.post(f"{path}/statuses/{{sha}}", self.commit_status),
            web.post(f"{path}/dispatches", self.dispatch),
            web.get(f"{path}/actions/runs", self.list_runs),
            web.get(f"{path}/actions/runs/{{id}}", self.run),
            web.get(f"{path}/actions/workflows/deploy.yml/runs", self.list_runs_of_workflow),
        ]

    async def list_deployments(self, request: web.Request) -> web.Response:
        wanted = {name: request.query[name] for name in ("sha", "environment") if name in request.query}
        found = [one for one in self.deployments if all(one[name] == value for name, value in wanted.items())]
        return web.json_response(found[::-1][: int(request.query.get("per_page", 30))])

    async def create_deployment(self, request: web.Request) -> web.Response:
        given = await request.json()
        if "ref" not in given:
            return said('Invalid request. "ref" wasn\'t supplied.', 422)
        if given.get("required_contexts") != []:
            return said("Conflict: Commit status checks failed for main.", 409)
        if given.get("auto_merge", True):
            return said("Auto-merged main into topic on deployment.", 202)
        made = {"id": len(self.deployments) + 1, "sha": given["ref"], "states": [], **given}
        self.deployments.append(made)
        return web.json_response(made, status=201)

    async def create_status(self, request: web.Request) -> web.Response:
        given = await request.json()
        if given.get("state") not in GITHUB_STATES or len(given.get("description", "")) > 140:
            return said("Validation Failed", 422)
        self.deployments[int(request.match_info["id"]) - 1]["states"].append(given["state"])
        return web.json_response({"id": 1, **given}, status=201)

    async def commit_status(self, request: web.Request) -> web.Response:
        given = await request.json()
        if given.get("state") not in {"error", "failure", "pending", "success"}:
            return said("Validation Failed", 422)
        self.statuses.append({"sha": request.match_info["sha"], **given})
        return web.json_response({"id": 1, **given}, status=201)

    async def dispatch(self, request: web.Request) -> web.Response:
        given = await request.json()
        if len(given.get("event_type", "")) not in range(1, 101) or len(given.get("client_payload", {})) > 10:
            return said("Invalid request.", 422)
        self.runs.append(
            {"id": 1000 + len(self.runs), "status": "queued", "conclusion": None, "display_title": "Publish", **given}
        )
        return web.Response(status=204)

    async def list_runs(self, request: web.Request) -> web.Response:
        assert request.query["event"] == "repository_dispatch"
        return web.json_response({"total_count": len(self.runs), "workflow_runs": self.runs[::-1]})

    async def list_runs_of_workflow(self, request: web.Request) -> web.Response:
        """With an ETag: who has this answer already gets 304."""
        assert request.query["exclude_pull_requests"] == "true"
        answer = web.json_response({"total_count": len(self.runs), "workflow_runs": self.runs[::-1]})
        tag = f'W/"{hashlib.sha256(answer.body).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": tag})
        answer.headers["ETag"] = tag
        return answer

    async def run(self, request: web.Request) -> web.Response:
        found = [one for one in self.runs if one["id"] == int(request.match_info["id"])]
        return web.json_response(found[0]) if found else said("Not Found", 404)


class GitLab(Forge):
    """One project, ``robot/sub/site``."""

    def routes(self) -> list[web.RouteDef]:
        path = "/api/v4/projects/{project}"
        return [
            web.get(f"{path}/deployments", self.list_deployments),
            web.post(f"{path}/deployments", self.create_deployment),
            web.get(f"{path}/deployments/{{id}}", self.deployment),
            web.put(f"{path}/deployments/{{id}}", self.update_deployment),
            web.post(f"{path}/statuses/{{sha}}", self.commit_status),
            web.post(f"{path}/trigger/pipeline", self.trigger),
            web.get(f"{path}/pipelines", self.list_pipelines),
            web.get(f"{path}/pipelines/{{id}}", self.pipeline),
        ]

    async def list_deployments(self, request: web.Request) -> web.Response:
        assert request.match_info["project"] == "robot/sub/site"
        found = [one for one in self.deployments if one["environment"] == request.query["environment"]]
        return web.json_response(found[::-1])

    async def create_deployment(self, request: web.Request) -> web.Response:
        given = await request.json()
        missing = {"environment", "sha", "ref", "tag", "status"} - given.keys()
        if missing or given["status"] not in GITLAB_STATES:
            return web.json_response({"error": f"{missing} is missing"}, status=400)
        made = {"id": len(self.deployments) + 1, "states": [given["status"]], **given}
        self.deployments.append(made)
        return web.json_response(made, status=201)

    async def deployment(self, request: web.Request) -> web.Response:
        return web.json_response(self.deployments[int(request.match_info["id"]) - 1])

    async def update_deployment(self, request: web.Request) -> web.Response:
        found, given = self.deployments[int(request.match_info["id"]) - 1], await request.json()
        if found["status"] in FINISHED and given["status"] not in FINISHED:
            return said("The status cannot be changed", 400)
        found["status"] = given["status"]
        found["states"].append(given["status"])
        return web.json_response(found)

    async def commit_status(self, request: web.Request) -> web.Response:
        given = await request.json()
        same = [
            one for one in self.statuses if one["sha"] == request.match_info["sha"] and one["name"] == given["name"]
        ]
        if same and same[-1]["state"] == given["state"]:
            return said(f"Cannot transition status via :run from :{given['state']}", 400)
        self.statuses.append({"sha": request.match_info["sha"], **given})
        return web.json_response({"id": 1}, status=201)

    async def trigger(self, request: web.Request) -> web.Response:
        given = await request.json()
        if given.get("token") != TRIGGER:
            return said("404 Not Found", 404)
        made = {"id": 70 + len(self.runs), "status": "created", **given}
        self.runs.append(made)
        return web.json_response({"id": made["id"], "status": "created"}, status=201)

    async def list_pipelines(self, request: web.Request) -> web.Response:
        assert (request.query["order_by"], request.query["sort"]) == ("id", "desc")
        found = [one for one in self.runs if one["ref"] == request.query["ref"]]
        return web.json_response(sorted(found, key=lambda one: -one["id"]))

    async def pipeline(self, request: web.Request) -> web.Response:
        found = [one for one in self.runs if one["id"] == int(request.match_info["id"])]
        return web.json_response(found[0]) if found else said("404 Not found", 404)


@asynccontextmanager
async def served(forge: Any) -> AsyncIterator[Any]:
    """The forge on a port of its own."""
    app = web.Application(middlewares=[forge.gate])
    app.add_routes(forge.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    forge.address = f"http://{host}:{port}" + ("/api/v4" if isinstance(forge, GitLab) else "")
    try:
        yield forge
    finally:
        await runner.cleanup()
