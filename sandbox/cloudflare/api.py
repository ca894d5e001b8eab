"""Cloudflare's API, client/v4, as far as load balancing, Workers, DNS and zone settings go.

Envelope and errors: https://developers.cloudflare.com/fundamentals/api/reference/ . Failures are always 4xx, since the
official clients do not look at ``success``.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.cloudflare.access import guard, limited
from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID, Account
from sandbox.cloudflare.edge import Edge
from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects import (
    DnsRecordKind,
    Kind,
    LoadBalancerKind,
    MonitorKind,
    NotificationKind,
    PoolKind,
    RulesetKind,
    WorkerRouteKind,
    ZoneSettingKind,
)
from sandbox.cloudflare.workers import Fleet
from sandbox.cloudflare.workers.api import WorkerViews
from sandbox.store import Document
from sandbox.world import Clock

BASE = "/client/v4"
_ACCOUNT, _ZONE = f"{BASE}/accounts/{{account}}", f"{BASE}/zones/{{zone}}"
_COLLECTIONS: tuple[tuple[str, type[Kind]], ...] = (
    (f"{_ACCOUNT}/load_balancers/monitors", MonitorKind),
    (f"{_ACCOUNT}/load_balancers/pools", PoolKind),
    (f"{_ACCOUNT}/alerting/v3/policies", NotificationKind),
    (f"{_ZONE}/load_balancers", LoadBalancerKind),
    (f"{_ZONE}/dns_records", DnsRecordKind),
    (f"{_ZONE}/rulesets", RulesetKind),
    (f"{_ZONE}/workers/routes", WorkerRouteKind),
)
_READ_ONLY = frozenset({"id", "created_on", "modified_on", "proxiable", "version", "last_updated"})
_PAGE, _MOST_PER_PAGE = 20, 50_000


def application(account: Account, edge: Edge, fleet: Fleet, clock: Clock) -> web.Application:
    """The API, guarded by the account's tokens, and no faster than documented."""
    app = web.Application(middlewares=[_errors, limited(clock), guard(account), _known_scope])
    for path, kind in _COLLECTIONS:
        _add_collection(app, path, kind, account)
    WorkerViews(account, fleet).add_to(app, _ACCOUNT)
    views = _Views(account, edge)
    app.router.add_get(f"{BASE}/user/tokens/verify", views.verify)
    app.router.add_get(f"{BASE}/accounts", views.accounts)
    app.router.add_get(f"{BASE}/zones", views.zones)
    app.router.add_get(_ZONE, views.zone)
    app.router.add_get(f"{_ZONE}/settings", views.settings)
    app.router.add_get(f"{_ZONE}/settings/{{id}}", views.setting)
    app.router.add_patch(f"{_ZONE}/settings/{{id}}", views.change_setting)
    app.router.add_post(f"{_ZONE}/purge_cache", views.purge)
    app.router.add_get(f"{_ACCOUNT}/load_balancers/pools/{{id}}/health", views.pool_health)
    app.router.add_get(f"{_ACCOUNT}/load_balancers/pools/{{id}}/references", views.pool_references)
    return app


def answer(result: Any, **more: Any) -> web.Response:
    """A successful answer in the API's envelope."""
    return web.json_response({"success": True, "errors": [], "messages": [], "result": result, **more})


def refusal(error: ApiError) -> web.Response:
    """An error in the API's envelope."""
    errors = [{"code": error.code, "message": error.message}]
    body = {"success": False, "errors": errors, "messages": [], "result": None}
    return web.json_response(body, status=error.status, headers=error.headers)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return refusal(error)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return refusal(ApiError(404, 7000, f"No route for that URI: {request.method} {request.path}"))


@web.middleware
async def _known_scope(request: web.Request, handler: Handler) -> web.StreamResponse:
    for key, known in (("account", ACCOUNT_ID), ("zone", ZONE_ID)):
        if request.match_info.get(key, known) != known:
            text = f"Could not route to {request.path.removeprefix(BASE)}, perhaps your object identifier is invalid?"
            raise ApiError(404, 7003, text)
    return await handler(request)


def _add_collection(app: web.Application, path: str, kind: type[Kind], account: Account) -> None:
    """Routes to list, read, make, overwrite, change and delete objects of a kind."""

    async def listed(request: web.Request) -> web.Response:
        return _page(request, _filtered(request, account.all(kind)))

    async def created(request: web.Request) -> web.Response:
        return answer(account.create(kind, await _document(request)))

    async def found(request: web.Request) -> web.Response:
        return answer(account.get(kind, request.match_info["id"]))

    async def replaced(request: web.Request) -> web.Response:
        return answer(account.replace(kind, request.match_info["id"], await _document(request)))

    async def edited(request: web.Request) -> web.Response:
        return answer(account.edit(kind, request.match_info["id"], await _document(request)))

    async def deleted(request: web.Request) -> web.Response:
        account.delete(kind, request.match_info["id"])
        return answer({"id": request.match_info["id"]})

    one = f"{path}/{{id}}"
    app.router.add_get(path, listed)
    app.router.add_post(path, created)
    app.router.add_get(one, found)
    app.router.add_put(one, replaced)
    app.router.add_patch(one, edited)
    app.router.add_delete(one, deleted)


