"""A checkout with many stacks, each with a repository of its own at one of the two local forges."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.bench.checkout import checkout
from tools.bootstrap import cache_folder
from tools.deploy.places import ROOT
from tools.push_to_live.forges import OWNER, Forge, WorkingCopy, both

HOSTS = ("vercel", "netlify")
INFRASTRUCTURE = "infra"
_PIPELINES = (".github", ".gitlab", ".gitlab-ci.yml")
_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Site:
    """One stack: where its content is, and how its coordinator is told."""

    stack: str
    forge: str
    port: int
    secret: str = field(repr=False)


@dataclass
class Gathering:
    """The forges' process, the checkout, and the sites, in ``folder``."""

    folder: Path
    forges: dict[str, Forge] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    runners: dict[str, str] = field(default_factory=dict, repr=False)
    """Forge → token of its runner."""
    triggers: dict[str, str] = field(default_factory=dict, repr=False)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """The checkout that the coordinators read their settings from."""
        return self.folder / "checkout"

    @property
    def names(self) -> list[str]:
        """All stacks."""
        return [site.stack for site in self.sites]

    def start(self, count: int) -> None:
        """Start the forges, and make ``count`` stacks, half of them at each forge."""
        whole_checkout(self.root)
        world = self.folder / "world"
        with (self.folder / "forges.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tools.bench.many_sites.forges", str(world)], cwd=ROOT, stdout=log, stderr=log
            )
        self.forges = both(_described(world / "sandbox.json")["environment"])
        for forge in self.forges.values():
            self._infrastructure(forge)
        for number in range(count):
            self._site(number)

    def stop(self) -> None:
        """Stop the forges."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def _infrastructure(self, forge: Forge) -> None:
        """A repository with the pipelines' files, and a runner for it."""
        number = forge.make(INFRASTRUCTURE)
        work = self.work(forge.name, INFRASTRUCTURE)
        work.clone(forge.clone_url(INFRASTRUCTURE))
        for name in _PIPELINES:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, work.folder / name)
        work.commit("The pipelines")
        if forge.name == "gitlab":
            work.push("--push-option", "ci.skip")
            given: dict[str, Any] = {"runner_type": "project_type", "project_id": int(number)}
            self.runners["gitlab"] = forge.api.ask("POST", "user/runners", json=given)["token"]
            path = f"projects/{number}/triggers"
            self.triggers["gitlab"] = forge.api.ask("POST", path, json={"description": "Content"})["token"]
        else:
            work.push()
            path = f"repos/{OWNER}/{INFRASTRUCTURE}/actions/runners/registration-token"
            self.runners["github"] = forge.api.ask("POST", path)["token"]

    def _site(self, number: int) -> None:
        """Repository, webhook and stack file."""
        name = list(self.forges)[number % len(self.forges)]
        site, forge = Site(f"sandbox-{number:03}", name, _free_port(), secrets.token_hex(32)), self.forges[name]
        repository = forge.make(site.stack)
        self.work(name, site.stack).clone(forge.clone_url(site.stack))
        url = f"http://127.0.0.1:{site.port}/hooks/{name}"
        if name == "gitlab":
            hook: dict[str, Any] = {"url": url, "token": site.secret, "push_events": True}
            forge.api.ask("POST", f"projects/{repository}/hooks", json=hook)
        else:
            hook = {"config": {"url": url, "content_type": "json", "secret": site.secret}, "events": ["push"]}
            forge.api.ask("POST", f"repos/{OWNER}/{site.stack}/hooks", json=hook)
        bare = self.folder / "world" / name / "repositories" / f"{repository}.git"
        self._stack_file(site, bare.as_uri())
        self.sites.append(site)

    def _stack_file(self, site: Site, content: str) -> None:
        template: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.sandbox.yaml").read_text("utf-8"))
        own = {
            "content": content,
            "contentRef": "main",
            "hostname": f"{site.stack.replace('sandbox-', 's')}.peacefulrobot.com",
            "hosts": list(HOSTS),
            "coordinator": self._coordinator(site),
        }
        template["config"].update({f"peacefulrobot-infra:{key}": value for key, value in own.items()})
        (self.root / f"Pulumi.{site.stack}.yaml").write_text(yaml.safe_dump(template), "utf-8")

    def _coordinator(self, site: Site) -> dict[str, Any]:
        """It only queues: the work is the runners'."""
        forge, token = self.forges[site.forge], "env:MANY_FORGE_TOKEN_" + site.forge.upper()
        api = forge.api.address.rstrip("/")
        common = {"poll": 0, "recovery": False, "listen": f"127.0.0.1:{site.port}", "deployLimit": 7200}
        place = {"api": api, "token": token}
        hook = f"env:{variable(site)}"
        if site.forge == "gitlab":
            way = {"project": f"{OWNER}/{INFRASTRUCTURE}", "triggerToken": "env:MANY_TRIGGER", **place}
            return {
                **common,
                "deploy": "gitlab-pipeline",
                "gitlabPipeline": way,
                "webhooks": {"gitlab": {"project": f"{OWNER}/{site.stack}", "token": hook}},
                "reports": {"gitlab": {"project": f"{OWNER}/{site.stack}", **place}},
            }
        return {
            **common,
            "deploy": "github-dispatch",
            "githubDispatch": {"repository": f"{OWNER}/{INFRASTRUCTURE}", **place},
            "webhooks": {"github": {"repository": f"{OWNER}/{site.stack}", "secret": hook}},
            "reports": {"github": {"repository": f"{OWNER}/{site.stack}", **place}},
        }

    def secrets(self) -> dict[str, str]:
        """Variables of the coordinators."""
        own = {variable(site): site.secret for site in self.sites}
        tokens = {f"MANY_FORGE_TOKEN_{name.upper()}": forge.token for name, forge in self.forges.items()}
        return {**own, **tokens, "MANY_TRIGGER": self.triggers["gitlab"]}

    def work(self, forge: str, repository: str) -> WorkingCopy:
        """Somebody's clone."""
        return WorkingCopy(self.folder / "work" / forge / repository, self.forges[forge].token)


def variable(site: Site) -> str:
    """Name of the variable with the secret of a site's webhook."""
    return f"MANY_HOOK_{site.stack.replace('-', '_').upper()}"


def whole_checkout(folder: Path) -> None:
    """A checkout as a runner has one, with what its cache holds."""
    checkout(ROOT, folder)
    for name in _PIPELINES:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "peacefulrobot-infra").symlink_to(cache_folder())


def _described(path: Path) -> Mapping[str, Any]:
    deadline = time.monotonic() + _READY_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the forges did not start")
        time.sleep(0.05)
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
