"""The plugin's gRPC side: turns the engine's requests into calls of handlers.

The SDK's experimental provider server is not used because its ``diff`` does not pass the old inputs on, and the
manifest stands in the inputs alone.
Protocol: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Collection
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from publisher.errors import PublisherError
from publisher.progress import Log
from publisher.resources import handlers
from publisher.resources.handler import Handler, Request, Values
from publisher.session import Session

VERSION = "0.1.0"
_MAX_MESSAGE = 400 * 1024 * 1024
_CHANNEL_OPTIONS = [("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.max_send_message_length", _MAX_MESSAGE)]
_KINDS = {
    "add": provider_pb2.PropertyDiff.ADD,
    "delete": provider_pb2.PropertyDiff.DELETE,
    "update": provider_pb2.PropertyDiff.UPDATE,
}
#: How a secret is told from any other object.
#: https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/resource/sig/sig.go
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the signature of a secret, not one
T = TypeVar("T")


def to_values(struct: struct_pb2.Struct) -> Values:
    """Plain values of a gRPC struct."""
    return json_format.MessageToDict(struct)


def to_struct(values: Values, secrets: Collection[str] = ()) -> struct_pb2.Struct:
    """GRPC struct of plain values; those named in ``secrets`` are marked so that the engine encrypts them."""
    marked = {key: {_SIGNATURE: _SECRET, "value": value} if key in secrets else value for key, value in values.items()}
    struct = struct_pb2.Struct()
    json_format.ParseDict(marked, struct)
    return struct


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Serves the engine; a PublisherError becomes the resource's error text, anything else a bug with its trace."""

    def __init__(self, session: Session) -> None:
        self._handlers = handlers(session)

    async def _answer(self, context: grpc.aio.ServicerContext[Any, Any], work: Awaitable[T]) -> T:
        try:
            return await work
        except PublisherError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise AssertionError("abort raises") from error

    def _handler(self, urn: str) -> Handler:
        token = urn.split("::")[-2].rsplit("$", 1)[-1]
        try:
            return self._handlers[token]
        except KeyError:
            raise PublisherError(
                f"the publisher has no resource type {token}; known: {', '.join(self._handlers)}"
            ) from None

    async def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on what both sides can do."""
        return provider_pb2.ProviderHandshakeResponse()

    async def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """Say the version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    async def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """The plugin has no configuration of its own."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Nothing to compare."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Previews are supported; secrets never come here, credentials are read from the environment."""
        return provider_pb2.ConfigureResponse(supportsPreview=True, acceptSecrets=False)

    async def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Complete and check the inputs of a resource."""
        asked = Request(
            request.urn, _name(request.urn), inputs=to_values(request.news), old_inputs=to_values(request.olds)
        )
        inputs, failures = await self._answer(context, self._handler(request.urn).check(asked))
        return provider_pb2.CheckResponse(
            inputs=to_struct(inputs),
            failures=[provider_pb2.CheckFailure(property=found.key, reason=found.reason) for found in failures],
        )

    async def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare state and inputs, path by path."""
        asked = Request(
            request.urn,
            _name(request.urn),
            request.id,
            to_values(request.news),
            to_values(request.old_inputs),
            to_values(request.olds),
        )
        found = await self._answer(context, self._handler(request.urn).difference(asked))
        some = provider_pb2.DiffResponse.DIFF_SOME if found.changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            replaces=list(found.replaces),
            diffs=list(dict.fromkeys(path.split("[", 1)[0] for path in found.changed)),
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=_KINDS[kind], inputDiff=True)
                for path, kind in found.changed.items()
            },
            hasDetailedDiff=True,
        )

    async def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Make a resource."""
        asked = Request(request.urn, _name(request.urn), inputs=to_values(request.properties), preview=request.preview)
        handler = self._handler(request.urn)
        identifier, outputs = await self._answer(context, handler.create(asked))
        return provider_pb2.CreateResponse(id=identifier, properties=to_struct(outputs, handler.secrets))

    async def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Change a resource in place."""
        asked = Request(
            request.urn,
            _name(request.urn),
            request.id,
            to_values(request.news),
            to_values(request.old_inputs),
            to_values(request.olds),
            request.preview,
        )
        handler = self._handler(request.urn)
        outputs = await self._answer(context, handler.update(asked))
        return provider_pb2.UpdateResponse(properties=to_struct(outputs, handler.secrets))

    async def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        """Look at what there is now; an empty id says that it is gone."""
        asked = Request(
            request.urn,
            _name(request.urn),
            request.id,
            to_values(request.inputs),
            outputs=to_values(request.properties),
        )
        handler = self._handler(request.urn)
        outputs = await self._answer(context, handler.read(asked))
        if outputs is None:
            return provider_pb2.ReadResponse()
        inputs, properties = to_struct(handler.inputs_read(asked, outputs)), to_struct(outputs, handler.secrets)
        return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=inputs)

    async def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Take a resource away."""
        asked = Request(request.urn, _name(request.urn), request.id, outputs=to_values(request.properties))
        await self._answer(context, self._handler(request.urn).delete(asked))
        return empty_pb2.Empty()

    async def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Running work is finished by the engine's own wait; nothing to do."""
        return empty_pb2.Empty()


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def engine_log(address: str) -> Log:
    """Function that shows a message in the row of a resource; what cannot be shown is dropped."""
    engine = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS))

    async def log(urn: str, message: str, lasting: bool, *, warning: bool = False) -> None:
        severity = engine_pb2.WARNING if warning else engine_pb2.INFO
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=urn, ephemeral=not lasting)
        try:
            await engine.Log(request)
        except grpc.aio.AioRpcError:
            logging.getLogger(__name__).debug("the engine took no message")

    return log


async def serve(engine_address: str) -> None:
    """Serve until the engine is done; SIGINT and SIGTERM end it at once and quietly."""
    session = Session(log=engine_log(engine_address))
    server = grpc.aio.server(options=_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(session), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await server.stop(grace=None)
    await session.close()
