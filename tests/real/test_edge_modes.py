"""The stack with a Worker at its edge: real engine, real program, the script in the real runtime."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from contextlib import contextmanager

import psutil
import pytest
import requests

from sandbox.cloudflare.workers.installing import WorkerdMissing, workerd
from tests.engine.stack import ROOT, Stack
from tools.bench.checkout import checkout, configure


@pytest.fixture(scope="module", autouse=True)
def _runtime():
    try:
        workerd()
    except WorkerdMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def stack(tmp_path):
    content = tmp_path / "content"
    shutil.copytree(ROOT / "examples" / "site", content)
    made = Stack(
        tmp_path / "state", content, root=checkout(ROOT, tmp_path / "root", edgeMode="worker", hosts=["netlify", "aws"])
    )
    yield made
    made.run("down", expect=None)


@contextmanager
def visits(stack):
    """Answers that a visitor gets who keeps asking until the block ends: (status, served from) → how often."""
    url, seen, over = stack.sandbox()["site_url"], Counter(), threading.Event()

    def visit():
        with requests.Session() as session:
            while not over.is_set():
                try:
                    answer = session.get(url, timeout=10)
                    right = b"<html" in answer.content
                    seen[answer.status_code if right else "wrong", answer.headers.get("X-Served-From")] += 1
                except requests.RequestException as error:
                    seen[type(error).__name__, None] += 1
                time.sleep(0.01)

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        yield seen
    finally:
        over.set()
        visitor.join()


def test_a_worker_serves_fails_over_and_has_no_diff_on_a_second_up(stack):
    stack.run("up")
    assert stack.get("/").headers["X-Served-From"] == "netlify"
    assert stack.get("/no-such-page").status_code == 404
    assert {stack.state_of("netlify"), stack.state_of("aws")} == {"healthy"}
    stack.run("preview", "--expect-no-changes")
    stack.run("break", "netlify")
    assert stack.get("/").headers["X-Served-From"] == "aws"
    stack.run("break", "aws")
    page = stack.get("/")
    assert (page.status_code, page.headers["X-Served-From"]) == (200, "copy")
    assert page.content == (stack.content / "index.html").read_bytes()


def test_changing_the_mode_either_way_leaves_no_moment_without_the_site(stack):
    stack.run("up")
    counts = []
    for mode in ("load-balancer", "worker"):
        configure(stack.root, edgeMode=mode)
        with visits(stack) as seen:
            stack.up_meaning_it()
        counts.append(seen)
        assert {status for status, _ in seen} == {200}, seen
    assert all({None, "netlify"} <= {name for _, name in seen} for seen in counts), counts
    assert all(seen.total() > 100 for seen in counts)


def test_a_new_release_reaches_the_copy_and_the_runtime_ends_with_the_sandbox(stack):
    stack.run("up")
    pid = stack.sandbox()["pid"]
    runtimes = [one for one in psutil.Process(pid).children(recursive=True) if "workerd" in one.name()]
    assert len(runtimes) == 1
    (stack.content / "new.html").write_text("<html>new</html>")
    (stack.content / "404.html").write_text("<html>another page for what is not there</html>")
    stack.run("up")
    assert stack.get("/no-such-page").headers["X-Served-From"] == "netlify"
    stack.run("break", "netlify")
    stack.run("break", "aws")
    assert stack.get("/new").text == "<html>new</html>"
    later = [one for one in psutil.Process(pid).children(recursive=True) if "workerd" in one.name()]
    assert len(later) == 1
    psutil.Process(pid).kill()
    _, alive = psutil.wait_procs([*runtimes, *later], timeout=10)
    assert alive == []
