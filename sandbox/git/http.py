"""Git over HTTP, by Git's own server: https://git-scm.com/docs/git-http-backend."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from sandbox.git.repositories import Repositories, environment
from sandbox.store import Document

_CHUNK = 1 << 16
#: Seconds that Git has to end.
_PATIENCE = 2.0
_SERVICES = frozenset({"git-upload-pack", "git-receive-pack"})


@dataclass(frozen=True)
class Voice:
    """How a forge lets in and turns away."""

    realm: str
    token: str
    denied: str
    unknown: str
    read_only: str


class GitHttp:
    """Answers ``/NAMESPACE/PROJECT.git/…``; a user name may be any, the token is the password."""

    def __init__(
        self,
        repositories: Repositories,
        find: Callable[[str], Document | None],
        pushed: Callable[[Document], Awaitable[None]],
        voice: Voice,
    ) -> None:
        self._repositories = repositories
        self._voice = voice
        self._find = find
        self._pushed = pushed

    def routes(self) -> list[web.RouteDef]:
        """The addresses that Git's smart protocol uses."""
        base = r"/{project:[\w.-]+(?:/[\w.-]+)+}.git"
        return [
            web.get(base + "/info/refs", self._answer),
            web.post(base + "/{service:git-(?:upload|receive)-pack}", self._answer),
        ]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if not _authorized(request.headers.get("Authorization", ""), self._voice.token):
            headers = {"WWW-Authenticate": f'Basic realm="{self._voice.realm}"'}
            return web.Response(status=401, text=self._voice.denied, headers=headers)
        project = self._find(request.match_info["project"])
        service = request.match_info.get("service") or request.query.get("service", "")
        if project is None or service not in _SERVICES:
            return web.Response(status=404, text=self._voice.unknown)
        if project["archived"] and service == "git-receive-pack":
            return web.Response(status=403, text=self._voice.read_only)
        response = await self._run(request, project)
        if request.method == "POST" and service == "git-receive-pack":
            await self._pushed(project)
        return response

    async def _run(self, request: web.Request, project: Document) -> web.Response:
        path = request.path.rpartition(".git/")[2]
        variables = {
            "GIT_PROJECT_ROOT": str(self._repositories.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{project['id']}.git/{path}",
            "QUERY_STRING": request.query_string,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "sandbox",
        }
        if request.content_length is not None:
            variables["CONTENT_LENGTH"] = str(request.content_length)
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env={**environment(), **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            process_group=0,
        )
        try:
            _, out = await asyncio.gather(_feed(process, request), _read(process))
            await process.wait()
        finally:
            if process.returncode is None:
                await _end(process)
        return _response(out)


def _authorized(header: str, token: str) -> bool:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        password = base64.b64decode(value, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(password, token.encode())


async def _feed(process: asyncio.subprocess.Process, request: web.Request) -> None:
    """Hand the body on. Raises ConnectionResetError where the client is gone before its end.

    Git must not see such an end: its backend reads on for good until it has the announced length.
    """
    if process.stdin is None:
        return
    async for piece in request.content.iter_chunked(_CHUNK):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(piece)
            await process.stdin.drain()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.close()
        await process.stdin.wait_closed()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End Git and all that it has started, which takes back on SIGTERM what it had begun."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _PATIENCE)
            return


async def _read(process: asyncio.subprocess.Process) -> bytes:
    return await process.stdout.read() if process.stdout else b""


def _response(out: bytes) -> web.Response:
    """A CGI answer: headers, an empty line, the body."""
    head, _, body = out.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    status = int(headers.pop("Status", "200").split()[0])
    headers.pop("Content-Length", None)
    return web.Response(status=status if out else 500, headers=headers, body=body)
