"""Going back to an earlier release and forward again, on every platform in one run, without the content."""

from __future__ import annotations

import json
import shutil

import pytest

from platforms import PLATFORMS
from website import load_site

FIRST_TITLE, SECOND_TITLE = b"<h1>First", b"<h1>Second"


def release_of(stack, tmp_path, title):
    """Write a title into the home page and publish; returns the release id."""
    page = stack.content / "index.html"
    text = page.read_bytes()
    start = text.index(b"<h1")
    page.write_bytes(text[:start] + title + text[text.index(b">", start) + 1 :])
    stack.run("up")
    return load_site(str(stack.content), cache=tmp_path / "cache").release_id


def served_everywhere(stack, title):
    return [platform for platform in PLATFORMS if title not in stack.get("/", platform).content] == []


@pytest.fixture(scope="module")
def releases(shared_stack, tmp_path_factory):
    """The shared stack's two releases, the second live."""
    folder = tmp_path_factory.mktemp("cache")
    return release_of(shared_stack, folder, FIRST_TITLE), release_of(shared_stack, folder, SECOND_TITLE)


def test_one_up_goes_back_on_every_platform_without_the_content_and_one_goes_forward_again(shared_stack, releases):
    stack, (first, second) = shared_stack, releases
    hidden = stack.content.rename(stack.content.with_name("hidden"))
    stack.environment["PEACEFULROBOT_RELEASE"] = first
    assert "index.html" in stack.run("preview")
    stack.run("up")
    assert stack.live() == dict.fromkeys(PLATFORMS, first)
    assert served_everywhere(stack, FIRST_TITLE)
    assert [line["files_sent"] for line in stack.journal() if line["operation"] == "upload"] == [0] * len(PLATFORMS)
    assert sorted(line["platform"] for line in stack.journal() if line["operation"] == "verify") == sorted(PLATFORMS)
    stack.run("up")
    assert stack.journal() == []
    shutil.move(hidden, stack.content)
    del stack.environment["PEACEFULROBOT_RELEASE"]
    stack.run("up")
    assert stack.live() == dict.fromkeys(PLATFORMS, second)
    assert served_everywhere(stack, SECOND_TITLE)
    assert sum(line["files_sent"] for line in stack.journal()) == 0


def test_the_list_says_what_can_be_gone_back_to(shared_stack, releases):
    first, second = releases
    found = json.loads(shared_stack.run("releases", "--format", "json"))
    assert found["everywhere"][:2] == [second, first]
    assert {platform["live"] for platform in found["platforms"]} == {second}


def test_every_platform_says_of_itself_that_its_newest_deployment_is_ready(shared_stack, releases):
    found = json.loads(shared_stack.run("deployments", "--format", "json"))
    assert [(one["name"], one["error"]) for one in found] == [(name, None) for name in PLATFORMS]
    assert {one["deployment"]["phase"] for one in found} == {"ready"}
    assert {one["deployment"]["release"] for one in found} - {None} == {releases[1]}
    assert all(one["deployment"]["id"] and one["deployment"]["made"] for one in found)


def test_a_release_that_is_not_kept_is_refused_by_name_and_nothing_changes(shared_stack, releases, monkeypatch):
    first, second = releases
    monkeypatch.setitem(shared_stack.environment, "PEACEFULROBOT_RELEASE", "r" + "0" * 16)
    output = shared_stack.refused("up")
    assert f"release r{'0' * 16} is not among those this stack remembers: {second}, {first}" in output
    assert shared_stack.live() == dict.fromkeys(PLATFORMS, second)
