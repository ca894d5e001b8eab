"""The Python language host of the Pulumi engine: starts Python programs, local plugins and policy packs.

The engine starts ``pulumi-language-python`` with its own address, reads a port from the first line printed, and then
calls ``pulumirpc.LanguageRuntime`` there. Releases of Pulumi bring their own host; a Pulumi built from Go modules has
none, because the host's module is not served by the Go module proxy. This one covers what running needs; code
generation is answered with UNIMPLEMENTED.

Protocol: https://github.com/pulumi/pulumi/blob/v3.250.0/proto/pulumi/language.proto

The file is copied beside the engine, outside any checkout: it may import the Pulumi SDK and nothing else of here.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio
from google.protobuf import empty_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
else:

    def _stub(name: str) -> Any:
        """A gRPC stub module of the SDK, without importing the SDK itself (0.2 s instead of 0.9 s at every start)."""
        if "pulumi_stubs" not in sys.modules:
            sdk = importlib.util.find_spec("pulumi")
            if sdk is None:
                sys.exit(f"{sys.executable} has no Pulumi SDK: create the virtual environment with `make`, run again")
            spec = importlib.util.spec_from_loader("pulumi_stubs", loader=None, is_package=True)
            package = importlib.util.module_from_spec(spec)
            package.__path__ = [f"{folder}/runtime/proto" for folder in sdk.submodule_search_locations]
            sys.modules["pulumi_stubs"] = package
        return import_module(f"pulumi_stubs.{name}")

    language_pb2 = _stub("language_pb2")
    language_pb2_grpc = _stub("language_pb2_grpc")
    plugin_pb2 = _stub("plugin_pb2")

VERSION = "3.250.0"
EXEC = Path(__file__).resolve().parent / "pulumi-language-python-exec"
SHOWN_TO_USER = 32
"""Exit code of the exec script when the program's error has been shown already."""
MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes of one gRPC message; the engine uses the same limit."""
PACKAGES_QUERY = (
    "import importlib.metadata as m, json;"
    "print(json.dumps(sorted({(d.metadata['Name'], d.version) for d in m.distributions()})))"
)


class EnvironmentMissing(Exception):
    """The virtual environment that a project's ``runtime.options`` name is not there."""


class Children:
    """What this host started. Each child leads a process group, so that its own children end with it."""

    def __init__(self) -> None:
        self._running: set[Process] = set()

    async def start(
        self, command: Sequence[str], *, cwd: str, environment: Mapping[str, str], piped: bool = False
    ) -> Process:
        """Start ``command``; ``piped`` keeps its output apart from the host's own."""
        stream = PIPE if piped else None
        child = await asyncio.create_subprocess_exec(
            *command, cwd=cwd or None, env=environment, stdout=stream, stderr=stream, process_group=0
        )
        self._running.add(child)
        return child

    async def wait(self, child: Process) -> int:
        """Exit code of ``child``; when the caller is cancelled meanwhile, the child is ended."""
        try:
            return await child.wait()
        finally:
            self.end(child)

    def end(self, child: Process) -> None:
        """End ``child`` and its group if it still runs."""
        self._running.discard(child)
        if child.returncode is None:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def end_all(self) -> None:
        """End everything that still runs."""
        for child in tuple(self._running):
            self.end(child)


def interpreter(info: language_pb2.ProgramInfo) -> str:
    """Path of the Python that runs a program: the ``virtualenv`` of its options, else the one of this host."""
    virtualenv = dict(info.options).get("virtualenv")
    if not virtualenv:
        return sys.executable
    python = Path(info.root_directory, str(virtualenv), "bin", "python")
    if not python.exists():
        raise EnvironmentMissing(
            f"{python} does not exist: the runtime option `virtualenv` names a virtual environment that was not "
            "created; run `make` in the checkout, it creates it"
        )
    return str(python)


