"""The public side of Static Web Apps: routes, files, clean URLs, headers, 404.

https://learn.microsoft.com/azure/static-web-apps/configuration. Known ways of the service that differ from it: headers
are not given to redirects (https://github.com/Azure/static-web-apps/issues/739), types go by the extension whatever a
route's headers say (…/issues/402), redirects for a trailing slash name the platform's own host (…/issues/1036), and
folders called app_data are hidden (…/issues/1469).
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from sandbox.platforms.azure.account import DEPLOYMENT, STATIC_SITE
from sandbox.platforms.azure.configuration import NAME, Configuration, read
from sandbox.platforms.azure.deployments import Deployments, configuration_place

_TYPES = mimetypes.MimeTypes(filenames=())
_UNKNOWN = "application/octet-stream"
#: Unless the site gives one.
_CACHE_CONTROL = "public, must-revalidate, max-age=30"
_WAITING = "<!DOCTYPE html>Your Azure Static Web App is live and waiting for your content\n"
_NOT_FOUND = "<!DOCTYPE html><title>Azure Static Web Apps - 404: Not found</title>404: Not Found\n"
_OWN = ("/api/", "/.auth/")


@dataclass(frozen=True)
class Tree:
    """A deployment, ready to serve."""

    files: Mapping[str, list[Any]] = field(hash=False)
    configuration: Configuration = field(hash=False)


class Serving:
    """Serves all sites of the twin."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments
        self._tree = lru_cache(maxsize=32)(self._read_tree)

    def app(self) -> web.Application:
        """The public application; sites are told apart by Host."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    def _read_tree(self, deployment: str) -> Tree:
        found = self._deployments.store.get(DEPLOYMENT, deployment) or {"files": {}}
        place = configuration_place(found["files"])
        content = self._content(found["files"][place]) if place else b"{}"
        return Tree(found["files"], read(content))

    def _content(self, file: list[Any]) -> bytes:
        return self._deployments.contents.read(file[0])

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        host = request.host.rsplit(":", 1)[0].lower()
        site = next(
            (
                key
                for key, found in self._deployments.store.all(STATIC_SITE).items()
                if found["defaultHostname"] == host
            ),
            None,
        )
        if site is None:
            return web.Response(status=404, text=_NOT_FOUND, content_type="text/html")
        deployment = self._deployments.build(site)["deployment"]
        if deployment is None:
            waiting = request.path == "/"
            return web.Response(
                status=200 if waiting else 404, text=_WAITING if waiting else _NOT_FOUND, content_type="text/html"
            )
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            return web.Response(status=405)
        return _Exchange(self._tree(deployment), request, host, self._content).answer()


class _Exchange:
    """One request to one site."""

    def __init__(self, tree: Tree, request: web.Request, host: str, content: Any) -> None:
        self._tree = tree
        self._rules = tree.configuration
        self._request = request
        self._host = host
        self._content = content
        self._path = request.raw_path.partition("?")[0]
        self._route = self._rules.route(self._path, request.method)

    def answer(self) -> web.StreamResponse:
        route = self._route
        if route is not None and route.redirect is not None:
            return _moved(route.status if route.status in (301, 302) else 302, route.redirect)
        if route is not None and route.status in (401, 403, 404):
            return self._error(route.status)
        if unquote(self._path).startswith(_OWN):
            return self._error(404)
        if route is not None and route.rewrite is not None:
            found = self._named(unquote(route.rewrite).lstrip("/"))
            return self._file(found, route.status or 200) if found is not None else self._missing()
        return self._by_path(unquote(self._path).removeprefix("/"))

    def _by_path(self, name: str) -> web.StreamResponse:
        """The table of what is returned for a path: configuration#trailing-slash."""
        moved = self._slash(name)
        if moved is not None:
            return _moved(301, f"https://{self._host}{quote(moved, safe='/!$&()*+,;=:@~-._')}")
        found = self._named(name)
        if found is None and name.endswith("/"):
            found = self._visible(f"{name[:-1]}.html")
        return self._file(found, 200) if found is not None else self._missing()

    def _slash(self, name: str) -> str | None:
        """Where a request is sent for its slash, its .html or its index.html; None where it stays."""
        way = self._rules.trailing_slash
        page = name.endswith("/") and self._visible(f"{name}index.html") is None and self._visible(f"{name[:-1]}.html")
        if way is None:
            return f"/{name[:-1]}" if page else None
        stem = (
            name.removesuffix("index.html") if name.rpartition("/")[2] == "index.html" else name.removesuffix(".html")
        )
        stem = stem.rstrip("/")
        found = self._named(name) or (self._visible(f"{name[:-1]}.html") if name.endswith("/") else None)
        if not stem or found is None or not found.endswith(".html"):
            return None
        folder = found.rpartition("/")[2] == "index.html"
        wanted = f"{stem}/" if way == "always" or (way == "auto" and folder) else stem
        return f"/{wanted}" if wanted != name else None

    def _named(self, name: str) -> str | None:
        if name == "" or name.endswith("/"):
            return self._visible(f"{name}index.html")
        candidates = (name, f"{name}.html", f"{name}/index.html")
        return next((found for found in candidates if self._visible(found) is not None), None)

    def _visible(self, path: str) -> str | None:
        hidden = path == NAME or path.endswith(f"/{NAME}") or "app_data" in path.lower().split("/")[:-1]
        return path if path in self._tree.files and not hidden else None

    def _missing(self) -> web.StreamResponse:
        if self._rules.falls_back(self._path):
            found = self._visible(unquote(self._rules.fallback or "").lstrip("/"))
            if found is not None:
                return self._file(found, 200)
        return self._error(404)

    def _error(self, status: int) -> web.StreamResponse:
        override = self._rules.overrides.get(str(status), {})
        if override.get("redirect"):
            return _moved(override.get("statusCode", 302), override["redirect"])
        status = override.get("statusCode", status)
        found = self._visible(unquote(str(override.get("rewrite", ""))).lstrip("/"))
        if found is not None:
            return self._file(found, status)
        return web.Response(status=status, text=_NOT_FOUND, content_type="text/html", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        own = self._route.headers if self._route is not None else {}
        names = {name.lower(): name for name in self._rules.global_headers}
        values = dict(self._rules.global_headers)
        for name, value in own.items():
            values[names.get(name.lower(), name)] = value
        skipped = {"content-type", "server", "etag", "content-length"}
        return {name: value for name, value in values.items() if value and name.lower() not in skipped}

    def _file(self, path: str, status: int) -> web.StreamResponse:
        digest, size = self._tree.files[path]
        headers = {"Cache-Control": _CACHE_CONTROL, **self._headers()}
        headers |= {
            "Content-Type": self._type(path),
            "ETag": f'"{int(digest[:8], 16)}"',
            "X-DNS-Prefetch-Control": "off",
        }
        if status == 200 and self._request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        if self._request.method == "OPTIONS":
            return web.Response(status=204, headers={**headers, "Allow": "GET, HEAD, OPTIONS"})
        if self._request.method == "HEAD":
            return web.Response(status=status, headers={**headers, "Content-Length": str(size)})
        body = self._content(self._tree.files[path])
        window = re.fullmatch(r"bytes=(\d+)-(\d*)", self._request.headers.get("Range", "")) if status == 200 else None
        if window and int(window[1]) < size:
            stop = min(size, int(window[2] or size - 1) + 1)
            headers["Content-Range"] = f"bytes {window[1]}-{stop - 1}/{size}"
            return web.Response(status=206, headers=headers, body=body[int(window[1]) : stop])
        return web.Response(status=status, headers=headers, body=body)

    def _type(self, path: str) -> str:
        stem, dot, end = path.rpartition("/")[2].rpartition(".")
        extension = f".{end}" if dot and stem else ""
        return self._rules.types.get(extension) or _TYPES.types_map[True].get(extension.lower(), _UNKNOWN)


def _moved(status: int, location: str) -> web.Response:
    return web.Response(status=status, headers={"Location": location, "Content-Length": "0"})
