"""One ``workerd`` process with one Worker.

Configuration: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.cloudflare.workers.installing import workerd

#: Real seconds until the process must listen, and until it must have ended.
_START, _END = 20.0, 5.0
#: Says whether a request is one for https, on its way into the script and out of it.
PROTOCOL = "X-Forwarded-Proto"
#: Ends the runtime when whoever started it is gone, even by kill -9: standard input closes then.
_GUARD = '"$0" "$@" </dev/null & child=$!; cat >/dev/null; kill "$child" 2>/dev/null; wait "$child"'


class ScriptRefused(Exception):
    """The runtime does not take the script; its own words."""


@dataclass(frozen=True)
class Bundle:
    """A script and what it is given."""

    source: str
    compatibility_date: str
    main_module: str = "worker.js"
    bindings: Mapping[str, Any] = field(default_factory=dict)
    """Name → JSON value."""
    assets_binding: str = ""
    """Name under which the script finds its assets; empty where it has none."""


class Runtime:
    """Serves a bundle on a loopback port from ``start`` to ``stop``.

    ``outbound`` is the port of a server that gets every request the script makes, on plain HTTP, with the Host that was
    meant; ``assets`` the port of a server for its assets.
    """

    def __init__(self, folder: Path, bundle: Bundle, outbound: int, assets: int = 0) -> None:
        self._folder = folder
        self._bundle = bundle
        self._outbound = outbound
        self._assets = assets
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self) -> None:
        """Start the process and wait until it listens. Raises ScriptRefused and WorkerdMissing."""
        binary = await asyncio.to_thread(workerd)
        self._write()
        reading, writing = os.pipe()
        try:
            with (self._folder / "workerd.log").open("wb") as log:
                command = [str(binary), "serve", "worker.capnp", f"--control-fd={writing}"]
                self._process = await asyncio.create_subprocess_exec(
                    *("/bin/sh", "-c", _GUARD, *command),
                    cwd=self._folder,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    pass_fds=[writing],
                    start_new_session=True,
                )
        finally:
            os.close(writing)
        self.port = await self._reported_port(reading)

    async def stop(self) -> None:
        """End the process; requests under way are cut."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END):
                await process.wait()
                return
        process.kill()
        await process.wait()

    @property
    def guard_pid(self) -> int:
        """Process that holds the runtime; its only other child is ``cat``."""
        return self._process.pid if self._process else 0

    def _write(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / self._bundle.main_module).write_text(self._bundle.source, "utf-8")
        (self._folder / "worker.capnp").write_text(configuration(self._bundle, self._outbound, self._assets), "utf-8")

    async def _reported_port(self, reading: int) -> int:
        """What workerd writes to its control descriptor once it listens; nothing if it ends before."""
        reader = asyncio.StreamReader()
        with os.fdopen(reading, "rb") as stream:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stream)
            line = b""
            with suppress(TimeoutError):
                async with asyncio.timeout(_START):
                    line = await reader.readline()
            transport.close()
        if line:
            return int(json.loads(line)["port"])
        await self.stop()
        said = (self._folder / "workerd.log").read_text("utf-8", "replace").strip()
        raise ScriptRefused(said[-1000:] or "workerd ended without a word")


def configuration(bundle: Bundle, outbound: int, assets: int) -> str:
    """The process's configuration: a Worker that reaches the outbound proxy and its assets, and nothing else."""
    bindings = [f"(name = {_text(name)}, json = {_text(json.dumps(value))})" for name, value in bundle.bindings.items()]
    services = ['(name = "main", worker = .main)', _service("outbound", outbound)]
    if bundle.assets_binding:
        bindings.append(f'(name = {_text(bundle.assets_binding)}, service = "assets")')
        services.append(_service("assets", assets))
    return f"""using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [{", ".join(services)}],
  sockets = [(
    name = "http", address = "127.0.0.1:0", http = (forwardedProtoHeader = "{PROTOCOL}"), service = "main"
  )]
);
const main :Workerd.Worker = (
  modules = [(name = {_text(bundle.main_module)}, esModule = embed {_text(bundle.main_module)})],
  compatibilityDate = {_text(bundle.compatibility_date)},
  bindings = [{", ".join(bindings)}],
  globalOutbound = "outbound"
);
"""


def _service(name: str, port: int) -> str:
    http = f'(style = host, forwardedProtoHeader = "{PROTOCOL}")'
    return f'(name = "{name}", external = (address = "127.0.0.1:{port}", http = {http}))'


def _text(value: str) -> str:
    """A text as Cap'n Proto writes it; JSON's escapes are its own, but for those of non-ASCII."""
    return json.dumps(value, ensure_ascii=False)
