"""GitHub's REST API as a delivery uses it, at ``/api/v3`` as an Enterprise Server has it, and Git over HTTP."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler as Next

from sandbox.git.http import GitHttp
from sandbox.github.account import OWNER, TOKEN
from sandbox.github.answers import (
    REPOSITORY,
    Route,
    address,
    answer,
    body_of,
    nothing,
    number_of,
    page,
    refusal,
    repository_of,
)
from sandbox.github.deployments import Deployments
from sandbox.github.environments import (
    ActionsEnvironmentSecret,
    ActionsEnvironmentVariable,
    DeploymentPolicy,
    RepositoryEnvironment,
)
from sandbox.github.issues import Issues
from sandbox.github.repositories import VOICE, ApiError, GitHub
from sandbox.github.resource_type import GitHubType
from sandbox.github.resources import BranchProtection, RepositoryDeployKey, RepositoryWebhook, api_error
from sandbox.github.webhooks import Webhooks
from sandbox.github.workflows import Workflows
from sandbox.provider.resource_type import Refused
from sandbox.store import Document

_MAX_BODY = 100 * 1024**2
_HIDDEN = "********"
_VERSIONS = frozenset({"2022-11-28", "2026-03-10"})


class Api:
    """One application. ``resources`` are those that the engine declares too."""

    def __init__(self, forge: GitHub, webhooks: Webhooks, resources: Sequence[GitHubType]) -> None:
        self._forge = forge
        self._webhooks = webhooks
        self._kinds = {type(kind): kind for kind in resources}
        self._workflows = Workflows(forge)
        self.origin = ""

    def app(self) -> web.Application:
        """Routes of the API, of Git, and of runners."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_MAX_BODY)
        app.cleanup_ctx.append(self._webhooks.sending.running)
        git = GitHttp(self._forge.git, self._forge.at, self._forge.pushed, VOICE)
        app.add_routes([*git.routes(), *self._workflows.runner_routes()])
        parts = (Deployments(self._forge), Issues(self._forge), self._workflows)
        for method, path, handler in [*self._routes(), *(route for part in parts for route in part.routes())]:
            app.router.add_route(method, f"/api/v3{path}", handler)
        return app

    def _routes(self) -> list[Route]:
        hook, place = f"{REPOSITORY}/hooks/{{hook}}", f"{REPOSITORY}/environments/{{environment}}"
        return [
            ("GET", "/user", self._user),
            ("POST", "/user/repos", self._make_repository),
            ("GET", REPOSITORY, self._show_repository),
            ("DELETE", REPOSITORY, self._delete_repository),
            ("GET", f"{REPOSITORY}/branches", self._list_branches),
            ("GET", f"{REPOSITORY}/branches/{{branch}}", self._show_branch),
            ("GET", f"{REPOSITORY}/hooks", self._list_hooks),
            ("POST", f"{REPOSITORY}/hooks", self._make_hook),
            ("DELETE", hook, self._delete_hook),
            ("GET", f"{hook}/deliveries", self._list_deliveries),
            ("GET", f"{hook}/deliveries/{{delivery}}", self._show_delivery),
            ("POST", f"{hook}/deliveries/{{delivery}}/attempts", self._redeliver),
            ("GET", f"{REPOSITORY}/keys", self._list_keys),
            ("GET", f"{REPOSITORY}/environments", self._list_environments),
            ("GET", f"{place}/deployment-branch-policies", self._list_policies),
            ("GET", f"{place}/secrets", self._list_secrets),
            ("GET", f"{place}/variables", self._list_variables),
        ]

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Next) -> web.StreamResponse:
        if not request.path.startswith("/api/"):  # Git asks for the token itself, and so does what a runner asks
            return await handler(request)
        try:
            _let_in(request)
            return await handler(request)
        except ApiError as error:
            return refusal(error)
        except web.HTTPNotFound:
            return refusal(ApiError(404, "Not Found"))

    async def _user(self, _: web.Request) -> web.Response:
        return answer(OWNER)

    def _repository_view(self, repository: Document) -> Document:
        path = repository["full_name"]
        own = {"clone_url": f"{self.origin}/{path}.git", "html_url": f"{self.origin}/{path}"}
        return {**repository, **own, "url": f"{self.origin}/api/v3/repos/{path}"}

    async def _make_repository(self, request: web.Request) -> web.Response:
        given = await body_of(request)
        made = await self._forge.make(
            str(given.get("name") or ""),
            initialized=bool(given.get("auto_init")),
            private=bool(given.get("private", False)),
        )
        return answer(self._repository_view(made), 201)

    async def _show_repository(self, request: web.Request) -> web.Response:
        return answer(self._repository_view(repository_of(self._forge, request)))

    async def _delete_repository(self, request: web.Request) -> web.Response:
        await self._forge.remove(repository_of(self._forge, request))
        return nothing()

    async def _branches(self, request: web.Request) -> list[Document]:
        repository = repository_of(self._forge, request)
        protected = {one["pattern"] for one in self._kinds[BranchProtection].of(repository).values()}
        branches = await self._forge.git.branches(repository["id"])
        return [
            {
                "name": name,
                "commit": {"sha": sha, "url": address(request, f"/commits/{sha}")},
                "protected": name in protected,
            }
            for name, sha in branches.items()
        ]

    async def _list_branches(self, request: web.Request) -> web.Response:
        return page(request, await self._branches(request))

    async def _show_branch(self, request: web.Request) -> web.Response:
        wanted = request.match_info["branch"]
        found = next((one for one in await self._branches(request) if one["name"] == wanted), None)
        if found is None:
            raise ApiError(404, "Branch not found")
        return answer(found)

    async def _list_hooks(self, request: web.Request) -> web.Response:
        hooks = self._kinds[RepositoryWebhook].of(repository_of(self._forge, request))
        return page(request, [_hook_view(hook) for hook in hooks.values()])

    async def _make_hook(self, request: web.Request) -> web.Response:
        repository, given = repository_of(self._forge, request), await body_of(request)
        kind, config = self._kinds[RepositoryWebhook], given.get("config") or {}
        own = {"url": config.get("url"), "contentType": config.get("content_type", "form")}
        inputs = {
            "repository": repository["name"],
            "events": given.get("events") or ["push"],
            "active": given.get("active", True),
            "configuration": {**own, "secret": config.get("secret")},
        }
        try:
            _, made = await kind.create(kind.defaults("", inputs, {}))
        except Refused as error:
            raise api_error(error) from error
        return answer(_hook_view(made), 201)

    def _hook(self, request: web.Request) -> str:
        identifier = str(number_of(request, "hook"))
        if identifier not in self._kinds[RepositoryWebhook].of(repository_of(self._forge, request)):
            raise ApiError(404, "Not Found")
        return identifier

    async def _delete_hook(self, request: web.Request) -> web.Response:
        await self._kinds[RepositoryWebhook].delete(self._hook(request))
        return nothing()

    async def _list_deliveries(self, request: web.Request) -> web.Response:
        found = self._webhooks.deliveries(self._hook(request))
        shown = ("id", "guid", "event", "delivered_at", "status", "status_code", "duration")
        return page(request, [{key: one[key] for key in shown} for one in found])

    def _delivery(self, request: web.Request) -> Document:
        number, found = number_of(request, "delivery"), self._webhooks.deliveries(self._hook(request))
        delivery = next((one for one in found if one["id"] == number), None)
        if delivery is None:
            raise ApiError(404, "Not Found")
        return delivery

    async def _show_delivery(self, request: web.Request) -> web.Response:
        return answer(self._delivery(request))

    async def _redeliver(self, request: web.Request) -> web.Response:
        self._webhooks.again(self._delivery(request))
        return answer({}, 202)

    async def _list_keys(self, request: web.Request) -> web.Response:
        keys = self._kinds[RepositoryDeployKey].of(repository_of(self._forge, request)).values()
        views = [
            {"id": one["key_number"], "title": one["title"], "key": one["key"], "read_only": one["readOnly"]}
            for one in keys
        ]
        return page(request, views)

    async def _list_environments(self, request: web.Request) -> web.Response:
        found = self._kinds[RepositoryEnvironment].of(repository_of(self._forge, request)).values()
        views = [
            {
                "name": one["environment"],
                "can_admins_bypass": one["canAdminsBypass"],
                "deployment_branch_policy": _snaked(one.get("deploymentBranchPolicy")),
                "protection_rules": [{"type": "required_reviewers", **rule} for rule in one.get("reviewers") or ()],
            }
            for one in found
        ]
        return page(request, views, "environments")

    def _in_environment(self, request: web.Request, kind: type[GitHubType]) -> list[Document]:
        repository, name = repository_of(self._forge, request), request.match_info["environment"]
        if name not in {one["environment"] for one in self._kinds[RepositoryEnvironment].of(repository).values()}:
            raise ApiError(404, "Not Found")
        return [one for one in self._kinds[kind].of(repository).values() if one["environment"] == name]

    async def _list_policies(self, request: web.Request) -> web.Response:
        found = self._in_environment(request, DeploymentPolicy)
        views = [{"id": one["policyId"], "name": one.get("branchPattern"), "type": "branch"} for one in found]
        return page(request, views, "branch_policies")

    async def _list_secrets(self, request: web.Request) -> web.Response:
        """Names only: nobody is shown a value again."""
        found = self._in_environment(request, ActionsEnvironmentSecret)
        views = [{"name": one["secretName"], "created_at": one["createdAt"]} for one in found]
        return page(request, views, "secrets")

    async def _list_variables(self, request: web.Request) -> web.Response:
        found = self._in_environment(request, ActionsEnvironmentVariable)
        views = [{"name": one["variableName"], "value": one["value"]} for one in found]
        return page(request, views, "variables")


def _hook_view(hook: Document) -> Document:
    config = {key: value for key, value in hook["configuration"].items() if value is not None}
    if config.get("secret"):
        config["secret"] = _HIDDEN
    shown = {"type": "Repository", "id": hook["hook_number"], "name": "web", "active": hook["active"]}
    return {**shown, "events": hook["events"], "config": _snaked(config)}


def _snaked(document: Document | None) -> Document | None:
    if document is None:
        return None
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower(): value for key, value in document.items()}


def _let_in(request: web.Request) -> None:
    """Raise ApiError for a wrong token or version. https://docs.github.com/en/rest/about-the-rest-api/api-versions."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in {"bearer", "token"} or not hmac.compare_digest(shown.encode(), TOKEN.encode()):
        raise ApiError(401, "Bad credentials")
    if request.headers.get("X-GitHub-Api-Version", "2022-11-28") not in _VERSIONS:
        raise ApiError(400, "Unsupported API version")
