"""One process that runs the whole sandbox: twins, provider stand-ins, proxy and edge, all on loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import filelock

from sandbox import registry
from sandbox.authority import write_whole
from sandbox.control import control_app
from sandbox.forward_proxy import ForwardProxy, Route
from sandbox.listeners import HOST, PublicPlane, failing_on_request, serve_api
from sandbox.name_server import NameServer
from sandbox.open_files import allow_many_files
from sandbox.provider import server as provider_server
from sandbox.provider.resource_type import Invoke, ResourceType
from sandbox.twin import ControlPlane, Twin
from sandbox.world import World

_log = logging.getLogger(__name__)
DESCRIPTION = "sandbox.json"
#: What makes clients believe the sandbox's certificates: OpenSSL and Python, requests, AWS, Node, curl, Git.
_CA_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
)
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_LOCAL = "127.0.0.1,localhost"


class AlreadyRunning(Exception):
    """Another sandbox runs on the same state folder."""


class Daemon:
    """Starts everything, writes ``sandbox.json`` when all listeners are up, and waits for the end.

    ``port`` is the site's, platforms take the ones after it, 0 means any free ones; ``speed`` is how many seconds of
    the sandbox pass in a real one.
    """

    def __init__(
        self, folder: Path, port: int, speed: float, twins: Callable[[World], Sequence[Twin]] = registry.twins
    ) -> None:
        self._folder = folder.resolve()
        self._port = port
        self._speed = speed
        self._make_twins = twins
        self._world: World
        self._twins: Sequence[Twin] = ()
        self._planes: dict[str, PublicPlane] = {}
        self._environment: dict[str, str] = {}
        self._api_ports: dict[str, int] = {}
        self._made: dict[str, set[str]] = {}
        """Type → ids of the resources that were made, and not deleted, since the start."""
        self._name_servers: list[str] = []
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM, SIGINT or a request to stop. Raises AlreadyRunning."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with AsyncExitStack() as stack:
            self._take_folder(stack)
            await self._start(stack)
            await self._stop.wait()
            _log.info("stopping")
            (self._folder / DESCRIPTION).unlink(missing_ok=True)

    def _take_folder(self, stack: AsyncExitStack) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = filelock.FileLock(self._folder / "sandbox.lock")
        try:
            stack.enter_context(lock.acquire(timeout=0))
        except filelock.Timeout as error:
            raise AlreadyRunning(
                f"{self._folder}: a sandbox {_named_process(self._folder)} runs on this state already; "
                "stop it first, or use another folder"
            ) from error
        (self._folder / DESCRIPTION).unlink(missing_ok=True)
        allow_many_files()
        self._world = World(self._folder, self._speed)
        stack.callback(self._world.store.close)

    async def _start(self, stack: AsyncExitStack) -> None:
        self._twins = self._make_twins(self._world)
        await self._serve_public(stack)
        for twin in self._twins:
            for control in twin.control:
                await self._serve_control_plane(twin.name, control, stack)
        await self._serve_providers(stack)
        await self._serve_proxy(stack)
        names = NameServer(lambda name: self._world.lookup(name) is not None)
        self._name_servers.append(f"{HOST}:{await names.start()}")
        stack.callback(names.stop)
        runner, port = await serve_api(
            control_app({"/status": self.status, "/made": self.made}, self._platforms(), self._world.calls, self._stop)
        )
        stack.push_async_callback(runner.cleanup)
        content = json.dumps(self._description(port), indent=2).encode()
        write_whole(self._folder / DESCRIPTION, content, mode=0o600)
        self.ready.set()
        _log.info("ready: the site is at %s", self._site_url())

    async def _serve_public(self, stack: AsyncExitStack) -> None:
        """Platforms before the edge, which probes them as soon as it runs."""
        platforms = [twin for twin in self._twins if twin.public is not None]
        for offset, twin in enumerate(platforms, start=1):
            await self._open_plane(twin, self._port + offset if self._port else 0, stack)
        for twin in self._twins:
            if twin.edge is not None:
                await self._open_plane(twin, self._port, stack)

    async def _open_plane(self, twin: Twin, port: int, stack: AsyncExitStack) -> None:
        app = twin.edge if twin.edge is not None else twin.public
        if app is None:
            return
        plane = self._planes[twin.name] = PublicPlane(twin.name, app, self._world, lambda: _newest_name(twin))
        stack.push_async_callback(plane.stop)
        await plane.start(port)
        _log.info("%s is served at %s", twin.name, self._url(twin.name))

    async def _serve_control_plane(self, platform: str, control: ControlPlane, stack: AsyncExitStack) -> None:
        for app in (control.app, *control.elsewhere):
            app.middlewares.insert(0, failing_on_request(self._world, platform))
            app.middlewares.insert(0, self._world.calls.middleware(platform))
        runner, port = await serve_api(control.app)
        stack.push_async_callback(runner.cleanup)
        self._environment.update(control.environment(f"http://{HOST}:{port}"))
        self._api_ports.update(dict.fromkeys(control.proxied_names, port))
        _log.info("API %s listens on port %d", control.name, port)

    async def _serve_providers(self, stack: AsyncExitStack) -> None:
        types: dict[str, list[ResourceType]] = defaultdict(list)
        invokes: dict[str, dict[str, Invoke]] = defaultdict(dict)
        for twin in self._twins:
            for kind in twin.resource_types:
                types[kind.token.split(":", 1)[0]].append(kind)
            for token, function in twin.invokes.items():
                invokes[token.split(":", 1)[0]][token] = function
        attached = []
        for package in sorted({*types, *invokes}):
            watched = provider_server.Watched(self._world.calls.carried_out, self._made)
            server, port = await provider_server.start(package, types[package], invokes[package], watched)
            stack.push_async_callback(server.stop, None)
            attached.append(f"{package}:{port}")
        self._environment["PULUMI_DEBUG_PROVIDERS"] = ",".join(attached)

    async def _serve_proxy(self, stack: AsyncExitStack) -> None:
        proxy = ForwardProxy(self._tunnel_route, self._plain_route)
        address = f"http://{HOST}:{await proxy.start()}"
        stack.push_async_callback(proxy.stop)
        self._environment.update(dict.fromkeys(_PROXY_VARIABLES, address))
        self._environment.update(dict.fromkeys(("NO_PROXY", "no_proxy"), _LOCAL))
        self._environment.update(dict.fromkeys(_CA_VARIABLES, str(self._world.authority.bundle)))

    def _tunnel_route(self, name: str, port: int) -> Route | None:
        endpoint = self._world.lookup(name)
        if endpoint is not None and endpoint.platform in self._planes:
            self._world.calls.carried_out(endpoint.platform, f"connection to {name}")
        ports = {443: endpoint.https_port, 80: endpoint.http_port} if endpoint else {}
        return Route(ports[port]) if port in ports else None

    def _plain_route(self, name: str) -> Route | None:
        for suffix, port in self._api_ports.items():
            if name == suffix or name.endswith(f".{suffix}"):
                return Route(port, absolute_form=True)
        endpoint = self._world.lookup(name)
        return Route(endpoint.http_port) if endpoint else None

    def _description(self, control_port: int) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "control_url": f"http://{HOST}:{control_port}",
            "site_url": self._site_url(),
            "speed": self._speed,
            "ca_file": str(self._world.authority.file),
            "name_servers": self._name_servers,
            "environment": self._environment,
            "platforms": {name: {"url": self._url(name)} for name in self._platforms()},
        }

    def _platforms(self) -> dict[str, PublicPlane]:
        edges = {twin.name for twin in self._twins if twin.edge is not None}
        return {name: plane for name, plane in self._planes.items() if name not in edges}

    def _url(self, name: str) -> str:
        return f"http://{HOST}:{self._world.endpoints[name].http_port}"

    def _site_url(self) -> str:
        edges = [twin.name for twin in self._twins if twin.edge is not None]
        return f"{self._url(edges[0])}/" if edges else ""

    def status(self) -> dict[str, Any]:
        """What is served, where and how well; the edge's probes say which platform is healthy."""
        health: dict[str, str] = {}
        for twin in self._twins:
            health.update(twin.health())
        names = self._platforms()
        platforms = [self._platform_status(twin, health) for twin in self._twins if twin.name in names]
        return {"site_url": self._site_url(), "platforms": platforms}

    def made(self) -> dict[str, Any]:
        """What there is, to be compared with what there should be: resources made since the start, and deployments."""
        platforms = {
            twin.name: {
                "sites": len(twin.sites()),
                "deployments": None if twin.deployments is None else list(twin.deployments()),
            }
            for twin in self._twins
            if twin.name in self._platforms()
        }
        return {"resources": {token: sorted(ids) for token, ids in self._made.items() if ids}, "platforms": platforms}

    def _platform_status(self, twin: Twin, health: Mapping[str, str]) -> dict[str, Any]:
        newest = next(iter(twin.sites()), None)
        fault = self._world.faults.get(twin.name)
        state = health.get(newest.hostname, "unknown") if newest else "unknown"
        return {
            "name": twin.name,
            "state": "broken" if fault is not None and fault.kind != "api" else state,
            "edge_state": state,
            "url": self._url(twin.name),
            "host_header": newest.hostname if newest else None,
            "live_release": newest.live_release if newest else None,
            "files": newest.files if newest else 0,
        }


def _newest_name(twin: Twin) -> str | None:
    newest = next(iter(twin.sites()), None)
    return newest.hostname if newest else None


def _named_process(folder: Path) -> str:
    with suppress(OSError, ValueError, KeyError):
        return f"(process {json.loads((folder / DESCRIPTION).read_text())['pid']})"
    return "(still starting or stopping)"
