"""A plan that is hard to undo is stopped before anything is applied, until its own token comes with it."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import contextmanager

import pytest

from tests.engine.conftest import new_stack
from tests.engine.stack import ROOT
from tools.bench.checkout import checkout, configure

HOSTS = ["netlify", "aws", "firebase"]
PAGE = '<!doctype html><html lang="en"><title>New</title><p>New.'


@contextmanager
def published(folder, hosts):
    made = new_stack(folder, root=checkout(ROOT, folder / "checkout", hosts=hosts))
    try:
        made.run("up")
        yield made
    finally:
        made.run("down", expect=None)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with published(tmp_path_factory.mktemp("guard"), HOSTS) as made:
        yield made


@pytest.fixture
def on_two(tmp_path):
    with published(tmp_path, ["netlify", "aws"]) as made:
        yield made


def state(stack):
    (path,) = (stack.folder / "pulumi").rglob("sandbox.json")
    return {one["urn"]: one.get("inputs") for one in json.loads(path.read_text())["checkpoint"]["latest"]["resources"]}


def token_of(said):
    return re.search(r"ALLOW=(p[0-9a-f]{16})", said)[1]


def test_a_stopped_plan_names_what_would_be_lost_and_changes_nothing(stack):
    before, serving = state(stack), stack.live()
    configure(stack.root, hosts=["netlify", "aws"])
    said = stack.refused("up")
    assert "would do what is hard to undo; nothing was changed" in said
    assert "firebase-site (gcp:firebase/hostingSite:HostingSite) would be deleted" in said
    assert said.count("  - ") == 1
    assert (state(stack), stack.live()) == (before, serving)


def test_the_token_of_another_plan_is_worth_nothing_and_its_own_lets_it_through(stack, monkeypatch):
    configure(stack.root, hosts=["netlify"])
    other = token_of(stack.refused("up"))
    configure(stack.root, hosts=["netlify", "aws"])
    monkeypatch.setitem(stack.environment, "PEACEFULROBOT_ALLOW", other)
    said = stack.refused("up")
    assert "The token that was given is another plan's" in said
    monkeypatch.setitem(stack.environment, "PEACEFULROBOT_ALLOW", token_of(said))
    stack.run("up")
    assert {name for name, release in stack.live().items() if release} == {"netlify", "aws"}


def test_the_last_but_one_platform_cannot_be_taken_away_by_accident(stack):
    configure(stack.root, hosts=["aws"])
    said = stack.refused("up")
    assert "1 platform would be left of 2 to serve the site" in said
    assert "netlify-site (publisher:index:NetlifySite) would be deleted" in said


def test_a_bucket_is_not_replaced_by_accident_and_a_preview_says_so_too(stack):
    configure(stack.root, hosts=["netlify", "aws"])
    program = stack.root / "components" / "hosts" / "aws.py"
    before, source = state(stack), program.read_text()
    assert source.count('f"{name}-content",') == 1
    program.write_text(source.replace('f"{name}-content",', 'f"{name}-content", bucket="another-name",'))
    for command in ("preview", "up"):
        said = stack.refused(command)
        assert "aws-content (aws:s3/bucket:Bucket) would be replaced, and its name and address with it" in said
        assert "would do what is hard to undo; nothing was changed" in said
    assert state(stack) == before
    program.write_text(source)


@pytest.mark.long
def test_what_one_platform_refuses_hides_nothing_that_the_run_would_delete(on_two, monkeypatch):
    """The engine goes on after one platform's error, and would delete what is no longer declared."""
    first = on_two.live()["aws"]
    (on_two.content / "new.html").write_text(PAGE)
    on_two.run("up")
    monkeypatch.setitem(on_two.environment, "PEACEFULROBOT_RELEASE", first)
    on_two.run("break", "aws", "--kind", "api")
    configure(on_two.root, hosts=["aws"])
    said = on_two.refused("up")
    assert "netlify-site (publisher:index:NetlifySite) would be deleted" in said
    assert on_two.live()["netlify"] not in {None, first}
    configure(on_two.root, hosts=["netlify", "aws"])
    assert "One platform will not take this, the others will: aws-upload: " in on_two.refused("up")
    on_two.run("heal", "aws")
    assert on_two.live()["netlify"] == first
    assert on_two.live()["aws"] != first


def test_a_release_that_drops_much_of_the_site_is_let_through_by_its_own_id(stack, monkeypatch):
    configure(stack.root, hosts=["netlify", "aws"])
    for folder in ("assets", "icons", "posts"):
        shutil.rmtree(stack.content / folder)
    monkeypatch.setitem(stack.environment, "PEACEFULROBOT_CHECKS", "off")
    said = stack.refused("up")
    release = re.search(r"ALLOW=(r[0-9a-f]{16})", said)[1]
    monkeypatch.setitem(stack.environment, "PEACEFULROBOT_ALLOW", release)
    stack.run("up")
    assert set(stack.live().values()) >= {release}
