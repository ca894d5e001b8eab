"""The judge notices what it is there for."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import pytest

from tools.chaos.editing import Edited
from tools.chaos.judging import Before, Judge
from tools.deploy.places import ROOT


@dataclass
class Answer:
    status_code: int
    content: bytes = b""
    release: str | None = None

    @property
    def ok(self):
        return self.status_code < 400

    def json(self):
        return {"release": self.release}


class Served:
    """Two platforms; ``shown`` is release → what is served of it, by platform."""

    def __init__(self, edited):
        self.edited, self.shown = edited, {"one": None, "two": None}
        self.wrong = {}
        self.deployments = {"one": [], "two": None}
        self.sites = 1
        self.made = {}
        self.live = {}
        self.folder = edited.content.parent / "state"
        self.pid = 1

    def sandbox(self):
        return {"pid": self.pid, "platforms": {name: {} for name in self.shown}}

    def get(self, path, platform):
        release = self.shown[platform]
        if path == "/.well-known/release.json":
            return Answer(200, release=release) if release else Answer(404)
        content = self.wrong.get((platform, path), self.edited.releases.get(release, {}).get(path))
        return Answer(404) if content is None else Answer(200, content)

    def ask(self, method, path):
        platforms = {name: {"sites": self.sites, "deployments": self.deployments[name]} for name in self.shown}
        return {"platforms": platforms, "resources": self.made}

    def releases(self):
        return self.live or self.shown


@pytest.fixture
def edited(tmp_path):
    found = Edited(ROOT / "examples" / "site", tmp_path, Random(3))
    found.edit()
    found.edit()
    return found


@pytest.fixture
def served(edited):
    return Served(edited)


@pytest.fixture
def judge(served, edited, monkeypatch):
    made = Judge(served, edited, Random(1))
    monkeypatch.setattr(Judge, "resources", lambda self: [{"type": "a:b:C", "id": "1"}])
    return made


def test_whole_releases_of_those_allowed_are_right(judge, served, edited):
    old, new = edited.releases
    served.shown = {"one": old, "two": new}
    assert judge.whole({old, new}) == []


def test_nothing_published_yet_is_right_where_it_is_allowed(judge, edited):
    assert judge.whole({None, *edited.releases}) == []
    assert len(judge.whole(set(edited.releases))) == 2


def test_a_page_of_the_other_release_is_a_mixture(judge, served, edited):
    old, new = edited.releases
    served.shown = dict.fromkeys(served.shown, new)
    path = next(
        path
        for path in edited.releases[old]
        if edited.releases[new].get(path) not in (None, edited.releases[old][path])
    )
    served.wrong = {("two", path): edited.releases[old][path]}
    (sentence,) = judge.whole({old, new})
    assert sentence.startswith(f"two serves {new}, but {path} answers 200")


def test_a_page_that_the_release_does_not_have_is_a_mixture_too(judge, served, edited):
    old, new = edited.releases
    served.shown = dict.fromkeys(served.shown, old)
    (added,) = set(edited.releases[new]) - set(edited.releases[old])
    served.wrong = {("one", added): edited.releases[new][added]}
    assert len(judge.whole({old, new})) == 1


def test_after_the_next_run_everything_is_new_and_there_once(judge, served, edited):
    old, new = edited.releases
    served.shown = dict.fromkeys(served.shown, new)
    served.deployments["one"] = [old, new]
    served.made = {"a:b:C": ["1"]}
    assert judge.converged(new, Before({"one": Counter([old]), "two": Counter()})) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda served, old, new: served.deployments.update(one=[old, new, new]), "was given"),
        (lambda served, old, new: setattr(served, "sites", 2), "2 sites"),
        (
            lambda served, old, new: setattr(served, "made", {"a:b:C": ["1", "2"]}),
            "a:b:C 2 is there and not in",
        ),
        (lambda served, old, new: setattr(served, "live", {"one": old, "two": new}), "after the next run"),
    ],
)
def test_what_is_there_twice_or_was_not_published_is_told(judge, served, edited, change, said):
    old, new = edited.releases
    served.shown = dict.fromkeys(served.shown, new)
    served.deployments["one"] = [old, new]
    change(served, old, new)
    found = judge.converged(new, Before({"one": Counter([old]), "two": Counter()}))
    assert any(said in sentence for sentence in found)


@contextmanager
def asleep(**variables):
    process = subprocess.Popen(["sleep", "60"], env={**os.environ, **variables})
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("tools.chaos.judging._ORPHAN_SECONDS", 0.3)


def test_what_a_killed_run_left_running_is_told(judge, served, at_once):
    served.folder.mkdir()
    (served.folder / "run.json").write_text(json.dumps({"id": "run-1"}))
    with asleep(PEACEFULROBOT_RUN="run-1") as pid, asleep(PEACEFULROBOT_RUN="run-2"):
        assert judge.orphans() == [f"process {pid} (sleep) of the killed run still runs"]
    assert judge.orphans() == []


def test_what_the_sandbox_has_left_running_is_told_and_the_sandbox_itself_is_not(judge, served, at_once):
    with (
        asleep(GIT_PROJECT_ROOT=f"{served.folder}/world/git") as pid,
        asleep(PEACEFULROBOT_STATE=str(served.folder)) as own,
    ):
        served.pid = own
        with asleep(GIT_PROJECT_ROOT=f"{served.folder}-of-another/world"):
            assert judge.orphans() == [f"process {pid} (sleep) of the killed run still runs"]
