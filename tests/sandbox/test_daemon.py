from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import grpc
import pytest
import requests
from botocore.config import Config
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.provider.wire import to_values
from tests.sandbox import tiny

ROOT = Path(__file__).resolve().parents[2]
AIOHTTP_CLIENT = """
import asyncio, sys, aiohttp

async def main():
    async with aiohttp.ClientSession(trust_env=True) as client, client.get(sys.argv[1]) as answer:
        sys.stdout.buffer.write(await answer.read())

asyncio.run(main())
"""
DIRECT = requests.Session()
DIRECT.trust_env = False


def start(state: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.sandbox.tiny", "--state", str(state), "--port", "0", *options]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


def described(state: Path, process: subprocess.Popen[bytes]) -> dict:
    """The content of sandbox.json once this process has written it."""
    while True:
        try:
            found = json.loads((state / "sandbox.json").read_text())
        except FileNotFoundError:
            found = {}
        if found.get("pid") == process.pid:
            return found
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.02)


@contextmanager
def sandbox(state: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], dict]]:
    process = start(state, *options)
    try:
        yield process, described(state, process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("sandbox") / "deep" / "world"


@pytest.fixture(scope="module")
def running(state):
    with sandbox(state, "--speed", "50") as (_, description):
        yield description


@pytest.fixture
def environment(running, monkeypatch):
    """The process's own environment is that of the engine in this sandbox."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in running["environment"].items():
        monkeypatch.setenv(name, value)
    return running["environment"]


def test_the_description_says_where_everything_is(running, state):
    assert running["speed"] == 50
    assert running["ca_file"] == str(state / "ca.pem")
    assert set(running["platforms"]) == {"tiny"}
    assert stat.S_IMODE((state / "sandbox.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    environment = running["environment"]
    assert environment["TINY_API_URL"].startswith("http://127.0.0.1:")
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1,localhost"
    assert environment["HTTPS_PROXY"] == environment["http_proxy"]
    assert environment["SSL_CERT_FILE"] == environment["AWS_CA_BUNDLE"] == str(state / "ca-bundle.pem")


def test_the_site_and_each_platform_answer_at_their_addresses(running):
    assert DIRECT.get(running["site_url"]).text.startswith("edge for 127.0.0.1")
    assert DIRECT.get(running["platforms"]["tiny"]["url"]).content == tiny.PAGE


def test_status_tells_what_is_served_where_and_how_well(running):
    assert DIRECT.get(running["control_url"] + "/status").json() == {
        "site_url": running["site_url"],
        "platforms": [
            {
                "name": "tiny",
                "state": "healthy",
                "edge_state": "healthy",
                "url": running["platforms"]["tiny"]["url"],
                "host_header": tiny.HOSTNAME,
                "live_release": "r0000000000000001",
                "files": 1,
            }
        ],
    }


def test_a_broken_platform_shows_as_broken_until_it_is_healed(running):
    faults, status = running["control_url"] + "/faults/tiny", running["control_url"] + "/status"
    assert DIRECT.post(faults, json={"kind": "down"}).status_code == 200
    assert DIRECT.get(status).json()["platforms"][0]["state"] == "broken"
    with pytest.raises(requests.ConnectionError):
        DIRECT.get(running["platforms"]["tiny"]["url"])
    assert DIRECT.delete(faults).status_code == 200
    assert DIRECT.get(status).json()["platforms"][0]["state"] == "healthy"
    assert DIRECT.get(running["platforms"]["tiny"]["url"]).content == tiny.PAGE


def test_the_edge_cannot_be_broken(running):
    assert DIRECT.post(running["control_url"] + "/faults/edge").status_code == 404


def test_requests_reaches_public_names_by_the_environment_alone(environment):
    assert requests.get(f"https://{tiny.HOSTNAME}/").content == tiny.PAGE
    assert requests.get("http://a.previews.tiny.example/").headers["X-Host"] == "a.previews.tiny.example"
    assert requests.get("http://elsewhere.example/").status_code == 502


def test_aiohttp_reaches_public_names_by_the_environment_alone(environment):
    # aiohttp makes its own default context at import, before the variables of this test: a process of its own has them.
    shown = subprocess.run([sys.executable, "-c", AIOHTTP_CLIENT, f"https://{tiny.HOSTNAME}/"], capture_output=True)
    assert shown.stdout == tiny.PAGE, shown.stderr.decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_reaches_public_names_by_the_environment_alone(environment):
    shown = subprocess.run(["curl", "-sS", f"https://{tiny.HOSTNAME}/"], capture_output=True, check=True)
    assert shown.stdout == tiny.PAGE


def test_boto3_reaches_an_api_under_a_name_through_the_proxy(environment):
    client = boto3.client(
        "cloudfront-keyvaluestore",
        endpoint_url="http://kvs.sandbox/target",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    seen = []
    client.meta.events.register("after-call.*.*", lambda http_response, **_: seen.append(http_response.content))
    client.describe_key_value_store(KvsARN=f"arn:aws:cloudfront::123456789012:key-value-store/{'0' * 36}")
    assert json.loads(seen[0])["host"] == "123456789012.kvs.sandbox"


def test_providers_listen_where_the_engine_is_told(environment):
    package, _, port = environment["PULUMI_DEBUG_PROVIDERS"].partition(":")
    assert package == "test"
    with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_http_proxy", 0)]) as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        answer = stub.Invoke(provider_pb2.InvokeRequest(tok="test:index/whoAmI:whoAmI"))
    assert to_values(getattr(answer, "return")) == {"account": "tiny"}


def test_a_second_sandbox_on_the_same_state_is_refused_by_process(running, state):
    second = start(state)
    _, errors = second.communicate()
    assert second.returncode == 1
    assert f"{state}: a sandbox (process {running['pid']}) runs on this state already" in errors.decode()
    assert DIRECT.get(running["control_url"] + "/status").status_code == 200


def test_what_was_kept_and_the_authority_survive_kill_9(tmp_path):
    with sandbox(tmp_path) as (process, first):
        note = "/notes/one"
        assert DIRECT.put(first["environment"]["TINY_API_URL"] + note, json={"kept": True}).status_code == 201
        authority = Path(first["ca_file"]).read_bytes()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (tmp_path / "sandbox.json").exists()
    with sandbox(tmp_path) as (_, second):
        assert DIRECT.get(second["environment"]["TINY_API_URL"] + note).json() == {"kept": True}
        assert Path(second["ca_file"]).read_bytes() == authority


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, "stop"])
def test_an_orderly_end_takes_the_description_away(tmp_path, how):
    with sandbox(tmp_path) as (process, description):
        # An idle connection must not hold the end up.
        idle = socket.create_connection(("127.0.0.1", int(description["site_url"].rsplit(":", 1)[1].strip("/"))))
        if how == "stop":
            DIRECT.post(description["control_url"] + "/stop")
        else:
            process.send_signal(how)
        assert process.wait() == 0
        assert not (tmp_path / "sandbox.json").exists()
        assert b"Traceback" not in process.stderr.read()
        idle.close()


def test_a_taken_port_is_replaced(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with sandbox(tmp_path, "--port", str(port)) as (_, description):
            assert f":{port}/" not in description["site_url"]
            assert DIRECT.get(description["site_url"]).status_code == 200


def test_wanted_ports_are_taken_in_a_row(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with sandbox(tmp_path, "--port", str(port)) as (_, description):
        assert description["site_url"] == f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--speed", "0"], "--speed"), (["--port", "70000"], "--port"), (["--state", "/dev/null/x"], "/dev/null")],
)
def test_bad_options_are_named(tmp_path, options, words):
    process = start(tmp_path, *options)
    _, errors = process.communicate()
    assert process.returncode in (1, 2)
    assert words in errors.decode()
    assert "Traceback" not in errors.decode()
