"""Deployments, their statuses, and statuses of commits.

https://docs.github.com/en/rest/deployments/deployments, https://docs.github.com/en/rest/deployments/statuses,
https://docs.github.com/en/rest/commits/statuses
"""

from __future__ import annotations

import re

from aiohttp import web

from sandbox.github.account import DEPLOYMENT_STATUSES, DEPLOYMENTS, OWNER, STATUSES
from sandbox.github.answers import REPOSITORY, Route, address, answer, body_of, number_of, page, repository_of
from sandbox.github.repositories import ApiError, GitHub, now
from sandbox.store import Document

_STATES = frozenset({"error", "failure", "inactive", "in_progress", "queued", "pending", "success"})
_COMMIT_STATES = frozenset({"error", "failure", "pending", "success"})
_LONGEST = 140
_MOST_STATUSES = 1000
"""Of one context of one commit."""
_URLS = ("environment_url", "log_url", "target_url")


class Deployments:
    """Routes below ``/api/v3``."""

    def __init__(self, forge: GitHub) -> None:
        self._forge = forge
        self._store = forge.store

    def routes(self) -> list[Route]:
        """What there is."""
        one = f"{REPOSITORY}/deployments/{{number}}"
        return [
            ("GET", f"{REPOSITORY}/deployments", self._list),
            ("POST", f"{REPOSITORY}/deployments", self._make),
            ("GET", one, self._show),
            ("GET", f"{one}/statuses", self._list_statuses),
            ("POST", f"{one}/statuses", self._make_status),
            ("POST", f"{REPOSITORY}/statuses/{{sha}}", self._make_commit_status),
            ("GET", f"{REPOSITORY}/commits/{{sha}}", self._show_commit),
            ("GET", f"{REPOSITORY}/commits/{{sha}}/statuses", self._list_commit_statuses),
            ("GET", f"{REPOSITORY}/commits/{{sha}}/status", self._combined),
        ]

    def _of(self, repository: Document) -> list[Document]:
        found = [one for one in self._store.all(DEPLOYMENTS).values() if one["repository"] == repository["id"]]
        return sorted(found, key=lambda one: -int(one["id"]))

    async def _list(self, request: web.Request) -> web.Response:
        wanted = {key: request.query[key] for key in ("sha", "ref", "task", "environment") if key in request.query}
        found = self._of(repository_of(self._forge, request))
        kept = [one for one in found if all(one[key] == value for key, value in wanted.items())]
        return page(request, [_view(request, one) for one in kept])

    async def _make(self, request: web.Request) -> web.Response:
        repository, given = repository_of(self._forge, request), await body_of(request)
        ref = str(given.get("ref") or "")
        if not ref:
            raise ApiError(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
        sha = await self._forge.git.resolve(repository["id"], ref)
        if sha is None:
            raise ApiError(422, f"No ref found for: {ref}")
        if given.get("auto_merge", True) and await self._is_behind(repository, ref, sha):
            return answer({"message": f"Auto-merged {repository['default_branch']} into {ref} on deployment."}, 202)
        self._refuse_unchecked(repository, sha, given.get("required_contexts"))
        number = self._forge.next_number()
        document = {
            "id": number,
            "node_id": f"DE_{number}",
            "repository": repository["id"],
            "sha": sha,
            "ref": ref,
            "task": given.get("task") or "deploy",
            "environment": given.get("environment") or "production",
            "payload": given.get("payload") or {},
            "description": given.get("description"),
            "creator": OWNER,
            "transient_environment": bool(given.get("transient_environment", False)),
            "production_environment": bool(
                given.get("production_environment", (given.get("environment") or "production") == "production")
            ),
            "created_at": now(),
            "updated_at": now(),
        }
        self._store.put(DEPLOYMENTS, str(number), document)
        return answer(_view(request, document), 201)

    async def _is_behind(self, repository: Document, ref: str, sha: str) -> bool:
        """Whether a branch lacks commits of the default one, which GitHub would merge first."""
        branches = await self._forge.git.branches(repository["id"])
        default = branches.get(repository["default_branch"])
        if ref not in branches or default is None or ref == repository["default_branch"]:
            return False
        return default not in {one["id"] for one in await self._forge.git.log(repository["id"], sha, 10_000)}

    def _refuse_unchecked(self, repository: Document, sha: str, required: object) -> None:
        """Without ``required_contexts`` every status of the commit must be a success."""
        latest = {str(one["context"]): one for one in reversed(self._commit_statuses(repository, sha))}
        wanted = [str(name) for name in required] if isinstance(required, list) else list(latest)
        contexts = [
            {"context": name, "state": latest[name]["state"] if name in latest else "missing"} for name in wanted
        ]
        if any(one["state"] != "success" for one in contexts):
            said = {"resource": "Deployment", "field": "required_contexts", "code": "invalid", "contexts": contexts}
            raise ApiError(409, f"Conflict: Commit status checks failed for {sha[:7]}.", said)

    def _deployment(self, request: web.Request) -> Document:
        found = self._store.get(DEPLOYMENTS, str(number_of(request, "number")))
        if found is None or found["repository"] != repository_of(self._forge, request)["id"]:
            raise ApiError(404, "Not Found")
        return found

    async def _show(self, request: web.Request) -> web.Response:
        return answer(_view(request, self._deployment(request)))

    def _statuses(self, deployment: Document) -> list[Document]:
        found = [one for one in self._store.all(DEPLOYMENT_STATUSES).values() if one["deployment"] == deployment["id"]]
        return sorted(found, key=lambda one: -int(one["id"]))

    async def _list_statuses(self, request: web.Request) -> web.Response:
        return page(request, self._statuses(self._deployment(request)))

    async def _make_status(self, request: web.Request) -> web.Response:
        deployment, given = self._deployment(request), await body_of(request)
        _check(given, _STATES, "DeploymentStatus")
        made = self._status(deployment, given)
        if given.get("auto_inactive", True) and given["state"] == "success":
            self._deactivate_earlier(deployment)
        return answer(made, 201)

    def _status(self, deployment: Document, given: Document) -> Document:
        number = self._forge.next_number()
        document = {
            "id": number,
            "deployment": deployment["id"],
            "state": given["state"],
            "creator": OWNER,
            **{key: given.get(key, "") for key in ("description", "environment_url", "log_url")},
            "environment": given.get("environment") or deployment["environment"],
            "created_at": now(),
        }
        self._store.put(DEPLOYMENT_STATUSES, str(number), document)
        return document

    def _deactivate_earlier(self, deployment: Document) -> None:
        """Of the same environment, and neither transient nor production."""
        for other in self._store.all(DEPLOYMENTS).values():
            same = all(other[key] == deployment[key] for key in ("repository", "environment"))
            steady = not other["transient_environment"] and not other["production_environment"]
            if same and steady and other["id"] < deployment["id"]:
                self._status(other, {"state": "inactive"})

    def _commit_statuses(self, repository: Document, sha: str) -> list[Document]:
        found = self._store.all(STATUSES).values()
        own = [one for one in found if one["sha"] == sha and one["repository"] == repository["id"]]
        return sorted(own, key=lambda one: -int(one["id"]))

    async def _make_commit_status(self, request: web.Request) -> web.Response:
        repository, given, sha = repository_of(self._forge, request), await body_of(request), request.match_info["sha"]
        _check(given, _COMMIT_STATES, "Status")
        if not re.fullmatch(r"[0-9a-f]{40}", sha) or await self._forge.git.resolve(repository["id"], sha) is None:
            raise ApiError(422, f"No commit found for SHA: {sha}")
        context = str(given.get("context") or "default")
        if sum(one["context"] == context for one in self._commit_statuses(repository, sha)) >= _MOST_STATUSES:
            raise ApiError(422, "Validation Failed", "This SHA and context has reached the maximum number of statuses.")
        number = self._forge.next_number()
        document = {
            "id": number,
            "repository": repository["id"],
            "sha": sha,
            "state": given["state"],
            "context": context,
            **{key: given.get(key) for key in ("description", "target_url")},
            "creator": OWNER,
            "created_at": now(),
        }
        self._store.put(STATUSES, str(number), document)
        return answer(document, 201)

    async def _listed(self, request: web.Request) -> tuple[str, list[Document]]:
        repository = repository_of(self._forge, request)
        sha = await self._forge.git.resolve(repository["id"], request.match_info["sha"])
        if sha is None:
            raise ApiError(422, f"No commit found for SHA: {request.match_info['sha']}")
        return sha, self._commit_statuses(repository, sha)

    async def _show_commit(self, request: web.Request) -> web.Response:
        repository, (sha, _) = repository_of(self._forge, request), await self._listed(request)
        (found,) = await self._forge.git.log(repository["id"], sha, 1)
        own = {"message": found["message"], "author": {"name": found["author_name"], "date": found["created_at"]}}
        return answer({"sha": sha, "commit": own, "url": address(request, f"/commits/{sha}")})

    async def _list_commit_statuses(self, request: web.Request) -> web.Response:
        return page(request, (await self._listed(request))[1])

    async def _combined(self, request: web.Request) -> web.Response:
        sha, found = await self._listed(request)
        latest = list({str(one["context"]): one for one in reversed(found)}.values())
        states = {one["state"] for one in latest}
        worst = "failure" if states & {"error", "failure"} else "pending" if states != {"success"} else "success"
        return answer({"state": worst, "sha": sha, "total_count": len(latest), "statuses": latest})


def _view(request: web.Request, deployment: Document) -> Document:
    url = address(request, f"/deployments/{deployment['id']}")
    return {**deployment, "url": url, "statuses_url": f"{url}/statuses"}


def _check(given: Document, states: frozenset[str], resource: str) -> None:
    if given.get("state") not in states:
        raise ApiError(422, "Validation Failed", {"resource": resource, "code": "invalid", "field": "state"})
    if len(str(given.get("description") or "")) > _LONGEST:
        said = f"description is too long (maximum is {_LONGEST} characters)"
        raise ApiError(422, "Validation Failed", {"resource": resource, "code": "custom", "message": said})
    for key in _URLS:
        if given.get(key) and not re.fullmatch(r"https?://\S+", str(given[key])):
            raise ApiError(422, "Validation Failed", {"resource": resource, "code": "invalid", "field": key})
