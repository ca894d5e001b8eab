"""gRPC server that stands in for one Pulumi resource provider.

Protocol: https://github.com/pulumi/pulumi/blob/v3.250.0/proto/pulumi/provider.proto. The engine attaches to it by
``PULUMI_DEBUG_PROVIDERS=package:port``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.provider.changes import Kind, deep_changes, top_level
from sandbox.provider.resource_type import UNKNOWN, Inputs, Invoke, Outputs, Refused, ResourceType
from sandbox.provider.wire import to_struct, to_values

_log = logging.getLogger(__name__)
#: A site's manifest travels in one message; the engine itself allows 400 MB
#: (https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/util/rpcutil/serve.go).
_MAX_MESSAGE = 400 * 1024 * 1024
CHANNEL_OPTIONS = [("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.max_send_message_length", _MAX_MESSAGE)]
#: Packages whose SDK is not called ``pulumi-PACKAGE`` on the package index.
_DISTRIBUTIONS = {"vercel": "pulumiverse-vercel"}
Answer = TypeVar("Answer")


def _unheard(package: str, what: str) -> None:
    del package, what


@dataclass
class Watched:
    """What others learn of a server's work."""

    carried_out: Callable[[str, str], None] = field(default=_unheard)
    """Told of each resource that was made, changed or deleted, before the engine is."""
    made: dict[str, set[str]] = field(default_factory=dict)
    """Type → ids of the resources that were made and not deleted since."""


class Unsupported(Exception):
    """The sandbox has no stand-in for what was asked."""


