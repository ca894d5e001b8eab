"""The API of Workers: scripts with their assets, and routes.

https://developers.cloudflare.com/api/resources/workers/
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.cloudflare.account import Account
from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects import WorkerScriptKind
from sandbox.cloudflare.workers.deploying import deployed, removed
from sandbox.cloudflare.workers.fleet import Fleet
from sandbox.store import Document

#: The one path that has a token of its own, from the session.
UPLOAD = "/workers/assets/upload"
_MODULES = frozenset({"application/javascript+module", "text/javascript+module"})


class WorkerViews:
    """Answers that are not in the way of the other collections."""

    def __init__(self, account: Account, fleet: Fleet) -> None:
        self._account = account
        self._fleet = fleet

    def add_to(self, app: web.Application, scope: str) -> None:
        """Add the routes below ``scope``, the path of the account."""
        script = f"{scope}/workers/scripts/{{name}}"
        app.router.add_get(f"{scope}/workers/scripts", self.listed)
        app.router.add_get(script, self.content)
        app.router.add_get(f"{script}/content/v2", self.content)
        app.router.add_put(script, self.uploaded)
        app.router.add_delete(script, self.deleted)
        app.router.add_get(f"{script}/settings", self.settings)
        app.router.add_get(f"{scope}/workers/services/{{name}}", self.service)
        app.router.add_post(f"{script}/assets-upload-session", self.session)
        app.router.add_post(f"{scope}{UPLOAD}", self.assets)

    async def listed(self, request: web.Request) -> web.Response:
        """All scripts."""
        return _answer([_shown(found) for found in self._account.all(WorkerScriptKind)])

    async def content(self, request: web.Request) -> web.Response:
        """The script's text."""
        found = self._found(request)
        return web.Response(text=str(found["content"]), content_type="application/javascript+module")

    async def settings(self, request: web.Request) -> web.Response:
        """Bindings and date."""
        found = self._found(request)
        return _answer({key: found.get(key) for key in ("bindings", "compatibility_date")})

    async def service(self, request: web.Request) -> web.Response:
        """A script as the provider's refresh asks for it."""
        found = self._account.find(WorkerScriptKind, request.match_info["name"])
        if found is None:
            raise ApiError(404, 10090, "workers.api.error.service_not_found")
        return _answer({"id": found["id"], "default_environment": {"script": _shown(found)}})

    async def deleted(self, request: web.Request) -> web.Response:
        """Take a script away."""
        await removed(self._account, self._fleet, self._found(request)["id"])
        return _answer(None)

    async def session(self, request: web.Request) -> web.Response:
        """Begin an upload of assets."""
        try:
            manifest = (await request.json())["manifest"]
        except (ValueError, KeyError, TypeError) as error:
            raise ApiError(400, 10021, "the body must be JSON with a manifest") from error
        token, buckets = self._fleet.assets.begin(manifest)
        return _answer({"jwt": token, "buckets": buckets})

    async def assets(self, request: web.Request) -> web.Response:
        """Take contents of assets; 201 with a completion token once nothing is missing."""
        if request.query.get("base64") != "true":
            raise ApiError(400, 10021, "assets are sent in base64, with ?base64=true")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            parts = {name: base64.b64decode(body, validate=True) for name, (_, body) in (await _parts(request)).items()}
        except binascii.Error as error:
            raise ApiError(400, 10021, "an asset is not base64") from error
        done = self._fleet.assets.add(token, parts)
        answer = _answer({"jwt": done} if done else {})
        answer.set_status(201 if done else 202)
        return answer

    async def uploaded(self, request: web.Request) -> web.Response:
        """Deploy a script."""
        parts = await _parts(request)
        try:
            metadata = json.loads(parts.pop("metadata")[1])
            kind, body = parts[metadata["main_module"]]
        except (KeyError, ValueError, TypeError) as error:
            raise ApiError(400, 10021, "the upload needs metadata with main_module, and that module") from error
        if kind not in _MODULES or len(parts) != 1:
            raise ApiError(400, 10021, "the sandbox takes one ES module, as application/javascript+module")
        document = self._document(request.match_info["name"], metadata, body.decode())
        return _answer(_shown(await deployed(self._account, self._fleet, document)))

    def _document(self, name: str, metadata: Document, content: str) -> Document:
        document: Document = {"script_name": name, "content": content}
        for key in ("main_module", "compatibility_date", "bindings", "keep_assets"):
            if key in metadata:
                document[key] = metadata[key]
        given = metadata.get("assets") or {}
        if "jwt" in given:
            document["assets"] = {
                "config": given.get("config") or {},
                "manifest": self._fleet.assets.manifest(given["jwt"]),
            }
        return document

    def _found(self, request: web.Request) -> Document:
        return self._account.get(WorkerScriptKind, request.match_info["name"])


async def _parts(request: web.Request) -> dict[str, tuple[str, bytes]]:
    """Name → (media type, bytes) of a multipart body; files and fields alike."""
    if not request.content_type.startswith("multipart/"):
        raise ApiError(400, 10021, "the body must be multipart/form-data")
    found = {}
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader):
            kind = part.headers.get("Content-Type", "").partition(";")[0]
            found[part.name or part.filename or ""] = (kind, bytes(await part.read()))
    return found


def _shown(script: Document) -> Document:
    return {
        "id": script["id"],
        "created_on": script["created_on"],
        "modified_on": script["modified_on"],
        "compatibility_date": script["compatibility_date"],
        "handlers": ["fetch"],
        "has_assets": bool(script.get("assets")),
        "has_modules": True,
        "startup_time_ms": 1,
    }


def _answer(result: Any) -> web.Response:
    return web.json_response({"success": True, "errors": [], "messages": [], "result": result})