def environment(python: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Environment of a child: that of the host, with ``python``'s virtual environment activated."""
    result = {**os.environ, **extra}
    folder = Path(python).parent
    result["PATH"] = f"{folder}{os.pathsep}{result.get('PATH', '')}"
    result["VIRTUAL_ENV"] = str(folder.parent)
    result.pop("PYTHONHOME", None)
    return result


def program_command(request: language_pb2.RunRequest, python: str, engine: str) -> list[str]:
    """Command that runs the program of ``request`` against the engine's resource monitor."""
    options = {
        "--monitor": request.monitor_address,
        "--engine": engine,
        "--project": request.project,
        "--stack": request.stack,
        "--root_directory": request.info.root_directory,
        "--pwd": request.pwd,
        "--parallel": str(request.parallel),
        "--organization": request.organization,
        "--dry_run": "true" if request.dryRun else "",
    }
    given = [part for option, value in options.items() if value for part in (option, value)]
    program = os.path.normpath(Path(request.info.program_directory, request.info.entry_point))
    return [python, "-u", str(EXEC), *given, program, *request.args]


def plugin_command(request: language_pb2.RunPluginRequest, python: str) -> list[str]:
    """Command that runs a policy pack (by the SDK's own runner) or a local plugin."""
    if request.kind == "analyzer":
        return [python, "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]
    return [python, "-u", request.info.program_directory, *request.args]


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves the engine at ``engine`` (host:port)."""

    def __init__(self, engine: str, children: Children) -> None:
        self.engine = engine
        self.children = children

    async def Handshake(self, request: language_pb2.LanguageHandshakeRequest, context: Any) -> Any:
        """Learn the engine's address when it was not given as an argument."""
        self.engine = request.engine_address or self.engine
        return language_pb2.LanguageHandshakeResponse()

    async def GetPluginInfo(self, request: empty_pb2.Empty, context: Any) -> Any:
        """Version of the host; it goes with the engine's."""
        return plugin_pb2.PluginInfo(version=VERSION)

    async def GetRequiredPackages(self, request: language_pb2.GetRequiredPackagesRequest, context: Any) -> Any:
        """Nothing in advance: the engine gets a provider when the program first uses it.

        Naming all installed SDKs here would make it fetch providers of platforms that a stack does not use.
        """
        return language_pb2.GetRequiredPackagesResponse()

    async def GetRequiredPlugins(self, request: language_pb2.GetRequiredPluginsRequest, context: Any) -> Any:
        """The same for engines that ask the older question."""
        return language_pb2.GetRequiredPluginsResponse()

    async def About(self, request: language_pb2.AboutRequest, context: Any) -> Any:
        """Interpreter and version, for ``pulumi about``."""
        version = ".".join(map(str, sys.version_info[:3]))
        return language_pb2.AboutResponse(executable=sys.executable, version=version)

    async def GetProgramDependencies(self, request: language_pb2.GetProgramDependenciesRequest, context: Any) -> Any:
        """Packages installed for the program; the engine asks for transitive ones or not, they are not told apart."""
        python = await self._interpreter(request.info, context)
        child = await self.children.start(
            [python, "-c", PACKAGES_QUERY], cwd="", environment=environment(python, {}), piped=True
        )
        output, _ = await child.communicate()
        if await self.children.wait(child) != 0:
            await context.abort(grpc.StatusCode.INTERNAL, f"{python} could not list its packages")
        found = [language_pb2.DependencyInfo(name=name, version=version) for name, version in json.loads(output)]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    async def Cancel(self, request: empty_pb2.Empty, context: Any) -> empty_pb2.Empty:
        """Nothing: the engine calls it at the first request to stop, and what is under way shall end in good order.

        The plugins are children of this host; the engine ends them itself when their last operation is over.
        """
        return empty_pb2.Empty()

    async def Run(self, request: language_pb2.RunRequest, context: Any) -> Any:
        """Run the program to its end; what it prints reaches the engine through the host's own streams."""
        try:
            python = interpreter(request.info)
        except EnvironmentMissing as missing:
            return language_pb2.RunResponse(error=str(missing))
        config = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        command = program_command(request, python, self.engine)
        child = await self.children.start(command, cwd=request.pwd, environment=environment(python, config))
        code = await self.children.wait(child)
        if code == SHOWN_TO_USER:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error="" if code == 0 else f"the program ended with exit code {code}")

    async def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: Any
    ) -> AsyncIterator[language_pb2.RunPluginResponse]:
        """Run a plugin: its output as it comes, then its exit code; it ends when the call is cancelled."""
        python = await self._interpreter(request.info, context)
        extra = dict(entry.split("=", 1) for entry in request.env)
        child = await self.children.start(
            plugin_command(request, python), cwd=request.pwd, environment=environment(python, extra), piped=True
        )
        try:
            async for message in output_of(child):
                yield message
            yield language_pb2.RunPluginResponse(exitcode=await child.wait())
        finally:
            self.children.end(child)

    async def _interpreter(self, info: language_pb2.ProgramInfo, context: Any) -> str:
        try:
            return interpreter(info)
        except EnvironmentMissing as missing:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(missing))
            raise


async def output_of(child: Process) -> AsyncIterator[language_pb2.RunPluginResponse]:
    """What a piped child writes on both streams, in the order it is seen, until both are closed."""
    queue: asyncio.Queue[language_pb2.RunPluginResponse | None] = asyncio.Queue()

    async def pump(name: str, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and (data := await stream.read(65536)):
            message = language_pb2.RunPluginResponse()
            setattr(message, name, data)
            await queue.put(message)
        await queue.put(None)

    streams = {"stdout": child.stdout, "stderr": child.stderr}
    pumps = [asyncio.create_task(pump(name, stream)) for name, stream in streams.items()]
    try:
        for _ in pumps:
            while (message := await queue.get()) is not None:
                yield message
    finally:
        for task in pumps:
            task.cancel()


def end_with_parent(loop: asyncio.AbstractEventLoop, end: Any) -> None:
    """Call ``end`` when the engine is gone, also when it was killed and could say nothing.

    The engine puts its plugins into process groups of their own, so a signal to the engine's group misses them.
    """
    parent = os.getppid()
    try:
        watched = os.pidfd_open(parent)
    except ProcessLookupError:
        end()
        return
    loop.add_reader(watched, end)
    if os.getppid() != parent:
        end()


async def serve(engine: str) -> None:
    """Serve on a free port of the loopback interface until the engine sends SIGINT or is gone."""
    children = Children()

    def end() -> None:
        children.end_all()
        os._exit(0)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    limits = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]
    server = grpc.aio.server(options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine, children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    end_with_parent(loop, end)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


def engine_address(arguments: Sequence[str]) -> str:
    """The engine's address: the last argument that is no option and no option's value (``--tracing`` has one)."""
    addresses = [given for given in arguments if not given.startswith("-") and "://" not in given]
    return addresses[-1] if addresses else ""


if __name__ == "__main__":
    asyncio.run(serve(engine_address(sys.argv[1:])))
