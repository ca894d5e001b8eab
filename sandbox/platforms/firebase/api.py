"""Firebase Hosting's API as its clients use it, with the few calls to other Google APIs that they make before.

https://firebase.google.com/docs/reference/hosting/rest
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.platforms.firebase.account import HOSTING_API, NUMBER, PROJECT, ApiError, check_project
from sandbox.platforms.firebase.hosting import LIVE, SITES, Hosting
from sandbox.platforms.firebase.oauth import TokenEndpoint
from sandbox.store import Document, Store

#: Largest file: https://firebase.google.com/docs/hosting/usage-quotas-pricing
_MAX_BODY = 2 * 1024**3
_OPERATIONS = "firebase:operation"
_PAGE_SIZES = {"versions": (25, 100), "releases": (100, 100), "files": (100, 1000), "channels": (10, 100)}
_TOKEN_PATHS = ("/token", "/oauth2/v3/token")


class Api:
    """One application for all of Google's host names that are led here."""

    def __init__(self, hosting: Hosting, tokens: TokenEndpoint, store: Store) -> None:
        self._hosting = hosting
        self._tokens = tokens
        self._store = store

    def app(self) -> web.Application:
        """Routes of the API."""
        app = web.Application(middlewares=[self._guarded], client_max_size=_MAX_BODY)
        for path in _TOKEN_PATHS:
            app.router.add_post(path, self._tokens.answer)
        app.router.add_post("/v1/projects/{project}:testIamPermissions", self._permissions)
        app.router.add_get("/v1/projects/{project}/services/{service}", self._service)
        app.router.add_get("/v1beta1/projects/{project}", self._project)
        app.router.add_get("/v1beta1/projects/{project}/sites", self._list_sites)
        app.router.add_get("/v1beta1/projects/{project}/operations/{operation}", self._operation)
        for prefix in ("/v1beta1", "/v1beta1/projects/{project}"):
            for method, path, handler in self._site_routes():
                app.router.add_route(method, f"{prefix}/sites/{{site}}{path}", handler)
        app.router.add_post("/upload/sites/{site}/versions/{version}/files/{hash}", self._upload)
        return app

    def _site_routes(self) -> Sequence[tuple[str, str, Callable[[web.Request], Awaitable[web.Response]]]]:
        return (
            ("GET", "", self._show_site),
            ("GET", "/versions", self._list_versions),
            ("POST", "/versions", self._make_version),
            ("POST", "/versions:clone", self._clone_version),
            ("GET", "/versions/{version}", self._show_version),
            ("PATCH", "/versions/{version}", self._change_version),
            ("DELETE", "/versions/{version}", self._delete_version),
            ("POST", "/versions/{version}:populateFiles", self._populate),
            ("GET", "/versions/{version}/files", self._list_files),
            ("GET", "/releases", self._list_releases),
            ("POST", "/releases", self._make_release),
            ("GET", "/channels", self._list_channels),
            ("POST", "/channels", self._make_channel),
            ("GET", "/channels/{channel}", self._show_channel),
            ("PATCH", "/channels/{channel}", self._change_channel),
            ("DELETE", "/channels/{channel}", self._delete_channel),
            ("GET", "/channels/{channel}/releases", self._list_releases),
            ("POST", "/channels/{channel}/releases", self._make_release),
        )

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if request.path not in _TOKEN_PATHS:
                self._tokens.check(request)
                check_project(request.match_info.get("project", PROJECT))
            return await handler(request)
        except ApiError as error:
            return web.json_response(error.document(), status=error.status)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return web.json_response(ApiError("NOT_FOUND", "Method not found.").document(), status=404)

    # Other APIs

    async def _permissions(self, request: web.Request) -> web.Response:
        return web.json_response({"permissions": (await _json(request)).get("permissions", [])})

    async def _service(self, request: web.Request) -> web.Response:
        """firebase-tools takes the host name of its hosting address for the service's name."""
        service = request.match_info["service"]
        known = service in {HOSTING_API, "127.0.0.1", "localhost"}
        name = f"projects/{NUMBER}/services/{service}"
        return web.json_response({"name": name, "state": "ENABLED" if known else "DISABLED"})

    async def _project(self, request: web.Request) -> web.Response:
        name = f"projects/{PROJECT}"
        resources = {"hostingSite": PROJECT} if self._store.get(SITES, PROJECT) else {}
        return web.json_response(
            {
                "projectId": PROJECT,
                "projectNumber": NUMBER,
                "displayName": "Sandbox",
                "name": name,
                "resources": resources,
                "state": "ACTIVE",
            }
        )

    async def _operation(self, request: web.Request) -> web.Response:
        found = self._store.get(_OPERATIONS, request.match_info["operation"])
        if found is None:
            raise ApiError("NOT_FOUND", "Requested entity was not found.")
        return web.json_response(found)

    # Sites and versions

    async def _list_sites(self, request: web.Request) -> web.Response:
        sites = self._store.all(SITES).values()
        return web.json_response({"sites": [self._hosting.site_view(site) for site in sites]})

    async def _show_site(self, request: web.Request) -> web.Response:
        return web.json_response(self._hosting.site_view(self._hosting.site(request.match_info["site"])))

    async def _list_versions(self, request: web.Request) -> web.Response:
        versions = self._hosting.versions(self._site(request))
        wanted = request.query.get("filter")
        if wanted is not None:
            found = re.fullmatch(r'status\s*=\s*"?([A-Z]+)"?', wanted)
            if found is None:
                raise ApiError("INVALID_ARGUMENT", "filter: the sandbox knows `status=X` only")
            versions = [version for version in versions if version["status"] == found[1]]
        return _page(request, "versions", [self._hosting.version_view(version) for version in versions])

    async def _make_version(self, request: web.Request) -> web.Response:
        version = self._hosting.make_version(self._site(request), await _json(request))
        return web.json_response(self._hosting.version_view(version))

    async def _show_version(self, request: web.Request) -> web.Response:
        return web.json_response(self._hosting.version_view(self._version(request)))

    async def _change_version(self, request: web.Request) -> web.Response:
        text = request.query.get("updateMask", request.query.get("update_mask", ""))
        version = self._hosting.change_version(
            self._site(request), self._version(request)["id"], set(text.split(",")) - {""}, await _json(request)
        )
        return web.json_response(self._hosting.version_view(version))

    async def _delete_version(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._hosting.delete_version, self._site(request), self._version(request)["id"])
        return web.json_response({})

    async def _clone_version(self, request: web.Request) -> web.Response:
        body = await _json(request)
        version = self._hosting.clone_version(
            self._site(request), str(body.get("sourceVersion", "")), finalize=bool(body.get("finalize"))
        )
        operation = {"name": f"projects/{NUMBER}/operations/{secrets.token_hex(8)}", "done": True}
        document = {**operation, "response": self._hosting.version_view(version)}
        self._store.put(_OPERATIONS, operation["name"].rsplit("/", 1)[-1], document)  # type: ignore[attr-defined]
        return web.json_response({"name": operation["name"]})

    async def _populate(self, request: web.Request) -> web.Response:
        body = await _json(request)
        if set(body) - {"files"}:
            raise ApiError("INVALID_ARGUMENT", "Invalid JSON payload received. Unknown name: Cannot find field.")
        site, version = request.match_info["site"], request.match_info["version"]
        required = await asyncio.to_thread(self._hosting.populate, site, version, body.get("files", {}))
        answer: dict[str, Any] = {
            "uploadUrl": f"{request.scheme}://{request.host}/upload/sites/{site}/versions/{version}/files"
        }
        return web.json_response({**answer, "uploadRequiredHashes": required} if required else answer)

    async def _list_files(self, request: web.Request) -> web.Response:
        wanted = request.query.get("status")
        listed = []
        for path, digest in sorted(self._hosting.files(self._version(request)["id"]).items()):
            status = "ACTIVE" if digest in self._hosting.contents else "EXPECTED"
            if wanted in {None, "STATUS_UNSPECIFIED", status}:
                listed.append({"path": path, "hash": digest, "status": status})
        return _page(request, "files", listed)

    async def _upload(self, request: web.Request) -> web.Response:
        digest = request.match_info["hash"]
        self._hosting.check_expected(request.match_info["site"], request.match_info["version"], digest)
        body = await request.read()
        await asyncio.to_thread(_check_bytes, digest, body)
        self._hosting.contents.put(digest, body)
        return web.Response(status=200)

    # Channels and releases

    async def _list_channels(self, request: web.Request) -> web.Response:
        channels = self._hosting.channels(self._site(request))
        return _page(request, "channels", [self._hosting.channel_view(channel) for channel in channels])

    async def _make_channel(self, request: web.Request) -> web.Response:
        name, body = request.query.get("channelId", ""), await _json(request)
        channel = self._hosting.make_channel(self._site(request), name, _seconds(body.get("ttl", "604800s")))
        return web.json_response(self._hosting.channel_view(channel))

    async def _show_channel(self, request: web.Request) -> web.Response:
        return web.json_response(self._hosting.channel_view(self._channel(request)))

    async def _change_channel(self, request: web.Request) -> web.Response:
        if request.query.get("updateMask", request.query.get("update_mask")) != "ttl":
            raise ApiError("INVALID_ARGUMENT", "update_mask: the sandbox changes ttl only")
        ttl = _seconds((await _json(request)).get("ttl", ""))
        channel = self._hosting.extend_channel(self._site(request), self._channel(request)["id"], ttl)
        return web.json_response(self._hosting.channel_view(channel))

    async def _delete_channel(self, request: web.Request) -> web.Response:
        self._hosting.delete_channel(self._site(request), request.match_info["channel"])
        return web.json_response({})

    async def _list_releases(self, request: web.Request) -> web.Response:
        releases = self._hosting.releases(self._site(request), request.match_info.get("channel"))
        return _page(request, "releases", [self._hosting.release_view(release) for release in releases])

    async def _make_release(self, request: web.Request) -> web.Response:
        name = request.query.get("versionName", request.query.get("version_name", ""))
        channel = request.match_info.get("channel", LIVE)
        release = self._hosting.make_release(self._site(request), channel, name, await _json(request))
        return web.json_response(self._hosting.release_view(release))

    def _site(self, request: web.Request) -> str:
        return str(self._hosting.site(request.match_info["site"])["id"])

    def _version(self, request: web.Request) -> Document:
        return self._hosting.version(self._site(request), request.match_info["version"])

    def _channel(self, request: web.Request) -> Document:
        return self._hosting.channel(self._site(request), request.match_info["channel"])


