"""The Workers of the account as they run: one ``workerd`` process for each deployed script."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.workers.assets import Assets
from sandbox.cloudflare.workers.installing import WorkerdMissing
from sandbox.cloudflare.workers.outbound import Outbound
from sandbox.cloudflare.workers.runtime import Bundle, Runtime, ScriptRefused
from sandbox.listeners import serve_api
from sandbox.store import Document
from sandbox.world import World

_log = logging.getLogger(__name__)


@dataclass
class _Deployed:
    runtime: Runtime
    stack: AsyncExitStack


class Fleet:
    """Starts what is deployed, and ends it with the sandbox. A new version takes over when it listens."""

    def __init__(self, world: World) -> None:
        self.assets = Assets(world)
        self.outbound = Outbound(world)
        self._folder = world.folder / "workers"
        self._stack = AsyncExitStack()
        self._outbound_port = 0
        self._deployed: dict[str, _Deployed] = {}

    async def start(self, scripts: list[Document]) -> None:
        """Serve what Workers reach, then start the scripts of an earlier run; one that cannot start is logged."""
        await self._listen()
        for script in scripts:
            try:
                await self.deploy(script)
            except ApiError as error:
                _log.warning("worker %s does not run: %s", script["script_name"], error)

    async def stop(self) -> None:
        """End all processes."""
        deployed, self._deployed = self._deployed, {}
        for one in deployed.values():
            await one.stack.aclose()
        await self._stack.aclose()
        self._outbound_port = 0

    async def deploy(self, script: Document) -> None:
        """Run a script in place of the version before. Raises ApiError where the runtime does not take it."""
        await self._listen()
        async with AsyncExitStack() as stack:
            runtime = await self._started(script, stack)
            old = self._deployed.pop(script["script_name"], None)
            self._deployed[script["script_name"]] = _Deployed(runtime, stack.pop_all())
        if old is not None:
            await old.stack.aclose()

    async def remove(self, name: str) -> None:
        """End a script's process."""
        found = self._deployed.pop(name, None)
        if found is not None:
            await found.stack.aclose()

    def port(self, name: str) -> int | None:
        """Where a script listens, or None while it does not run."""
        found = self._deployed.get(name)
        return found.runtime.port if found else None

    async def _listen(self) -> None:
        if not self._outbound_port:
            runner, self._outbound_port = await serve_api(self.outbound.application(), cancellation=True)
            self._stack.push_async_callback(runner.cleanup)

    async def _started(self, script: Document, stack: AsyncExitStack) -> Runtime:
        bundle, manifest = _bundle(script), (script.get("assets") or {}).get("manifest") or {}
        port = 0
        if bundle.assets_binding:
            runner, port = await serve_api(self.assets.application(manifest))
            stack.push_async_callback(runner.cleanup)
        version = hashlib.sha256(json.dumps(script, sort_keys=True).encode()).hexdigest()[:12]
        runtime = Runtime(self._folder / f"{script['script_name']}-{version}", bundle, self._outbound_port, port)
        try:
            await runtime.start()
        except (ScriptRefused, WorkerdMissing) as error:
            raise ApiError(400, 10021, str(error)) from error
        stack.push_async_callback(runtime.stop)
        _log.info("worker %s listens on port %d", script["script_name"], runtime.port)
        return runtime


def _bundle(script: Mapping[str, Any]) -> Bundle:
    values = {one["name"]: one.get("text") for one in script["bindings"] if one["type"] == "plain_text"}
    parsed = {one["name"]: _value(one.get("json")) for one in script["bindings"] if one["type"] == "json"}
    assets = next((str(one["name"]) for one in script["bindings"] if one["type"] == "assets"), "")
    return Bundle(
        str(script["content"]),
        str(script["compatibility_date"]),
        str(script["main_module"]),
        {**values, **parsed},
        assets,
    )


def _value(given: Any) -> Any:
    """The API takes JSON as it is, the provider as a text."""
    return json.loads(given) if isinstance(given, str) else given
