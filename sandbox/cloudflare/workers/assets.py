"""Static assets of Workers: what was uploaded, and serving it.

Upload: https://developers.cloudflare.com/workers/static-assets/direct-upload/
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.cloudflare.errors import ApiError
from sandbox.world import World

Manifest = dict[str, dict[str, Any]]
"""Path with a slash in front → ``hash`` (the sender's own, 32 hex digits) and ``size`` in bytes."""
_HASH = 32
#: Sandbox seconds that a session and its completion token are good for.
_LIFE = 3600.0
#: Files that are asked for in one request.
_BUCKET = 100


@dataclass
class _Session:
    manifest: Manifest
    until: float
    complete: bool = False


class Assets:
    """Contents by hash; manifests by token while they are being uploaded."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._folder = world.folder / "worker-assets"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sessions: dict[str, _Session] = {}

    def begin(self, manifest: Manifest) -> tuple[str, list[list[str]]]:
        """Register a manifest; returns a token and the hashes that are missing, in buckets."""
        for path, entry in manifest.items():
            if not path.startswith("/") or len(str(entry.get("hash", ""))) != _HASH:
                raise ApiError(400, 10021, f"asset {path}: a path begins with a slash, a hash has 32 hex digits")
        missing = sorted({entry["hash"] for entry in manifest.values() if not self._file(entry["hash"]).exists()})
        token = secrets.token_urlsafe(24)
        self._sessions[token] = _Session(manifest, self._clock.monotonic() + _LIFE, not missing)
        return token, [missing[start : start + _BUCKET] for start in range(0, len(missing), _BUCKET)]

    def add(self, token: str, parts: Mapping[str, bytes]) -> str:
        """Take contents by hash; returns the completion token once nothing is missing, else an empty text."""
        session = self._session(token)
        sizes = {entry["hash"]: entry["size"] for entry in session.manifest.values()}
        for name, content in parts.items():
            if sizes.get(name) != len(content):
                raise ApiError(400, 10021, f"asset {name} is not in the manifest, or not as long as it says")
            self._keep(name, content)
        session.complete = all(self._file(name).exists() for name in sizes)
        return token if session.complete else ""

    def manifest(self, token: str) -> Manifest:
        """What a completion token stands for."""
        session = self._session(token)
        if not session.complete:
            raise ApiError(400, 10021, "the upload of these assets is not complete")
        return session.manifest

    def from_folder(self, folder: Path) -> Manifest:
        """What the provider does with a folder: hash every file, upload what is missing.

        https://github.com/cloudflare/terraform-provider-cloudflare (internal/services/workers_script/assets.go)
        """
        if not folder.is_dir():
            raise ApiError(400, 10021, f"Error reading asset files: {folder} is no folder")
        manifest: Manifest = {}
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            content = path.read_bytes()
            name = hashlib.sha256(content).hexdigest()[:_HASH]
            manifest[f"/{path.relative_to(folder).as_posix()}"] = {"hash": name, "size": len(content)}
            self._keep(name, content)
        return manifest

    def application(self, manifest: Manifest) -> web.Application:
        """Serves the files of a manifest under their exact paths: html_handling and not_found_handling ``none``."""

        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            del handler
            entry = manifest.get(unquote(request.raw_path.partition("?")[0]))
            if entry is None:
                return web.Response(status=404)
            tag = f'"{entry["hash"]}"'
            if tag in request.headers.get("If-None-Match", ""):
                return web.Response(status=304, headers={"ETag": tag})
            body = self._file(entry["hash"]).read_bytes()
            return web.Response(body=body, headers={"ETag": tag, "Content-Type": "application/octet-stream"})

        return web.Application(middlewares=[serve])

    def _session(self, token: str) -> _Session:
        found = self._sessions.get(token)
        if found is None or found.until < self._clock.monotonic():
            raise ApiError(403, 10002, "the token of this upload is unknown or older than an hour")
        return found

    def _file(self, name: str) -> Path:
        return self._folder / name

    def _keep(self, name: str, content: bytes) -> None:
        file = self._file(name)
        if not file.exists():
            unfinished = file.with_suffix(f".{os.getpid()}-unfinished")
            unfinished.write_bytes(content)
            unfinished.replace(file)