def _check_bytes(digest: str, body: bytes) -> None:
    if hashlib.sha256(body).hexdigest() != digest:
        raise ApiError("INVALID_ARGUMENT", "The uploaded bytes do not have the content hash of the URL.")
    unpacker = zlib.decompressobj(31)
    try:
        unpacker.decompress(body)
        unpacker.flush()
    except zlib.error:
        raise ApiError("INVALID_ARGUMENT", "The uploaded content hash is not one of gzip data.") from None
    if not unpacker.eof or unpacker.unused_data:
        raise ApiError("INVALID_ARGUMENT", "The uploaded content hash is not one of a whole gzip stream.")


async def _json(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    if not text:
        return {}
    try:
        found = await request.json()
    except ValueError:
        raise ApiError("INVALID_ARGUMENT", "Invalid JSON payload received.") from None
    if not isinstance(found, dict):
        raise ApiError("INVALID_ARGUMENT", "Invalid JSON payload received. Root element must be a message.")
    return found


def _seconds(duration: Any) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(duration))
    if found is None or not 0 < float(found[1]) <= 30 * 24 * 3600:
        raise ApiError("INVALID_ARGUMENT", "ttl: must be a duration of at most 30 days, e.g. 604800s")
    return float(found[1])


def _page(request: web.Request, kind: str, items: list[dict[str, Any]]) -> web.Response:
    usual, most = _PAGE_SIZES[kind]
    try:
        start = int(request.query.get("pageToken") or 0)
        size = int(request.query.get("pageSize") or usual)
    except ValueError:
        raise ApiError("INVALID_ARGUMENT", "page_token or page_size: invalid") from None
    end = start + min(size or usual, most)
    answer: dict[str, Any] = {kind: items[start:end]} if items else {}
    return web.json_response({**answer, "nextPageToken": str(end)} if end < len(items) else answer)
