"""A Pulumi provider that accepts every resource and does nothing: what the engine itself takes for a resource.

Prints its port; serves until it is ended. Protocol:
https://github.com/pulumi/pulumi/blob/v3.250.0/proto/pulumi/provider.proto
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc


class Accepting(provider_pb2_grpc.ResourceProviderServicer):
    """Says yes to everything; a resource's id is its name."""

    async def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        """Nothing to agree on."""
        return provider_pb2.ProviderHandshakeResponse()

    async def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        """The engine says its address; nothing is asked of it."""
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """Say a version."""
        return plugin_pb2.PluginInfo(version="1.0.0")

    async def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Take any configuration."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Nothing differs."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Nothing to set."""
        return provider_pb2.ConfigureResponse()

    async def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Take any inputs."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Nothing differs."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """It is there."""
        return provider_pb2.CreateResponse(id=request.urn.rsplit("::", 1)[-1], properties=request.properties)

    async def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        """It is gone."""
        return empty_pb2.Empty()

    async def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Nothing runs."""
        return empty_pb2.Empty()


async def main() -> None:
    """Serve until the process is ended."""
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Accepting(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
