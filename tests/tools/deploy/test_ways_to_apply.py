"""Every way in which this project applies anything asks the policies and the plan guard first."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml
from click.testing import CliRunner

from coordinator.ways.up import project_command
from tests.tools.conftest import ROOT
from tools.deploy import commands, places
from tools.deploy.__main__ import main
from tools.engine.install import Engine

#: An engine that writes down what it is asked, and the events of a preview.
ENGINE = """#!/bin/sh
echo "$@" >> {folder}/asked
[ "$1" = preview ] || {{ echo "{{}}"; exit 0; }}
while [ $# -gt 0 ] && [ "$1" != --event-log ]; do shift; done
cp {folder}/events "$2"
"""
PACK = "--policy-pack policies --policy-pack-config policies/config.sandbox.json"
FINDING = {"policyEvent": {"policyName": "monitor-is-strict", "message": "Loose.", "enforcementLevel": "mandatory"}}
LOSS = {
    "op": "delete",
    "urn": "urn:pulumi:sandbox::p::cloudflare:index/zone:Zone::zone",
    "type": "cloudflare:index/zone:Zone",
}


class Driven:
    """The command line on the stand-in project, with an engine that says what the test says."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        (folder / "pulumi").write_text(ENGINE.format(folder=folder))
        (folder / "pulumi").chmod(0o755)
        (folder / "asked").touch()
        self.says()

    def says(self, *events):
        (self.folder / "events").write_text("".join(json.dumps(event) + "\n" for event in events))

    def run(self, *arguments):
        return CliRunner().invoke(main, list(arguments))

    def asked(self):
        """What the engine was asked, of what looks at a plan or applies it."""
        lines = (self.folder / "asked").read_text().splitlines()
        return [line for line in lines if line.split()[0] in {"preview", "up", "destroy", "refresh", "import"}]


@pytest.fixture
def driven(project, tmp_path, monkeypatch):
    folder = tmp_path / "engine"
    folder.mkdir()
    pack = project.places.root / "policies"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("")
    (pack / "config.sandbox.json").write_text("{}")
    monkeypatch.setattr(places, "ROOT", project.places.root)
    monkeypatch.setattr(commands, "ensure", lambda *_: Engine(folder, "the test's own"))
    for name in ("PEACEFULROBOT_STATE", "MAKELEVEL", "PEACEFULROBOT_ALLOW"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PEACEFULROBOT_PORT", "0")
    monkeypatch.setenv("PEACEFULROBOT_CHECKS", "off")
    return Driven(project.places.root, folder)


def test_up_asks_the_policies_about_the_whole_plan_and_then_about_each_resource(driven):
    driven.run("up")
    first, second = driven.asked()
    assert first.startswith("preview --event-log ")
    assert PACK in first
    assert second.startswith("up --yes ")
    assert PACK in second


def test_up_applies_nothing_that_a_policy_stops(driven):
    driven.says(FINDING)
    result = driven.run("up")
    assert result.exit_code == 1
    assert "the policies stop this run; nothing was changed:\n  - monitor-is-strict (): Loose." in result.stderr
    assert [line.split()[0] for line in driven.asked()] == ["preview"]


def test_up_applies_nothing_that_the_plan_guard_stops(driven, monkeypatch):
    driven.says({"resourcePreEvent": {"metadata": LOSS}})
    result = driven.run("up")
    assert result.exit_code == 1
    assert "zone (cloudflare:index/zone:Zone) would be deleted" in result.stderr
    assert [line.split()[0] for line in driven.asked()] == ["preview"]
    monkeypatch.setenv("PEACEFULROBOT_ALLOW", re.search(r"ALLOW=(p\w+)", result.stderr)[1])
    driven.run("up")
    assert [line.split()[0] for line in driven.asked()] == ["preview", "preview", "up"]


def test_a_preview_asks_the_policies_and_applies_nothing(driven):
    driven.says({"resourcePreEvent": {"metadata": LOSS}})
    result = driven.run("preview")
    assert result.exit_code == 1
    assert "zone (cloudflare:index/zone:Zone) would be deleted" in result.stderr
    (asked,) = driven.asked()
    assert asked.startswith("preview --diff ")
    assert PACK in asked


@pytest.mark.parametrize("target", ["up", "preview"])
def test_make_calls_that_command(target):
    recipe = subprocess.run(
        ["make", "--dry-run", "--always-make", target, "STACK=prod", "PYTHON=true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert recipe.splitlines()[-1] == f".venv/bin/python -m tools.deploy {target} --stack prod"


def scripts():
    """What the pipelines of both forges run, by the job's name."""
    for path in (ROOT / ".gitlab-ci.yml", ROOT / ".gitlab/one-stack.yml"):
        for name, job in yaml.safe_load(path.read_text()).items():
            for line in job.get("script", []) if isinstance(job, dict) else []:
                yield f"{path.name}: {name}", line
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            for step in job.get("steps", []):
                yield f"{path.name}: {name}", step.get("run", "")


def test_pipelines_apply_by_make_up_only_and_show_by_make_preview_comment_only():
    found = list(scripts())
    assert [job for job, line in found if line == "make up"] == ["one-stack.yml: .deploy", "deploy.yml: deploy"]
    shown = {"one-stack.yml: .preview", "preview.yml: preview"}
    assert {job for job, line in found if line == "make preview-comment"} == shown
    assert not [line for _, line in found if re.search(r"pulumi|tools\.deploy", line)]


def test_the_coordinator_publishes_by_that_command_or_by_those_pipelines():
    assert project_command("prod")[1:] == ["-m", "tools.deploy", "up", "--stack", "prod"]


#: Where the engine is asked to apply something: the command itself; stacks without a platform that a measurement needs;
#: a rival run that chaos starts, which is to be refused.
APPLYING = {
    "tools/deploy/commands.py",
    "tools/bench/preview.py",
    "tools/bench/resources.py",
    "tools/chaos/rivals.py",
}


def test_nothing_else_asks_the_engine_to_apply_anything():
    folders = ("components", "coordinator", "planning", "policies", "publisher", "sandbox", "tools", "website")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    applying = re.compile(r'"(?:up|destroy)", "--yes"')
    assert {str(path.relative_to(ROOT)) for path in sources if applying.search(path.read_text("utf-8"))} == APPLYING
