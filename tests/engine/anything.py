"""Resource providers that take whatever they are given, and write down what is applied."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.provider.resource_type import ResourceType
from sandbox.provider.server import ProviderServer


class _Anything(ResourceType):
    def __init__(self, applied):
        self.applied = applied

    async def create(self, inputs):
        self.applied.append(f"create {inputs}")
        return "made", inputs

    async def read(self, identifier):
        return {}

    async def update(self, identifier, old, new):
        self.applied.append(f"update {new}")
        return new

    async def delete(self, identifier):
        self.applied.append(f"delete {identifier}")


class _EveryToken(dict):
    """One type under whatever token."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def __contains__(self, token):
        return True

    def __getitem__(self, token):
        return self.kind


async def _serve(package, applied):
    servicer = ProviderServer(package, [], {})
    servicer._types = _EveryToken(_Anything(applied))
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


@contextmanager
def providers(packages: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Where the engine finds them (``PULUMI_DEBUG_PROVIDERS``), and what was applied so far."""
    applied: list[str] = []
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    servers = {package: run(_serve(package, applied)) for package in sorted(set(packages))}
    try:
        yield ",".join(f"{package}:{port}" for package, (_, port) in servers.items()), applied
    finally:
        for server, _ in servers.values():
            run(server.stop(None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
