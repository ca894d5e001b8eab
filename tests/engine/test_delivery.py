"""A push to a bare repository gets live by the coordinator, the real engine and the real program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.coordinator.delivering import free_port, until
from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tools.bench.checkout import checkout

WHO = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture
def stack(tmp_path):
    """A stack whose content is a bare repository, and which no `up` has published."""
    port = free_port()
    own = {"deploy": "up", "poll": 5, "recovery": False, "listen": f"127.0.0.1:{port}"}
    made = new_stack(tmp_path, root=checkout(ROOT, tmp_path / "checkout", coordinator=own))
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "site.git")], check=True)
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", str(tmp_path / "site.git"), str(work)], check=True, stderr=subprocess.DEVNULL)
    shutil.copytree(ROOT / "examples/site", work, dirs_exist_ok=True)
    made.work = work
    made.environment["PEACEFULROBOT_CONTENT"] = f"{(tmp_path / 'site.git').as_uri()}#main"
    try:
        yield made
    finally:
        made.run("down", expect=None)


def push(stack, text):
    page = stack.work / "about.html"
    page.write_text(page.read_text("utf-8").replace("</main>", f"<p>{text}</p></main>"), "utf-8")
    for command in (["add", "-A"], ["commit", "-q", "-m", text], ["push", "-q", "origin", "HEAD:main"]):
        subprocess.run(["git", *WHO, *command], cwd=stack.work, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": ""})


def test_pushes_get_live_and_a_stop_waits_for_the_engine(stack):
    push(stack, "the first release")
    log = stack.folder.parent / "coordinator.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "--sandbox"],
            cwd=stack.root,
            env=stack.environment,
            stderr=stream,
        )
    try:
        until(lambda: "deployed: published and verified" in log.read_text(), "the first is published", 120)
        assert "the first release" in stack.get("/about").text
        push(stack, "the second release")
        until(lambda: "deployment 2: " in log.read_text(), "the second begins", 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait(30)
    assert "deployment 2: deployed" in log.read_text()
    assert "the second release" in stack.get("/about").text
    assert "Traceback" not in log.read_text()
