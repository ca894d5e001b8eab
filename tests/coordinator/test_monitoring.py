"""What watches and what shows, as a user runs them."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys

import httpx
import pytest

from coordinator import monitoring
from coordinator.errors import Refused
from tests.coordinator import waiting
from tests.coordinator.delivering import Coordinator, Publishing, Site, free_port, until
from tests.coordinator.deployments.test_forges import run
from tests.coordinator.forges import TOKEN, GitHub, served


@pytest.fixture
def start(tmp_path):
    """Starts a coordinator with these settings; gives it and the address of its page."""
    started = []

    def begin(**settings):
        port = free_port()
        watched = {"watching": {}, "statusPage": {"listen": f"127.0.0.1:{port}"}, **settings}
        made = Coordinator(tmp_path, Site(tmp_path), Publishing(tmp_path / "published"), **watched)
        made.start(wait=False)
        started.append(made)
        return made, f"http://127.0.0.1:{port}"

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.kill()


def shown(url, path="/status.json"):
    try:
        return httpx.get(url + path, trust_env=False, timeout=10)
    except httpx.TransportError:
        return None


def test_it_watches_alone_and_waits_for_the_first_publication(start):
    made, url = start(deploy="none", webhooks={})
    until(lambda: shown(url), "the page is served", 60)
    assert shown(url).json()["state"] == "unknown"
    assert "Nobody has looked" in shown(url, "/").text
    assert shown(url, "/healthz").status_code == 200
    until(lambda: "the stack has not been published yet" in made.log.read_text(), "it says what it waits for", 60)
    assert made.stop() == 0
    assert "Traceback" not in made.log.read_text()


async def test_it_shows_runs_at_a_forge_and_tells_their_token_to_nobody(start, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    async with served(GitHub(runs=[run(7, "workflow_dispatch")])) as forge:
        runs = {"api": forge.address, "repository": "robot/site", "token": f"file:{token}"}
        made, url = start(deploy="none", webhooks={}, deployments={"github": runs, "links": True})
        await waiting.until(lambda: (found := shown(url)) and found.json()["deployments"], 60)
        assert shown(url).json()["deployments"][0]["by"] == "GitHub run 7"
        assert '<a href="https://github.com/robot/site/actions/runs/7" rel="noreferrer">' in shown(url, "/").text
        assert 'forge_api_up{forge="GitHub"} 1.0' in shown(url, "/metrics").text
        assert TOKEN not in made.log.read_text() + shown(url).text + shown(url, "/").text
        made.kill()


def test_it_watches_beside_the_delivery_and_shows_its_deployments(start):
    made, url = start()
    until(made.answers, "the webhooks are served", 60)
    assert made.push("1") == 202
    until(lambda: shown(url).json()["deployments"], "the deployment is shown", 60)
    until(lambda: shown(url).json()["deployments"][0]["outcome"] == "deployed", "it ends", 60)
    (found,) = shown(url).json()["deployments"]
    assert [host["host"] for host in found["hosts"]] == ["aws", "netlify"]
    assert "watching" in made.health()["tasks"]
    assert shown(url, "/hooks/github").status_code == 404
    assert made.stop() == 0
    exported(made)


def exported(made):
    """The same without a coordinator, as files."""
    command = [sys.executable, "-m", "coordinator.status_page", "--out", str(made.folder / "out")]
    done = subprocess.run(command, cwd=made.root, env=made.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((made.folder / "out/status.json").read_text())["deployments"][0]["outcome"] == "deployed"


def test_without_a_watched_day_there_is_nothing_to_write(tmp_path):
    command = [
        sys.executable,
        "-m",
        "coordinator.status_page",
        "--out",
        str(tmp_path / "out"),
        "--state",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "nothing has been watched yet" in done.stderr) == (1, True)
    assert not (tmp_path / "out").exists()


def test_where_the_address_is_taken_the_sandbox_takes_another_and_says_so(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        made, _ = start(deploy="none", webhooks={}, statusPage={"listen": address})
        until(lambda: "the status page is at http" in made.log.read_text(), "it says where", 60)
        url = re.search(r"the status page is at (http\S+)/", made.log.read_text())[1]
        assert url != f"http://{address}"
        until(lambda: shown(url), "the page is served", 60)
        assert made.stop() == 0


def test_another_stack_names_the_setting_whose_address_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Refused, match=r"coordinator.statusPage.listen: cannot listen on 127.0.0.1:\d+"):
            monitoring.listening("prod", address)
    with pytest.raises(Refused, match="there is no such port"):
        monitoring.listening("sandbox", "127.0.0.1:99999")


def test_a_socket_of_the_file_system_is_made_anew(tmp_path):
    for _ in range(2):
        with monitoring.listening("prod", f"unix:{tmp_path}/page.sock") as listener:
            assert listener.getsockname() == f"{tmp_path}/page.sock"
