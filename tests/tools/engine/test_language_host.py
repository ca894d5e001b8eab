from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from tools.engine import language_host

FOLDER = Path(language_host.__file__).parent
EXEC = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "config": os.environ["PULUMI_CONFIG"],
    "secret": os.environ["PULUMI_CONFIG_SECRET_KEYS"], "folder": os.getcwd(), "python": sys.executable,
    "environment": os.environ["VIRTUAL_ENV"]}), file=open(os.environ["SEEN"], "w"))
sys.exit(int(os.environ["CODE"]))
"""


class Host:
    """The language host as the engine starts it: by its launcher, in a process group of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        shutil.copy(FOLDER / "language_host.py", folder)
        shutil.copy(FOLDER / "pulumi-language-python", folder)
        (folder / "pulumi-language-python-exec").write_text(EXEC)
        given = {**os.environ, "PEACEFULROBOT_PYTHON": sys.executable, **environment}
        self.process = subprocess.Popen(
            [folder / "pulumi-language-python", "127.0.0.1:4711"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=given,
            process_group=0,
        )
        self.port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.stub = language_pb2_grpc.LanguageRuntimeStub(self.channel)

    def close(self) -> tuple[bytes, bytes]:
        self.channel.close()
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=10)


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path, SEEN=str(tmp_path / "seen"), CODE="0")
    yield made
    made.close()


def info(folder, **options):
    given = struct_pb2.Struct()
    given.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point=".", options=given
    )


def run_request(folder, **extra):
    return language_pb2.RunRequest(
        info=info(folder),
        project="p",
        stack="s",
        pwd=str(folder),
        parallel=8,
        monitor_address="127.0.0.1:1",
        config={"p:key": "value"},
        configSecretKeys=["p:key"],
        organization="o",
        **extra,
    )


def plugin(folder, code, **extra):
    (folder / "plugin").mkdir(exist_ok=True)
    (folder / "plugin/__main__.py").write_text(code)
    return language_pb2.RunPluginRequest(info=info(folder / "plugin"), pwd=str(folder), kind="resource", **extra)


def test_a_program_gets_the_engines_addresses_and_its_settings(host, tmp_path):
    answer = host.stub.Run(run_request(tmp_path, dryRun=True))
    seen = json.loads((tmp_path / "seen").read_text())
    assert (answer.error, answer.bail) == ("", False)
    given = seen["arguments"]
    options = dict(zip(given[:-1:2], given[1:-1:2], strict=True))
    assert options == {
        "--monitor": "127.0.0.1:1",
        "--engine": "127.0.0.1:4711",
        "--project": "p",
        "--stack": "s",
        "--root_directory": str(tmp_path),
        "--pwd": str(tmp_path),
        "--parallel": "8",
        "--organization": "o",
        "--dry_run": "true",
    }
    assert given[-1] == str(tmp_path)
    assert json.loads(seen["config"]) == {"p:key": "value"}
    assert json.loads(seen["secret"]) == ["p:key"]


def test_a_program_runs_without_dry_run_unless_it_is_a_preview(host, tmp_path):
    host.stub.Run(run_request(tmp_path))
    assert "--dry_run" not in json.loads((tmp_path / "seen").read_text())["arguments"]


@pytest.mark.parametrize(("code", "error", "bail"), [("1", "exit code 1", False), ("32", "", True)])
def test_an_error_that_was_shown_already_is_not_shown_again(tmp_path, code, error, bail):
    host = Host(tmp_path, SEEN=str(tmp_path / "seen"), CODE=code)
    answer = host.stub.Run(run_request(tmp_path))
    host.close()
    assert error in answer.error
    assert answer.bail is bail


def test_a_program_runs_with_the_virtual_environment_of_its_options(host, tmp_path):
    (tmp_path / "venv/bin").mkdir(parents=True)
    python = tmp_path / "venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    request = run_request(tmp_path)
    request.info.options.update({"virtualenv": "venv"})
    host.stub.Run(request)
    assert json.loads((tmp_path / "seen").read_text())["environment"] == str(tmp_path / "venv")


def test_a_missing_virtual_environment_is_an_error_with_its_path_and_what_to_do(host, tmp_path):
    request = run_request(tmp_path)
    request.info.options.update({"virtualenv": "nowhere"})
    answer = host.stub.Run(request)
    assert f"{tmp_path}/nowhere/bin/python does not exist" in answer.error
    assert "make" in answer.error
    with pytest.raises(grpc.RpcError, match="nowhere"):
        list(host.stub.RunPlugin(language_pb2.RunPluginRequest(info=request.info, pwd=str(tmp_path))))


