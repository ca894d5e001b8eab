"""Netlify's API as its clients use it: https://open-api.netlify.com/."""

from __future__ import annotations

import asyncio
import hmac
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.platforms.netlify.deploys import ApiError, Deploys
from sandbox.store import Document
from sandbox.world import Clock

TOKEN = "nfp_sandboxSandboxSandboxSandbox0000"  # noqa: S105 - the same on every machine, opens nothing
ACCOUNT = {"id": "5a4db0c0000000000000acc0", "slug": "sandbox", "name": "Sandbox", "default": True, "type_slug": "free"}
#: https://docs.netlify.com/api-and-cli-guides/api-guides/get-started-with-api/#rate-limiting
_REQUESTS_A_MINUTE = 500
#: https://answers.netlify.com/t/24324 (free plan)
_UPLOADS_AT_ONCE = 5
_MAX_BODY = 1024**3


class Api:
    """One application under ``/api/v1``."""

    def __init__(self, deploys: Deploys, clock: Clock) -> None:
        self._deploys = deploys
        self._clock = clock
        self._recent: deque[float] = deque()
        self._uploads = 0

    def app(self) -> web.Application:
        """Routes of the API."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_MAX_BODY)
        routes: list[tuple[str, str, Callable[[web.Request], Awaitable[web.Response]]]] = [
            ("GET", "/user", self._user),
            ("GET", "/accounts", self._accounts),
            ("GET", "/accounts/{slug}/env", self._nothing),
            ("GET", "/sites", self._list_sites),
            ("POST", "/sites", self._make_site),
            ("POST", "/{slug}/sites", self._make_site),
            ("GET", "/sites/{site}", self._show_site),
            ("PATCH", "/sites/{site}", self._change_site),
            ("DELETE", "/sites/{site}", self._delete_site),
            ("GET", "/sites/{site}/deploys", self._list_deploys),
            ("POST", "/sites/{site}/deploys", self._make_deploy),
            ("GET", "/sites/{site}/deploys/{deploy}", self._show_deploy),
            ("PUT", "/sites/{site}/deploys/{deploy}", self._declare),
            ("POST", "/sites/{site}/deploys/{deploy}/restore", self._restore),
            ("PUT", "/sites/{site}/rollback", self._roll_back),
            ("GET", "/deploys/{deploy}", self._show_deploy),
            ("PUT", "/deploys/{deploy}/files/{path:.+}", self._upload),
            ("POST", "/deploys/{deploy}/lock", self._lock),
            ("POST", "/deploys/{deploy}/unlock", self._unlock),
            ("POST", "/deploys/{deploy}/cancel", self._cancel),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, f"/api/v1{path}", handler)
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), TOKEN.encode()):
            return _error(401, "Access Denied")
        limits = self._counted(request)
        if limits["X-RateLimit-Remaining"] == "0":
            return _error(429, "Rate limit exceeded", limits)
        try:
            response = await handler(request)
        except ApiError as error:
            return _error(error.status, str(error), limits)
        except web.HTTPNotFound:
            return _error(404, "Not Found", limits)
        except web.HTTPMethodNotAllowed:
            return _error(405, "Method Not Allowed", limits)
        response.headers.update(limits)
        return response

    def _counted(self, request: web.Request) -> dict[str, str]:
        """Count a request in the sandbox's minute. Uploads are free: real clients send more of them."""
        now = self._clock.monotonic()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        if request.match_info.handler != self._upload:
            self._recent.append(now)
        remaining = max(0, _REQUESTS_A_MINUTE - len(self._recent))
        reset = math.ceil(time.time() + self._clock.real(60 - (now - self._recent[0]) if self._recent else 60))
        figures = {"Limit": _REQUESTS_A_MINUTE, "Remaining": remaining, "Reset": reset}
        return {f"X-RateLimit-{name}": str(figure) for name, figure in figures.items()}

    async def _user(self, _: web.Request) -> web.Response:
        return web.json_response({"id": "sandbox", "full_name": "Sandbox", "email": "sandbox@example.com"})

    async def _accounts(self, _: web.Request) -> web.Response:
        return web.json_response([ACCOUNT])

    async def _nothing(self, _: web.Request) -> web.Response:
        return web.json_response([])

    async def _list_sites(self, request: web.Request) -> web.Response:
        wanted = request.query.get("name")
        sites = self._deploys.store.all("netlify:site").values()
        found = [self._site_view(site) for site in sites if wanted is None or wanted in site["name"]]
        return web.json_response(found)

    async def _make_site(self, request: web.Request) -> web.Response:
        if request.match_info.get("slug", ACCOUNT["slug"]) != ACCOUNT["slug"]:
            raise ApiError(404, "Not Found")
        settings = await _json(request)
        name = settings.get("name") or f"sandbox-{len(self._deploys.store.all('netlify:site'))}"
        if not isinstance(name, str) or not name.replace("-", "").isalnum() or len(name) > 63:
            raise ApiError(422, '{"name":["should only contain letters, numbers and hyphens"]}')
        return web.json_response(self._site_view(self._deploys.make_site(name, settings)), status=201)

    async def _show_site(self, request: web.Request) -> web.Response:
        return web.json_response(self._site_view(self._deploys.site(request.match_info["site"])))

    async def _change_site(self, request: web.Request) -> web.Response:
        settings = await _json(request)
        site = self._deploys.site(request.match_info["site"])
        changed = {**site, "name": settings.get("name", site["name"]), "settings": {**site["settings"], **settings}}
        self._deploys.store.put("netlify:site", site["id"], changed)
        return web.json_response(self._site_view(changed))

    async def _delete_site(self, request: web.Request) -> web.Response:
        self._deploys.delete_site(request.match_info["site"])
        return web.Response(status=204)

    async def _list_deploys(self, request: web.Request) -> web.Response:
        site = self._deploys.site(request.match_info["site"])
        size = min(int(request.query.get("per_page", "100")), 100)
        start = (int(request.query.get("page", "1")) - 1) * size
        found = self._deploys.deploys_of(site["id"])[start : start + size]
        return web.json_response([self._deploy_view(deploy) for deploy in found])

    async def _make_deploy(self, request: web.Request) -> web.Response:
        site = self._deploys.site(request.match_info["site"])
        body = await _json(request)
        title = request.query.get("title") or body.get("title") or ""
        deploy = self._deploys.begin(site["id"], title, draft=bool(body.get("draft")), branch=body.get("branch"))
        if "files" in body:
            deploy = await self._declared(deploy["id"], body)
        return web.json_response(self._deploy_view(deploy, with_required=not body.get("async")))

    async def _declare(self, request: web.Request) -> web.Response:
        body = await _json(request)
        deploy = self._deploys.deploy(request.match_info["deploy"])
        deploy = await self._declared(deploy["id"], body)
        return web.json_response(self._deploy_view(deploy, with_required=not body.get("async")))

    async def _declared(self, deploy_id: str, body: dict[str, Any]) -> Document:
        files, later = body.get("files") or {}, bool(body.get("async"))
        return await asyncio.to_thread(self._deploys.declare_files, deploy_id, files, later=later)

    async def _show_deploy(self, request: web.Request) -> web.Response:
        deploy = self._deploys.looked_at(request.match_info["deploy"])
        return web.json_response(self._deploy_view(deploy, with_required=deploy["state"] != "preparing"))

    async def _upload(self, request: web.Request) -> web.Response:
        if self._uploads >= _UPLOADS_AT_ONCE:
            raise ApiError(429, "Too many concurrent uploads")
        self._uploads += 1
        try:
            body = await request.read()
            path = request.match_info["path"]
            self._deploys.receive(request.match_info["deploy"], path, body)
        finally:
            self._uploads -= 1
        return web.json_response({"id": f"/{path}", "path": f"/{path}", "size": len(body)})

    async def _restore(self, request: web.Request) -> web.Response:
        site = self._deploys.site(request.match_info["site"])
        deploy = self._deploys.publish(site["id"], request.match_info["deploy"])
        return web.json_response(self._deploy_view(deploy), status=201)

    async def _roll_back(self, request: web.Request) -> web.Response:
        self._deploys.roll_back(self._deploys.site(request.match_info["site"])["id"])
        return web.Response(status=204)

    async def _lock(self, request: web.Request) -> web.Response:
        return web.json_response(self._deploy_view(self._deploys.set_lock(request.match_info["deploy"], locked=True)))

    async def _unlock(self, request: web.Request) -> web.Response:
        return web.json_response(self._deploy_view(self._deploys.set_lock(request.match_info["deploy"], locked=False)))

    async def _cancel(self, request: web.Request) -> web.Response:
        return web.json_response(self._deploy_view(self._deploys.cancel(request.match_info["deploy"])), status=201)

    def _site_view(self, site: Document) -> dict[str, Any]:
        hostname = f"{site['name']}.netlify.app"
        published = self._deploys.store.get("netlify:deploy", site["published"]) if site["published"] else None
        view = {**self._deploy_view(published), "locked": site["locked"]} if published else None
        return {
            "id": site["id"],
            "site_id": site["id"],
            "name": site["name"],
            "url": f"http://{hostname}",
            "ssl_url": f"https://{hostname}",
            "default_domain": hostname,
            "admin_url": f"https://app.netlify.com/sites/{site['name']}",
            "account_id": ACCOUNT["id"],
            "account_slug": ACCOUNT["slug"],
            "account_name": ACCOUNT["name"],
            "plan": "nf_team_dev",
            "state": "current",
            "created_at": site["created_at"],
            "build_settings": {},
            "feature_flags": {},
            "use_envelope": True,
            "published_deploy": view,
            "processing_settings": site["settings"].get("processing_settings"),
        }

    def _deploy_view(self, deploy: Document, *, with_required: bool = False) -> dict[str, Any]:
        site = self._deploys.site(deploy["site_id"])
        hostname = f"{site['name']}.netlify.app"
        own = f"{deploy['id']}--{hostname}"
        return {
            "id": deploy["id"],
            "site_id": deploy["site_id"],
            "title": deploy["title"] or None,
            "state": deploy["state"],
            "draft": deploy["draft"],
            "branch": deploy["branch"],
            "context": "deploy-preview" if deploy["draft"] else "production",
            "created_at": deploy["created_at"],
            "published_at": deploy.get("published_at"),
            "error_message": deploy.get("error_message"),
            "name": site["name"],
            "url": f"http://{hostname}",
            "ssl_url": f"https://{hostname}",
            "deploy_url": f"http://{own}",
            "deploy_ssl_url": f"https://{own}",
            "admin_url": f"https://app.netlify.com/sites/{site['name']}",
            "locked": site["locked"] and site["published"] == deploy["id"],
            "required": sorted(self._deploys.lacking(deploy["id"])) if with_required else [],
            "required_functions": [],
        }


async def _json(request: web.Request) -> dict[str, Any]:
    if not request.can_read_body:
        return {}
    try:
        found = await request.json()
    except ValueError:
        raise ApiError(400, "Bad Request") from None
    if not isinstance(found, dict):
        raise ApiError(422, "an object is expected")
    return found


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"code": status, "message": message}, status=status, headers=headers)