async def _document(request: web.Request) -> Document:
    try:
        document = json.loads(await request.read())
    except ValueError as error:
        raise ApiError(400, 6007, "Malformed JSON in request body") from error
    if not isinstance(document, dict):
        raise ApiError(400, 6007, "Malformed JSON in request body")
    return {key: value for key, value in document.items() if key not in _READ_ONLY}


def _filtered(request: web.Request, documents: list[Document]) -> list[Document]:
    """Objects that fit the filters ``name``, ``type``, ``content`` and ``monitor``; ``name.exact`` means the same."""
    wanted = {key: request.query.get(key) or request.query.get(f"{key}.exact") for key in ("name", "type", "content")}
    wanted["monitor"] = request.query.get("monitor")
    return [
        found for found in documents if all(value is None or found.get(key) == value for key, value in wanted.items())
    ]


def _page(request: web.Request, documents: list[Document]) -> web.Response:
    try:
        page, size = (int(request.query.get(key, default)) for key, default in (("page", 1), ("per_page", _PAGE)))
    except ValueError as error:
        raise ApiError(400, 6003, "page and per_page must be numbers") from error
    size = max(1, min(size, _MOST_PER_PAGE))
    shown = documents[(page - 1) * size : page * size]
    total = len(documents)
    counts = {
        "count": len(shown),
        "page": page,
        "per_page": size,
        "total_count": total,
        "total_pages": -(-total // size),
    }
    return answer(shown, result_info=counts)


class _Views:
    """What is no collection."""

    def __init__(self, account: Account, edge: Edge) -> None:
        self._account = account
        self._edge = edge

    async def verify(self, request: web.Request) -> web.Response:
        return answer({"id": ACCOUNT_ID, "status": "active"})

    async def accounts(self, request: web.Request) -> web.Response:
        return _page(request, [{"id": ACCOUNT_ID, "name": "sandbox", "type": "standard"}])

    async def zones(self, request: web.Request) -> web.Response:
        return _page(request, _filtered(request, [self._zone()]))

    async def zone(self, request: web.Request) -> web.Response:
        return answer(self._zone())

    def _zone(self) -> Document:
        plan = {"id": "free", "name": "Free Website"}
        account = {"id": ACCOUNT_ID, "name": "sandbox"}
        name = self._account.zone_name()
        return {"id": ZONE_ID, "name": name, "status": "active", "type": "full", "account": account, "plan": plan}

    async def settings(self, request: web.Request) -> web.Response:
        return answer([self._setting(name) for name in sorted(ZoneSettingKind.initial)])

    async def setting(self, request: web.Request) -> web.Response:
        return answer(self._setting(request.match_info["id"]))

    async def change_setting(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        given = await _document(request)
        self._account.create(ZoneSettingKind, {"setting_id": name, "value": given.get("value")})
        return answer(self._setting(name))

    def _setting(self, name: str) -> Document:
        value = self._account.setting(name)
        if value is None:
            raise ApiError(404, 1006, f"Undefined zone setting: {name}")
        return {"id": name, "value": value, "editable": True}

    async def purge(self, request: web.Request) -> web.Response:
        given = await _document(request)
        if not given.get("purge_everything") and not given.get("files"):
            raise ApiError(400, 1012, "Request must contain one of purge_everything, files, tags, hosts or prefixes")
        return answer({"id": ZONE_ID})

    async def pool_health(self, request: web.Request) -> web.Response:
        """Health by place; a place that has no result yet is not in it."""
        pool = self._account.get(PoolKind, request.match_info["id"])
        if self._edge.prober.view().pool_state(pool) == "unknown":
            return answer({"pool_id": pool["id"], "pop_health": {}})
        endpoints = [{endpoint["address"]: self._endpoint_health(pool, endpoint)} for endpoint in pool["origins"]]
        healthy = self._edge.prober.view().pool_up(pool)
        place = {"Sandbox, local": {"healthy": healthy, "origins": endpoints}}
        return answer({"pool_id": pool["id"], "pop_health": place})

    def _endpoint_health(self, pool: Document, endpoint: Document) -> Document:
        health = self._edge.prober.detail(pool, endpoint)
        last = health.last
        return {
            "healthy": health.state == "healthy",
            "rtt": f"{last.seconds * 1000:.1f}ms" if last else "0ms",
            "failure_reason": last.reason if last else "No health information yet",
            "response_code": (last.code if last else None) or 0,
        }

    async def pool_references(self, request: web.Request) -> web.Response:
        pool = self._account.get(PoolKind, request.match_info["id"])
        users = self._account.users(PoolKind, pool["id"])
        return answer(
            [
                {
                    "reference_type": "referrer",
                    "resource_id": found["id"],
                    "resource_name": found["name"],
                    "resource_type": "load_balancer",
                }
                for found in users
            ]
        )
