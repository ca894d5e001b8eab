"""What visitors of Vercel get: the routes of a deployment's build output, phase by phase, then its static files.

https://vercel.com/docs/build-output-api/configuration#routes. Where two routes set one header, that documentation does
not say which one counts; here it is the later one.
"""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.platforms.vercel.build_output import Output, Source
from sandbox.platforms.vercel.deployments import Deployments
from sandbox.ranges import partial_content
from sandbox.store import Document

_TYPES = mimetypes.MimeTypes()
_OWN_TYPES = {
    ".js": "application/javascript; charset=utf-8",
    ".mjs": "application/javascript; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
_CACHE_CONTROL = "public, max-age=0, must-revalidate"


@dataclass
class _Decision:
    """What the routes have come to so far."""

    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    file: str | None = None
    location: bool = False


class Serving:
    """All deployments by Host."""

    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    def app(self) -> web.Application:
        """The public side."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        hostname = request.host.rsplit(":", 1)[0].lower()
        deployment = self._deployments.at(hostname)
        if deployment is None:
            return _plain(404, "The deployment could not be found on Vercel.\n\nDEPLOYMENT_NOT_FOUND\n")
        if request.method not in {"GET", "HEAD"}:
            return _plain(405, "METHOD_NOT_ALLOWED\n")
        own_address = hostname == deployment["url"]
        if own_address and self._is_protected(deployment):
            return _plain(401, "Authentication Required\n")
        output = self._deployments.output(deployment)
        decision = decide(output, request.rel_url.raw_path)
        if own_address:
            decision.headers["x-robots-tag"] = "noindex"
        return self._answer(request, deployment, output, decision)

    def _is_protected(self, deployment: Document) -> bool:
        settings = self._deployments.project(deployment["project"])["settings"]
        kind = (settings.get("vercelAuthentication") or {}).get("deploymentType")
        return kind not in {"none", "only_preview_deployments"}

    def _answer(
        self, request: web.Request, deployment: Document, output: Output, decision: _Decision
    ) -> web.StreamResponse:
        own = {"Server": "Vercel", "x-vercel-id": f"sbx1::{secrets.token_hex(6)}", "x-vercel-cache": "HIT"}
        headers = {"Cache-Control": _CACHE_CONTROL, **own, **decision.headers}
        if decision.location:
            return web.Response(status=decision.status, headers=headers, text="Redirecting...\n")
        if decision.file is None:
            return web.Response(status=404, headers=headers, text="The page could not be found\n\nNOT_FOUND\n")
        override = output.config.overrides.get(decision.file)
        said = override.contentType if override else None
        headers["Content-Type"] = said or _media_type(decision.file)
        digest = output.static[decision.file]
        content = self._deployments.contents.read(digest)
        if decision.status == 200:
            return _whole_or_part(request, content, {**headers, "Age": "0", "ETag": f'"{digest}"'})
        body = b"" if request.method == "HEAD" else content
        return web.Response(status=decision.status, headers=headers, body=body)


def _whole_or_part(request: web.Request, content: bytes, headers: dict[str, str]) -> web.Response:
    """A file as it is asked for: its head, the part that is wanted, or nothing where the visitor has it."""
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD":
        return web.Response(headers={**headers, "Content-Length": str(len(content))})
    return partial_content(request, content, headers) or web.Response(headers=headers, body=content)


def decide(output: Output, path: str) -> _Decision:
    """Follow the routes for a path as it stands in the request."""
    decision = _Decision()
    if _routed(output, output.routes(None), path, decision):
        return decision
    decision.file = output.file(path)
    if decision.file is not None:
        return decision
    for phase in ("filesystem", "miss"):
        if _routed(output, output.routes(phase), path, decision):
            return decision
    decision.status = 404
    _routed(output, output.routes("error"), path, decision)
    return decision


def _routed(output: Output, routes: list[Source], path: str, decision: _Decision) -> bool:
    """Whether one of the routes has decided."""
    for route in routes:
        found = route.match(path)
        if found is None:
            continue
        headers = {name: _filled(value, found) for name, value in route.headers.items()}
        _merge(decision.headers, headers)
        if route.status is not None and "location" in {name.lower() for name in headers}:
            decision.status, decision.location = route.status, True
            return True
        if route.dest is not None:
            decision.file = output.file(_filled(route.dest, found).partition("?")[0])
            decision.status = route.status or (200 if decision.file else 404)
            return True
        if route.status is not None and not route.continue_:
            decision.status = route.status
            return True
        if not route.continue_:
            return False
    return False


def _merge(headers: dict[str, str], more: Mapping[str, str]) -> None:
    names = {name.lower(): name for name in headers}
    for name, value in more.items():
        headers[names.get(name.lower(), name)] = value


def _filled(text: str, found: re.Match[str]) -> str:
    """``$1`` and ``$name`` stand for groups; what names none stands for nothing."""
    groups = {str(number): value or "" for number, value in enumerate((found.group(0), *found.groups()))}
    groups |= {name: value or "" for name, value in found.groupdict().items()}
    return re.sub(r"\$(\w+)", lambda name: groups.get(name.group(1), ""), text)


def _media_type(path: str) -> str:
    suffix = f".{path.rpartition('.')[2].lower()}" if "." in path.rpartition("/")[2] else ""
    found = _OWN_TYPES.get(suffix) or _TYPES.types_map[True].get(suffix) or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers={"Server": "Vercel"})