def _rpc(
    method: Callable[[ProviderServer, Any], Awaitable[Answer]],
) -> Callable[[ProviderServer, Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Answer]]:
    """Serve a method: what it raises reaches the engine as a status with words a user can act on."""

    @wraps(method)
    async def served(self: ProviderServer, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Answer:
        try:
            return await method(self, request)
        except Unsupported as error:
            status, text = grpc.StatusCode.UNIMPLEMENTED, str(error)
        except Refused as error:
            status, text = grpc.StatusCode.FAILED_PRECONDITION, str(error)
        except Exception as error:  # noqa: BLE001  # any defect of a stand-in must end the call with a clear status
            subject = getattr(request, "urn", "") or getattr(request, "tok", "")
            _log.exception("%s of %s failed", method.__name__, subject)
            status = grpc.StatusCode.INTERNAL
            text = f"the sandbox itself failed at {method.__name__} ({type(error).__name__}); its log says where"
        await context.abort(status, text)
        raise AssertionError("abort raises")

    return served


class ProviderServer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves the resource types of one package; refuses what it does not know by name."""

    def __init__(
        self, package: str, types: Sequence[ResourceType], invokes: Mapping[str, Invoke], watched: Watched | None = None
    ) -> None:
        self.package = package
        self._types = {kind.token: kind for kind in types}
        self._invokes = invokes
        self._watched = watched or Watched()

    def _type(self, urn: str) -> ResourceType:
        token = urn.split("::", 3)[2].rsplit("$", 1)[-1]
        if token not in self._types:
            known = ", ".join(sorted(self._types)) or "none"
            raise Unsupported(f"the sandbox has no stand-in for the resource type {token}; it has: {known}")
        return self._types[token]

    @_rpc
    async def Handshake(self, request: Any) -> provider_pb2.ProviderHandshakeResponse:
        """Agree on what both sides can do; the same as in Configure."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    @_rpc
    async def Attach(self, request: Any) -> empty_pb2.Empty:
        """The engine says where it is; the stand-in needs nothing of it."""
        return empty_pb2.Empty()

    @_rpc
    async def GetPluginInfo(self, request: Any) -> plugin_pb2.PluginInfo:
        """Say the version that the installed SDK asks for: the engine warns of any other."""
        try:
            found = version(_DISTRIBUTIONS.get(self.package, f"pulumi-{self.package}"))
        except PackageNotFoundError:
            found = "0.0.0"
        return plugin_pb2.PluginInfo(version=found)

    @_rpc
    async def CheckConfig(self, request: Any) -> provider_pb2.CheckResponse:
        """Take any configuration."""
        return provider_pb2.CheckResponse(inputs=request.news)

    @_rpc
    async def DiffConfig(self, request: Any) -> provider_pb2.DiffResponse:
        """Configuration never replaces resources here."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    @_rpc
    async def Configure(self, request: Any) -> provider_pb2.ConfigureResponse:
        """Previews and secrets are understood."""
        return provider_pb2.ConfigureResponse(supportsPreview=True, acceptSecrets=True)

    @_rpc
    async def Check(self, request: Any) -> provider_pb2.CheckResponse:
        """Fill in defaults and name every input that the real provider refuses."""
        kind = self._type(request.urn)
        name = request.urn.split("::", 3)[3]
        inputs = kind.defaults(name, to_values(request.news), to_values(request.olds))
        failures = [provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in kind.check(inputs)]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs, request.news), failures=failures)

    @_rpc
    async def Diff(self, request: Any) -> provider_pb2.DiffResponse:
        """Compare old and new inputs, path by path."""
        kind = self._type(request.urn)
        old, new = to_values(request.old_inputs), to_values(request.news)
        found = deep_changes(old, new)
        changed = sorted({top_level(path) for path in found})
        replaces = [key for key in changed if key in kind.replaced_by]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=replaces,
            diffs=changed,
            detailedDiff={path: _property_diff(change, top_level(path) in replaces) for path, change in found.items()},
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces) and _keeps_own_name(kind, request.urn, old, new),
        )

    @_rpc
    async def Create(self, request: Any) -> provider_pb2.CreateResponse:
        """Make a resource; at preview answer no id, and what will be computed as unknown."""
        kind = self._type(request.urn)
        inputs = to_values(request.properties)
        if request.preview:
            outputs: Outputs = {**dict.fromkeys(kind.computed, UNKNOWN), **_given(inputs)}
            return provider_pb2.CreateResponse(properties=to_struct(outputs, request.properties, secrets=kind.secrets))
        identifier, outputs = await kind.create(inputs)
        self._watched.made.setdefault(kind.token, set()).add(identifier)
        self._watched.carried_out(self.package, f"makes {kind.token}")
        properties = to_struct(outputs, request.properties, secrets=kind.secrets)
        return provider_pb2.CreateResponse(id=identifier, properties=properties)

    @_rpc
    async def Read(self, request: Any) -> provider_pb2.ReadResponse:
        """Look at a resource: for a refresh (inputs given) or an import by id (none given)."""
        kind = self._type(request.urn)
        outputs = await kind.read(request.id)
        if outputs is None:
            return provider_pb2.ReadResponse()
        inputs = _read_inputs(kind, to_values(request.inputs), to_values(request.properties), outputs)
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=to_struct(outputs, request.properties, request.inputs, secrets=kind.secrets),
            inputs=to_struct(inputs, request.inputs),
        )

    @_rpc
    async def Update(self, request: Any) -> provider_pb2.UpdateResponse:
        """Change a resource in place."""
        kind = self._type(request.urn)
        old, news = to_values(request.olds), to_values(request.news)
        if request.preview:
            # An input that the program takes away goes from the outputs too, unless the provider computes it.
            gone = set(to_values(request.old_inputs)) - set(news) - kind.computed
            kept = {key: value for key, value in old.items() if key not in gone}
            outputs: Outputs = {**kept, **_given(news)}
        else:
            outputs = await kind.update(request.id, old, news)
            self._watched.carried_out(self.package, f"changes {kind.token}")
        return provider_pb2.UpdateResponse(properties=to_struct(outputs, request.news, secrets=kind.secrets))

    @_rpc
    async def Delete(self, request: Any) -> empty_pb2.Empty:
        """Take a resource away."""
        kind = self._type(request.urn)
        await kind.delete(request.id)
        self._watched.made.get(kind.token, set()).discard(request.id)
        self._watched.carried_out(self.package, f"deletes {kind.token}")
        return empty_pb2.Empty()

    @_rpc
    async def Invoke(self, request: Any) -> provider_pb2.InvokeResponse:
        """Call a function of the package."""
        function = self._invokes.get(request.tok)
        if function is None:
            known = ", ".join(sorted(self._invokes)) or "none"
            raise Unsupported(f"the sandbox has no stand-in for the function {request.tok}; it has: {known}")
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(to_struct(await function(to_values(request.args))))
        return answer

    @_rpc
    async def Cancel(self, request: Any) -> empty_pb2.Empty:
        """Every operation is short; nothing to cancel."""
        return empty_pb2.Empty()


def _given(inputs: Inputs) -> Inputs:
    return {key: value for key, value in inputs.items() if value is not None}


def _property_diff(change: Kind, replaces: bool) -> provider_pb2.PropertyDiff:
    name = change.upper() + ("_REPLACE" if replaces else "")
    return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(name), inputDiff=True)


def _keeps_own_name(kind: ResourceType, urn: str, old: Inputs, new: Inputs) -> bool:
    """Whether a replacement would bear the same name: one given by the program; an automatic one is made anew."""
    if kind.named is None or old.get(kind.named) != new.get(kind.named):
        return False
    stem, _, suffix = str(new.get(kind.named)).rpartition("-")
    automatic = stem and urn.split("::", 3)[3].startswith(stem) and re.fullmatch(r"[0-9a-f]{7}", suffix)
    return not automatic


def _read_inputs(kind: ResourceType, inputs: Inputs, state: Outputs, found: Outputs) -> Inputs:
    """Inputs after a read: those of the program, with what somebody changed behind it; all of them for an import."""
    if not inputs:
        return {key: value for key, value in found.items() if key not in kind.computed}
    return {key: found.get(key) if found.get(key) != state.get(key) else value for key, value in inputs.items()}


async def start(
    package: str, types: Sequence[ResourceType], invokes: Mapping[str, Invoke], watched: Watched | None = None
) -> tuple[grpc.aio.Server, int]:
    """Serve one package on a free loopback port; returns the server and the port."""
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    servicer = ProviderServer(package, types, invokes, watched)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    _log.info("stand-in provider %s with %d resource types on port %d", package, len(types), port)
    return server, port
