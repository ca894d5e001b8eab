"""GitLab Pages' public side: the file first, then ``_redirects``, then 404.html.

https://gitlab.com/gitlab-org/gitlab-pages/-/blob/master/internal/serving/disk/reader.go; how a name is looked up there
follows the archive of the site, in which folders are entries of their own.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote

from aiohttp import web

from sandbox.contents import Contents
from sandbox.platforms.gitlab.media_types import content_type
from sandbox.platforms.gitlab.projects import Projects, pages_host
from sandbox.platforms.gitlab.redirect_rules import Rule, decoded, first_match, location, read, status_page
from sandbox.ranges import partial_content
from sandbox.store import Document

_NOT_FOUND = "<!DOCTYPE html>\n<title>The page you're looking for could not be found (404)</title>\n"
_SIGN_IN = "https://projects.gitlab.io/auth"
_KEEP_SECONDS = 600


@dataclass(frozen=True)
class Tree:
    """A deployment, ready to serve."""

    sha: str
    files: dict[str, str] = field(hash=False)
    folders: frozenset[str] = field(hash=False)
    rules: Sequence[Rule] | str = field(hash=False)


class Serving:
    """Serves all sites of the twin."""

    def __init__(self, projects: Projects, contents: Contents) -> None:
        self._projects = projects
        self._contents = contents
        self._tree = lru_cache(maxsize=16)(self._read_tree)

    def app(self) -> web.Application:
        """The public application; sites are told apart by Host."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    def _read_tree(self, number: int, pipeline: int) -> Tree:
        deployment = self._projects.deployment(number) or {"files": {}, "sha": "", "pipeline": pipeline}
        files = dict(deployment["files"])
        folders = {""}
        for path in files:
            parent = path.rpartition("/")[0]
            while parent and parent not in folders:
                folders.add(parent)
                parent = parent.rpartition("/")[0]
        rules = read(self._contents.read(files["_redirects"])) if "_redirects" in files else "no file"
        return Tree(deployment["sha"], files, frozenset(folders), rules)

    def _site(self, host: str, path: str) -> tuple[Document, str] | None:
        """Project and folder of the site at an address."""
        name = host.rsplit(":", 1)[0].lower()
        for project in self._projects.all():
            own, folder = pages_host(project)
            if name == own and (path == folder or path.startswith(f"{folder}/")):
                return project, folder
        return None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.raw_path.partition("?")[0])
        found = self._site(request.host, path)
        if found is None or found[0]["pages_access_level"] == "disabled":
            return _generic()
        project, folder = found
        if project["pages_access_level"] != "public":
            return web.Response(status=302, headers={"Location": f"{_SIGN_IN}?domain=https://{request.host}"})
        deployment = self._projects.deployment(project["id"])
        if deployment is None:
            return _generic()
        tree = self._tree(project["id"], deployment["pipeline"])
        answer = self._file(request, tree, path, folder)
        if answer is None:
            answer = self._by_rule(request, tree, path, folder)
        return self._missing(tree) if answer is None else answer

    def _file(self, request: web.Request, tree: Tree, path: str, folder: str) -> web.StreamResponse | None:
        return self._shown(request, tree, path.removeprefix(folder).removeprefix("/"))

    def _shown(self, request: web.Request, tree: Tree, name: str) -> web.StreamResponse | None:
        """``tryFile``: a folder is judged by the slash of the address that was asked for, also in a rewrite."""
        asked = request.raw_path.partition("?")[0]
        found = _resolved(tree, name)
        if found is not None and found in tree.folders and found not in tree.files:
            if not asked.endswith("/"):
                return web.Response(status=302, headers={"Location": _with_slash(request)})
            found = _resolved(tree, f"{name}/index.html")
        elif found is None and not name.endswith(".html"):
            found = _resolved(tree, f"{name.removesuffix('/')}.html")
        if found is None or found not in tree.files:
            return None
        if found == "_redirects":
            headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
            return web.Response(body=status_page(tree.rules).encode(), headers=headers)
        return self._sent(request, tree, found)

    def _by_rule(self, request: web.Request, tree: Tree, path: str, folder: str) -> web.StreamResponse | None:
        found = first_match(tree.rules, path)
        if found is None:
            return None
        status, target = found
        if status == 200:
            inner = decoded(target)
            return None if inner is None else self._file(request, tree, inner, folder)
        where = location(target)
        return None if where is None else web.Response(status=status, headers={"Location": where})

    def _missing(self, tree: Tree) -> web.StreamResponse:
        if "404.html" not in tree.files:
            return _generic()
        body = self._body(tree, "404.html")
        return web.Response(status=404, body=body, headers={"Content-Type": content_type("404.html", body)})

    def _body(self, tree: Tree, name: str) -> bytes:
        return self._contents.read(tree.files[name])

    def _sent(self, request: web.Request, tree: Tree, name: str) -> web.StreamResponse:
        """With a neighbour ``name.gz`` or ``name.br``, that is what a client gets that can unpack it."""
        kind = content_type(name, self._body(tree, name))
        encoding = _encoding(request, tree, name)
        body = self._body(tree, name + encoding[1] if encoding else name)
        etag = f'"{tree.sha}-{encoding[0]}"' if encoding else f'"{tree.sha}"'
        expires = email.utils.formatdate(time.time() + _KEEP_SECONDS, usegmt=True)
        headers = {
            "Content-Type": kind,
            "Cache-Control": f"max-age={_KEEP_SECONDS}",
            "Expires": expires,
            "ETag": etag,
            "Vary": "Origin",
        }
        if encoding:
            headers["Content-Encoding"] = encoding[0]
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        part = partial_content(request, body, headers)
        if part is not None:
            return part
        if request.method == "HEAD":
            return web.Response(headers={**headers, "Content-Length": str(len(body))})
        return web.Response(headers=headers, body=body)


def _resolved(tree: Tree, name: str) -> str | None:
    """The file or folder of a name; a file does not answer to a name with a slash at its end."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    found = "/".join(parts)
    if found in tree.files:
        return None if name.endswith("/") else found
    return found if found in tree.folders else None


def _with_slash(request: web.Request) -> str:
    path, mark, query = request.raw_path.partition("?")
    written = quote(unquote(path).removeprefix("/"), safe="$&+,/:;=@-_.~")
    return f"//{request.host}/{written}/" + (mark + query if query else "")


def _encoding(request: web.Request, tree: Tree, name: str) -> tuple[str, str] | None:
    accepted = request.headers.get("Accept-Encoding", "")
    if "Range" in request.headers:
        return None
    offers = {
        word.split(";")[0].strip() for word in accepted.split(",") if "q=0" not in word.replace(" ", "").split(";")
    }
    for token, suffix in (("br", ".br"), ("gzip", ".gz")):
        if token in offers and name + suffix in tree.files:
            return token, suffix
    return None


def _generic() -> web.Response:
    return web.Response(status=404, text=_NOT_FOUND, headers={"Content-Type": "text/html; charset=utf-8"})
