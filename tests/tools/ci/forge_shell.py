"""Runs the scripts of the pipelines' files as they stand: a shell with the variables that the forge documents."""

from __future__ import annotations

import shutil
from pathlib import Path

from sandbox.github.expressions import value
from tests.tools.ci import expressions
from tools.bootstrap import cache_folder
from tools.ci.runner import Pipeline
from tools.ci.workflow_runner import Workflow

ROOT = Path(__file__).resolve().parents[3]
_LEFT_OUT = (".git", ".venv", ".sandbox", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__")
#: A sandbox of its own beside those of other tests, and its clock.
LOCALLY = {"PEACEFULROBOT_PORT": "0", "PEACEFULROBOT_SPEED": "60"}


def checkout(folder):
    """The checkout on a runner; what its cache holds has been restored."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    (folder / ".cache").mkdir(exist_ok=True)
    (folder / ".cache" / "peacefulrobot-infra").symlink_to(cache_folder())
    return folder


class GitLabPipeline(Pipeline):
    """A pipeline, and which of its jobs start."""

    def starts(self, variables):
        """The jobs that a pipeline with these variables has; none where ``workflow`` admits no pipeline."""
        if not self._admitted(self.document.get("workflow", {}).get("rules"), variables):
            return []
        return [name for name in self.jobs if self._admitted(self.job(name).get("rules"), variables)]

    @staticmethod
    def _admitted(rules, variables):
        """``CHANGED`` among the variables is the file that the pipeline's commits changed."""
        changed = variables.get("CHANGED", "")
        return rules is None or any(
            expressions.gitlab(rule["if"], variables) and changed in rule.get("changes", [changed]) for rule in rules
        )


class GitHubWorkflow(Workflow):
    """A workflow, what starts it, and which of its jobs run."""

    def __init__(self, root, name, **variables):
        super().__init__(root, name, {**LOCALLY, **variables})

    @property
    def events(self):
        """Event → its filter. YAML reads the key ``on`` as true."""
        return self.document.get("on", self.document.get(True))

    def runs(self, job, **contexts):
        """Whether the job's ``if`` holds."""
        condition = self.document["jobs"][job].get("if", "true")
        return bool(value(condition.strip(), contexts))