def test_a_plugin_streams_what_it_prints_and_then_its_exit_code(host, tmp_path):
    code = "import os, sys; print(sys.argv[1:], os.environ['X']); print('trouble', file=sys.stderr); sys.exit(3)"
    messages = list(host.stub.RunPlugin(plugin(tmp_path, code, args=["127.0.0.1:9"], env=["X=a=b"])))
    assert b"".join(message.stdout for message in messages) == b"['127.0.0.1:9'] a=b\n"
    assert b"".join(message.stderr for message in messages) == b"trouble\n"
    assert messages[-1].WhichOneof("output") == "exitcode"
    assert messages[-1].exitcode == 3


def test_a_policy_pack_is_run_by_the_sdk_with_the_engines_address_and_its_folder():
    request = language_pb2.RunPluginRequest(
        kind="analyzer", args=["127.0.0.1:9"], info=language_pb2.ProgramInfo(program_directory="/pack")
    )
    expected = ["/python", "-u", "-m", "pulumi.policy", "127.0.0.1:9", "/pack"]
    assert language_host.plugin_command(request, "/python") == expected


def is_gone(path: Path) -> bool:
    stat = Path("/proc", path.read_text(), "stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def wait_until(condition):
    for _ in range(1000):
        if condition():
            return True
        signal.sigtimedwait([], 0.01)
    return False


SLEEPING = "import os, pathlib, time; pathlib.Path({path!r}).write_text(str(os.getpid())); print('up'); time.sleep(60)"


def test_a_plugin_ends_when_the_engine_cancels_its_call(host, tmp_path):
    pid = tmp_path / "pid"
    call = host.stub.RunPlugin(plugin(tmp_path, SLEEPING.format(path=str(pid))))
    next(call)
    call.cancel()
    assert wait_until(lambda: is_gone(pid))


def test_a_request_to_stop_leaves_a_plugin_to_finish_what_it_does(host, tmp_path):
    pid = tmp_path / "pid"
    call = host.stub.RunPlugin(plugin(tmp_path, SLEEPING.format(path=str(pid))))
    next(call)
    host.stub.Cancel(empty_pb2.Empty())
    assert not is_gone(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_exits_quietly_when_interrupted_and_takes_its_plugins_along(tmp_path, number):
    host = Host(tmp_path, SEEN="", CODE="0")
    pid = tmp_path / "pid"
    call = host.stub.RunPlugin(plugin(tmp_path, SLEEPING.format(path=str(pid))))
    next(call)
    host.process.send_signal(number)
    assert host.process.communicate(timeout=10) == (b"", b"")
    assert host.process.returncode == 0
    assert wait_until(lambda: is_gone(pid))
    host.channel.close()


def test_it_ends_with_its_plugins_when_the_engine_is_killed(tmp_path):
    shutil.copy(FOLDER / "language_host.py", tmp_path)
    pid = tmp_path / "pid"
    request = plugin(tmp_path, SLEEPING.format(path=str(pid)))
    engine = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], process_group=0); time.sleep(60)"
    command = [sys.executable, "-c", engine, sys.executable, str(tmp_path / "language_host.py"), "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        channel = grpc.insecure_channel(f"127.0.0.1:{int(parent.stdout.readline())}")
        next(language_pb2_grpc.LanguageRuntimeStub(channel).RunPlugin(request))
        parent.kill()
    assert wait_until(lambda: is_gone(pid))
    channel.close()


def test_it_tells_the_engine_about_itself(host, tmp_path):
    assert host.stub.GetPluginInfo(empty_pb2.Empty()).version == language_host.VERSION
    host.stub.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:4711"))
    assert list(host.stub.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest()).packages) == []
    assert list(host.stub.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest()).plugins) == []
    assert host.stub.About(language_pb2.AboutRequest()).executable == sys.executable
    asked = language_pb2.GetProgramDependenciesRequest(info=info(tmp_path))
    found = {entry.name: entry.version for entry in host.stub.GetProgramDependencies(asked).dependencies}
    assert found["pulumi"] == language_host.VERSION


def test_what_it_does_not_do_is_answered_as_unimplemented(host):
    with pytest.raises(grpc.RpcError) as error:
        host.stub.GeneratePackage(language_pb2.GeneratePackageRequest())
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["127.0.0.1:1"], "127.0.0.1:1"),
        (["-v=9", "--logtostderr", "127.0.0.1:1"], "127.0.0.1:1"),
        (["--tracing", "http://127.0.0.1:9", "127.0.0.1:1"], "127.0.0.1:1"),
        ([], ""),
    ],
)
def test_the_engines_address_is_found_among_its_options(arguments, address):
    assert language_host.engine_address(arguments) == address


def test_the_launcher_says_what_to_do_when_there_is_no_python(tmp_path):
    done = subprocess.run(
        [FOLDER / "pulumi-language-python", "127.0.0.1:1"],
        env={"PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "PEACEFULROBOT_PYTHON" in done.stderr
