"""Firebase's public side: reserved names, redirects, files, rewrites, the 404 page, in this order.

https://firebase.google.com/docs/hosting/full-config#hosting_priority_order; how files are found under clean URLs and
with or without a slash at the end is what Google's emulator does (superstatic 10, lib/middleware/files).
"""

from __future__ import annotations

import gzip
import mimetypes
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote

from aiohttp import web

from sandbox.platforms.firebase.dialect import Config
from sandbox.platforms.firebase.hosting import CHANNELS, HOSTS, VERSIONS, Hosting
from sandbox.ranges import partial_content
from sandbox.world import Clock

_TYPES = mimetypes.MimeTypes(filenames=())
_OWN_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".ico": "image/vnd.microsoft.icon"}
_NOT_FOUND = "/404.html"
_INDEX = "index.html"
_PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""
_ALWAYS = {
    "Cache-Control": "max-age=3600",
    "Strict-Transport-Security": "max-age=31556926; includeSubDomains; preload",
    "Vary": "x-fh-requested-host, accept-encoding",
}


@dataclass(frozen=True)
class Tree:
    """A version, ready to serve."""

    files: dict[str, str] = field(hash=False)
    config: Config = field(hash=False)


class Serving:
    """Serves all sites and channels of the twin."""

    def __init__(self, hosting: Hosting, clock: Clock) -> None:
        self._hosting = hosting
        self._clock = clock
        self._tree = lru_cache(maxsize=32)(self._read_tree)

    def app(self) -> web.Application:
        """The public application; sites and channels are told apart by Host."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    def _read_tree(self, version_id: str) -> Tree:
        version = self._hosting.store.get(VERSIONS, version_id) or {}
        return Tree(self._hosting.files(version_id), Config.of(version.get("config", {})))

    def _version_of(self, host: str) -> str | None:
        """Id of the version that a host name shows."""
        place = self._hosting.store.get(HOSTS, host.rsplit(":", 1)[0].lower())
        channel = self._hosting.store.get(CHANNELS, f"{place['site']}/{place['channel']}") if place else None
        if channel is None or (channel["ends"] is not None and channel["ends"] < self._clock.now()):
            return None
        return self._hosting.shown(channel)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        version = self._version_of(request.host)
        if version is None:
            return _page(
                404, "Site Not Found", "Why am I seeing this? There is no deployed release under this address."
            )
        if request.method not in {"GET", "HEAD"}:
            return _page(405, "Method Not Allowed", "Only GET and HEAD are answered here.")
        tree = self._tree(version)
        raw, _, query = request.raw_path.partition("?")
        if raw.startswith("/__/"):
            return _page(404, "Page Not Found", "This URL is reserved.")
        moved = tree.config.redirect(unquote(raw))
        if moved is not None:
            return _moved(moved[0], moved[1], query)
        return self._file_or_slash(request, tree, raw, query) or self._rewritten(request, tree, raw)

    def _file_or_slash(self, request: web.Request, tree: Tree, raw: str, query: str) -> web.StreamResponse | None:
        """What is found by path; several slashes in a row count as one."""
        plain = re.sub(r"/+", "/", raw)
        path = unquote(plain)
        if path in tree.files:
            if tree.config.clean_urls and path.endswith(".html"):
                clean = re.sub(r"/index\Z", "", plain.removesuffix(".html"))
                return _moved(301, _slashed(clean, tree.config.slashes == "ADD") or "/", query)
            # As superstatic 10 does; what Hosting itself says is not documented.
            return self._file(request, tree, raw, path, 404 if path == _NOT_FOUND else 200)
        if f"{_slashed(path, True)}{_INDEX}" in tree.files:
            wanted = _folder_slash(tree.config, path)
            if wanted is not None and wanted != path.endswith("/"):
                return _moved(301, _slashed(plain, wanted) or "/", query)
            return self._file(request, tree, raw, f"{_slashed(path, True)}{_INDEX}", 200)
        return self._clean_url(request, tree, raw, plain, query) if tree.config.clean_urls else None

    def _clean_url(
        self, request: web.Request, tree: Tree, raw: str, plain: str, query: str
    ) -> web.StreamResponse | None:
        path, slashes = unquote(plain), tree.config.slashes
        if path.endswith("/") and slashes not in {"ADD", "REMOVE"}:
            return None
        page = f"{path.removesuffix('/')}.html"
        if page not in tree.files:
            return None
        if slashes in {"ADD", "REMOVE"} and path.endswith("/") != (slashes == "ADD"):
            return _moved(301, _slashed(plain, slashes == "ADD") or "/", query)
        if page.endswith(f"/{_INDEX}"):
            return _moved(301, plain.removesuffix("/index") or "/", query)
        return self._file(request, tree, raw, page, 200)

    def _rewritten(self, request: web.Request, tree: Tree, raw: str) -> web.StreamResponse:
        target = tree.config.rewrite(raw)
        if target is not None and target in tree.files:
            return self._file(request, tree, raw, target, 200)
        if _NOT_FOUND in tree.files:
            return self._file(request, tree, raw, _NOT_FOUND, 404)
        return _page(404, "Page Not Found", "The specified file was not found on this website.", head=request.method)

    def _file(self, request: web.Request, tree: Tree, raw: str, path: str, status: int) -> web.StreamResponse:
        digest = tree.files[path]
        asked = [path, raw] if status == 404 else [raw]
        headers = {**_ALWAYS, "Content-Type": _media_type(path), "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        headers = _merged(headers, tree.config.headers_of(asked))
        if status == 200 and request.headers.get("If-None-Match", "").removeprefix("W/") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        packed = self._hosting.contents.read(digest)
        if _takes_gzip(request.headers.get("Accept-Encoding", "")):
            return _answer(request, status, {**headers, "Content-Encoding": "gzip"}, packed)
        body = gzip.decompress(packed)
        part = partial_content(request, body, headers) if status == 200 else None
        return part or _answer(request, status, headers, body)


def _folder_slash(config: Config, path: str) -> bool | None:
    """Whether the URL of a folder with an index ends in a slash; None where both are served."""
    if config.slashes == "ADD":
        return True
    if config.slashes == "REMOVE":
        return None if path == "/" else False
    return None if config.clean_urls or path.endswith("/") else True


def _slashed(path: str, slash: bool) -> str:
    return f"{path.removesuffix('/')}/" if slash else path.removesuffix("/")


def _merged(headers: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    replaced = {name.lower() for name in own}
    return {**{name: value for name, value in headers.items() if name.lower() not in replaced}, **own}


def _answer(request: web.Request, status: int, headers: dict[str, str], body: bytes) -> web.Response:
    if request.method == "HEAD":
        return web.Response(status=status, headers={**headers, "Content-Length": str(len(body))})
    return web.Response(status=status, headers=headers, body=body)


def _moved(status: int, location: str, query: str) -> web.Response:
    to = quote(location, safe="/!$&'()*+,;=:@~-._%?#[]")
    if query:
        to += ("&" if "?" in to else "?") + query
    return web.Response(status=status, headers={**_ALWAYS, "Location": to}, text=f"Redirecting to {to}")


def _page(status: int, title: str, text: str, head: str = "GET") -> web.Response:
    body = "" if head == "HEAD" else _PAGE.format(title=title, text=text)
    return web.Response(status=status, text=body, content_type="text/html", headers={"Cache-Control": "no-cache"})


def _media_type(path: str) -> str:
    suffix = f".{path.rpartition('.')[2].lower()}" if "." in path.rpartition("/")[2] else ""
    found = _OWN_TYPES.get(suffix) or _TYPES.types_map[True].get(suffix) or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def _takes_gzip(header: str) -> bool:
    for part in header.lower().split(","):
        coding, _, weight = part.strip().partition(";")
        if coding in {"gzip", "*"} and weight.replace(" ", "") not in {"q=0", "q=0.0"}:
            return True
    return False
