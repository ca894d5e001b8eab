"""Runners of the forges: each takes what has waited longest, runs its scripts as they stand, and says how it ended."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tools.bench.many_sites.stacks import Gathering, whole_checkout
from tools.ci.runner import Ended, Pipeline, bash
from tools.ci.workflow_runner import Workflow

_LOOK = 0.2
_NOTHING = 204


@dataclass(frozen=True)
class Job:
    """One run: the stack, how it ended, and what it made live."""

    stack: str
    runner: int
    seconds: float
    code: int
    release: str
    output: str


@dataclass
class Runner:
    """One machine with a checkout of its own, for both forges in turn."""

    number: int
    gathering: Gathering
    stop: threading.Event
    ended: list[Job]
    _root: Path = field(init=False)

    def __post_init__(self) -> None:
        self._root = self.gathering.folder / f"runner-{self.number}"

    def run(self) -> None:
        """Work until told to stop; every stack's file is in the checkout, as in the repository."""
        whole_checkout(self._root)
        for name in self.gathering.names:
            shutil.copy(self.gathering.root / f"Pulumi.{name}.yaml", self._root)
        while not self.stop.is_set():
            if not any([self._gitlab(), self._github()]):
                time.sleep(_LOOK)

    def _ask(self, forge: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        with requests.Session() as http:
            http.trust_env = False
            address = self.gathering.forges[forge].api.origin + path
            shown = {"Runner-Token": self.gathering.runners[forge]}
            answer = http.post(address, json=body, headers=shown, timeout=60)
        answer.raise_for_status()
        return None if answer.status_code == _NOTHING else answer.json()

    def _gitlab(self) -> bool:
        """The pipeline's own jobs, then those of the pipeline that ``sync`` has written."""
        taken = self._ask("gitlab", "/sandbox/pipelines/next")
        if taken is None:
            return False
        variables = {**taken["variables"], "CI_PIPELINE_SOURCE": "trigger", **self._machine(taken["variables"])}
        began = time.monotonic()
        ended = Pipeline(self._root, ".gitlab-ci.yml").run("sync", variables)
        if not ended.code:
            jobs = Pipeline(self._root, ".pipelines/deploy.yml")
            ended = _all([jobs.run(name, variables) for name in jobs.jobs])
        self._note(str(taken["variables"]["CONTENT_STACK"]), began, ended)
        self._ask("gitlab", f"/sandbox/pipelines/{taken['id']}", {"status": "failed" if ended.code else "success"})
        return True

    def _github(self) -> bool:
        """The workflow ``Deploy``, and the one that looks at what it did."""
        taken = self._ask("github", "/sandbox/runs/next")
        if taken is None:
            return False
        event, began = taken["event_payload"], time.monotonic()
        stack = str(event["client_payload"]["stack"])
        machine = self._machine({"CONTENT_STACK": stack})
        contexts = {"github": {"event": event}, "vars": {"DEPLOY_STACKS": machine["DEPLOY_STACKS"]}}
        deploy = Workflow(self._root, Path(taken["path"]).name, machine)
        ended, outputs = deploy.run("sync", **contexts)
        for site in json.loads(outputs.get("sites", "[]")):
            verify = Workflow(self._root, "deployment-status.yml", machine)
            done = [deploy.run("deploy", **contexts, matrix={"site": site})[0]]
            done += [verify.run("verify", **contexts, matrix={"site": site})[0]] if not done[0].code else []
            ended = _all(done)
        self._note(stack, began, ended)
        conclusion = {"conclusion": "failure" if ended.code else "success"}
        self._ask("github", f"/sandbox/runs/{taken['id']}", conclusion)
        return True

    def _machine(self, variables: Mapping[str, str]) -> dict[str, str]:
        """What is this machine's, and the project's: platforms and a state for each stack, as on a fresh one."""
        stack = str(variables["CONTENT_STACK"])
        own = {"PEACEFULROBOT_STATE": str(self.gathering.folder / "states" / stack), "PEACEFULROBOT_PORT": "0"}
        return {**own, "PEACEFULROBOT_SPEED": "60", "DEPLOY_STACKS": " ".join(self.gathering.names)}

    def _note(self, stack: str, began: float, ended: Ended) -> None:
        bash("make down", self._root, self._machine({"CONTENT_STACK": stack}))
        release = re.search(r"Every platform serves (r[0-9a-f]{16})", ended.output)
        seconds = time.monotonic() - began
        self.ended.append(Job(stack, self.number, seconds, ended.code, release[1] if release else "", ended.output))


def _all(done: list[Ended]) -> Ended:
    return Ended(max((one.code for one in done), default=1), "\n".join(one.output for one in done))
