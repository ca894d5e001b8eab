"""All platforms of one stack: one of them fails, one is taken out, all wait for each other."""

from __future__ import annotations

import threading

import pytest
import requests

from platforms import PLATFORMS
from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tools.bench.checkout import checkout, configure
from website import load_site


def publish_change(stack, text):
    page = stack.content / "about.html"
    page.write_text(page.read_text("utf-8").replace("</main>", f"<p>{text}</p></main>"), "utf-8")
    return load_site(str(stack.content), cache=stack.folder / "cache").release_id


@pytest.fixture
def own_checkout(tmp_path):
    """A published stack in a checkout of its own."""
    stack = new_stack(tmp_path, root=checkout(ROOT, tmp_path / "checkout"))
    try:
        stack.run("up")
        yield stack
    finally:
        stack.run("down", expect=None)


def test_a_platform_that_cannot_be_deployed_to_is_named_and_the_others_are_live(shared_stack):
    failing, others = PLATFORMS[1], [name for name in PLATFORMS if name != PLATFORMS[1]]
    before = shared_stack.live()[failing]
    new = publish_change(shared_stack, "one platform fails")
    shared_stack.run("break", failing, "--kind", "api")
    try:
        output = shared_stack.refused("up")
    finally:
        shared_stack.run("heal", failing)
    assert f"{failing}: " in output
    assert "503" in output
    assert shared_stack.live() == {**dict.fromkeys(others, new), failing: before}
    shared_stack.run("up")
    assert shared_stack.live() == dict.fromkeys(PLATFORMS, new)
    assert {line["platform"] for line in shared_stack.journal()} == {failing}


def test_a_platform_taken_out_leaves_the_edge_first_and_visitors_notice_nothing(own_checkout):
    stack, removed, rest = own_checkout, PLATFORMS[0], list(PLATFORMS[1:])
    url = stack.status()["site_url"]
    expected = (stack.content / "index.html").read_bytes()
    answers, done = [], threading.Event()

    def visit():
        while not done.is_set():
            answers.append(requests.get(url, timeout=10))

    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        configure(stack.root, hosts=rest)
        output = stack.up_meaning_it()
    finally:
        done.set()
        visitor.join()
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, expected)}
    assert order(output, "LoadBalancer ", "updated") < order(output, f"{removed} ", "deleted")
    assert stack.live()[removed] is None
    assert [stack.live()[name] is not None for name in rest] == [True] * len(rest)
    stack.run("preview", "--expect-no-changes")


def order(output: str, *words: str) -> int:
    """Number of the first line with all of the words."""
    found = [number for number, line in enumerate(output.splitlines()) if all(word in line for word in words)]
    assert found, f"no line with {words} in:\n{output}"
    return found[0]


def test_behind_the_barrier_nobody_goes_live_while_one_cannot_be_uploaded_to(own_checkout):
    stack, failing = own_checkout, PLATFORMS[-1]
    configure(stack.root, releaseBarrier="all")
    stack.run("up")
    before = stack.live()
    new = publish_change(stack, "behind the barrier")
    stack.run("break", failing, "--kind", "api")
    try:
        output = stack.refused("up")
    finally:
        stack.run("heal", failing)
    assert f"{failing}: " in output
    assert stack.live() == before
    stack.run("up")
    assert stack.live() == dict.fromkeys(PLATFORMS, new)
