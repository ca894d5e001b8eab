"""Runs a job of a GitHub workflow on this machine as its file says: the steps' scripts, with the values that they get.

Steps that are actions are what GitHub's runner does itself; here the checkout is there already.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.github.expressions import filled_in
from tools.ci.runner import Ended, bash


class Workflow:
    """A workflow's file in the checkout ``root``; ``variables`` are the machine's."""

    def __init__(self, root: Path, name: str, variables: Mapping[str, str]) -> None:
        self.root = root
        self.document: dict[Any, Any] = yaml.safe_load((root / ".github/workflows" / name).read_text("utf-8"))
        self._variables = dict(variables)

    def run(self, name: str, **contexts: Any) -> tuple[Ended, dict[str, str]]:
        """Run the job's steps; returns how they ended, and what they set as outputs.

        Raises ValueError for a script that takes its values from the text and not from the environment.
        """
        contexts["github"] = {"workspace": str(self.root), **contexts.get("github", {})}
        outputs, printed = self.root / ".github-output", []
        outputs.write_text("")
        for step in self.document["jobs"][name]["steps"]:
            if "run" not in step:
                continue
            ended = self._step(step, contexts, outputs)
            printed.append(ended.output)
            if ended.code:
                return Ended(ended.code, "\n".join(printed)), {}
        found = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        return Ended(0, "\n".join(printed)), found

    def _step(self, step: Mapping[str, Any], contexts: Mapping[str, Any], outputs: Path) -> Ended:
        if "${{" in step["run"]:
            raise ValueError(f"a script must take its values from the environment: {step['run']}")
        env = {key: filled_in(text, contexts) for key, text in step.get("env", {}).items()}
        given = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs), "RUNNER_TEMP": str(self.root)}
        return bash(step["run"], self.root, {**self._variables, **given, **env})
