"""Netlify's public side: files of the published deploy, pretty URLs, redirects, headers, 404.

https://docs.netlify.com/routing/redirects/redirect-options/#trailing-slash and the pages on redirects and headers.
"""

from __future__ import annotations

import mimetypes
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote

from aiohttp import web

from sandbox.platforms.netlify.deploys import SITES, Deploys
from sandbox.platforms.netlify.rules import HeaderBlock, RedirectLine, headers_of, read_headers, read_redirects
from sandbox.ranges import partial_content

_TYPES = mimetypes.MimeTypes(filenames=())
_OWN_TYPES = {".js": "application/javascript", ".mjs": "application/javascript", ".ico": "image/x-icon"}
_TEXT = frozenset({"application/javascript", "application/json", "application/xml", "image/svg+xml"})
_REASONS = {301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect", 308: "Permanent Redirect"}


@dataclass(frozen=True)
class Tree:
    """A deploy, ready to serve."""

    files: dict[str, str] = field(hash=False)
    redirects: list[RedirectLine] = field(hash=False)
    headers: list[HeaderBlock] = field(hash=False)


class Serving:
    """Serves all sites of the twin."""

    def __init__(self, deploys: Deploys) -> None:
        self._deploys = deploys
        self._tree = lru_cache(maxsize=32)(self._read_tree)

    def app(self) -> web.Application:
        """The public application; sites are told apart by Host."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    def _read_tree(self, deploy_id: str) -> Tree:
        files = self._deploys.files(deploy_id)
        return Tree(
            {path: sha1 for path, sha1 in files.items() if path not in {"_redirects", "_headers"}},
            read_redirects(self._text(files.get("_redirects"))),
            read_headers(self._text(files.get("_headers"))),
        )

    def _text(self, sha1: str | None) -> str:
        return self._deploys.contents.read(sha1).decode() if sha1 else ""

    def _deploy_of(self, host: str) -> str | None:
        name = host.rsplit(":", 1)[0].removesuffix(".netlify.app")
        if not host.rsplit(":", 1)[0].endswith(".netlify.app"):
            return None
        deploy_id, separator, rest = name.partition("--")
        for site in self._deploys.store.all(SITES).values():
            if not separator and site["name"] == name:
                return str(site["published"]) if site["published"] else None
            if separator and site["name"] == rest:
                deploy = self._deploys.store.get("netlify:deploy", deploy_id)
                return deploy_id if deploy and deploy["state"] == "ready" else None
        return None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        deploy_id = self._deploy_of(request.host)
        if deploy_id is None:
            return _not_a_site()
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, text="Method Not Allowed\n")
        tree = self._tree(deploy_id)
        path = unquote(request.raw_path.partition("?")[0])
        query = request.query_string
        forced = _redirected(tree, path, query, force=True)
        if forced is not None:
            return self._rewritten(request, tree, path, forced)
        found = _file(tree, path)
        if found is not None:
            return self._file(request, tree, path, found, 200)
        if not path.endswith("/") and f"{path.lstrip('/')}/index.html" in tree.files:
            return _moved(301, quote(path + "/", safe="/!$&'()*+,;=:@~-._") + (f"?{query}" if query else ""))
        loose = _redirected(tree, path, query, force=False)
        if loose is not None:
            return self._rewritten(request, tree, path, loose)
        return self._missing(request, tree, path)

    def _rewritten(self, request: web.Request, tree: Tree, path: str, found: tuple[int, str]) -> web.StreamResponse:
        status, target = found
        if status != 200:
            return _moved(status, target)
        to = unquote(target)
        file = _file(tree, to) or _file(tree, to + "/")
        return self._file(request, tree, path, file, 200) if file else self._missing(request, tree, path)

    def _missing(self, request: web.Request, tree: Tree, path: str) -> web.StreamResponse:
        if "404.html" in tree.files:
            return self._file(request, tree, path, "404.html", 404)
        return _not_a_site()

    def _file(self, request: web.Request, tree: Tree, path: str, found: str, status: int) -> web.StreamResponse:
        sha1 = tree.files[found]
        headers = {"Content-Type": _media_type(found), "Cache-Control": "public,max-age=0,must-revalidate"}
        own = headers_of(path, tree.headers)
        if status == 404:
            own = {**headers_of("/404.html", tree.headers), **own}
        headers = {**headers, **own, "ETag": f'"{sha1}-ssl"', "Server": "Netlify", "Age": "0"}
        headers["X-Nf-Request-Id"] = secrets.token_hex(13).upper()
        if status == 200 and request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        body = self._deploys.contents.read(sha1)
        if request.method == "HEAD":
            return web.Response(status=status, headers={**headers, "Content-Length": str(len(body))})
        part = partial_content(request, body, headers) if status == 200 else None
        return part or web.Response(status=status, headers=headers, body=body)


def _file(tree: Tree, path: str) -> str | None:
    name = path.removeprefix("/")
    if name == "" or name.endswith("/"):
        return f"{name}index.html" if f"{name}index.html" in tree.files else None
    return next((found for found in (name, f"{name}.html") if found in tree.files), None)


def _redirected(tree: Tree, path: str, query: str, *, force: bool) -> tuple[int, str] | None:
    for rule in tree.redirects:
        target = rule.applied(path) if rule.force is force else None
        if target is not None:
            if "*" in rule.source and rule.status != 200:
                splat = path[len(rule.source) - 1 :].lstrip("/")
                target = rule.target.replace(":splat", quote(splat, safe="/!$&'()*+,;=:@~-._"))
            keep = f"?{query}" if query and rule.status != 200 and "?" not in target else ""
            return rule.status, target + keep
    return None


def _moved(status: int, location: str) -> web.Response:
    headers = {"Location": location, "Server": "Netlify"}
    return web.Response(status=status, reason=_REASONS.get(status), headers=headers, text="Redirecting to " + location)


def _not_a_site() -> web.Response:
    text = f"Not Found - Request ID: {secrets.token_hex(13).upper()}\n"
    return web.Response(status=404, text=text, headers={"Server": "Netlify"})


def _media_type(path: str) -> str:
    suffix = f".{path.rpartition('.')[2].lower()}" if "." in path.rpartition("/")[2] else ""
    found = _OWN_TYPES.get(suffix) or _TYPES.types_map[True].get(suffix) or "application/octet-stream"
    return f"{found}; charset=UTF-8" if found.startswith("text/") or found in _TEXT else found
