"""Runs the scripts of the pipelines' files as they stand: a shell with the variables that the forge documents."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.tools.ci import expressions
from tools.bootstrap import cache_folder

ROOT = Path(__file__).resolve().parents[3]
_LEFT_OUT = (".git", ".venv", ".sandbox", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache", "__pycache__")
#: What a runner's machine has. The last two are how packages are had where the machine cannot reach their registries.
_OF_THE_MACHINE = ("PATH", "HOME", "LANG", "TMPDIR")


def checkout(folder):
    """The checkout on a runner; what its cache holds has been restored."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    (folder / ".cache").mkdir(exist_ok=True)
    (folder / ".cache" / "peacefulrobot-infra").symlink_to(cache_folder())
    return folder


class Ended:
    """How a script ended."""

    def __init__(self, code, output):
        self.code = code
        self.output = output


def bash(script, folder, variables):
    """Run ``script`` with these variables and those of the machine, nothing else."""
    machine = {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**machine, "PEACEFULROBOT_PORT": "0", "PEACEFULROBOT_SPEED": "60", "CI": "true", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout)


class GitLabPipeline:
    """A pipeline's file, its local includes merged in. https://docs.gitlab.com/ci/yaml/#extends."""

    KEYWORDS = ("stages", "workflow", "variables", "default", "include")

    def __init__(self, root, path):
        self.root = root
        self.document = {}
        file = yaml.safe_load((root / path).read_text("utf-8"))
        for include in file.get("include", []):
            self.document |= yaml.safe_load((root / include["local"]).read_text("utf-8"))
        self.document |= file

    @property
    def jobs(self):
        """Names of the jobs that can run."""
        return [name for name in self.document if name not in self.KEYWORDS and not name.startswith(".")]

    def job(self, name):
        """A job with all that it inherits."""
        body = copy.deepcopy(self.document[name])
        parent = body.pop("extends", None)
        inherited = self.job(parent) if parent else copy.deepcopy(self.document.get("default", {}))
        return _merged(inherited, body)

    def starts(self, variables):
        """The jobs that a pipeline with these variables has; none where ``workflow`` admits no pipeline."""
        if not self._admitted(self.document.get("workflow", {}).get("rules"), variables):
            return []
        return [name for name in self.jobs if self._admitted(self.job(name).get("rules"), variables)]

    @staticmethod
    def _admitted(rules, variables):
        return rules is None or any(expressions.gitlab(rule["if"], variables) for rule in rules)

    def run(self, name, **variables):
        """Run the job's script."""
        job = self.job(name)
        declared = {**self.document.get("variables", {}), **job.get("variables", {})}
        given = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(self.root), **{k: str(v) for k, v in declared.items()}}
        tokens = {token: f"token-for-{body['aud']}" for token, body in job.get("id_tokens", {}).items()}
        known = {**given, **tokens, **variables}
        filled = {key: re.sub(r"\$(\w+)", lambda m: known.get(m[1], ""), value) for key, value in known.items()}
        return bash("\n".join([*job.get("before_script", []), *job["script"]]), self.root, filled)


def _merged(below, above):
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        result[key] = _merged(below[key], value) if both else value
    return result


class GitHubWorkflow:
    """A workflow's file. Steps that are actions are what the runner does itself; here the checkout is there already."""

    def __init__(self, root, name):
        self.root = root
        self.document = yaml.safe_load((root / ".github/workflows" / name).read_text("utf-8"))

    @property
    def events(self):
        """Event → its filter. YAML reads the key ``on`` as true."""
        return self.document.get("on", self.document.get(True))

    def runs(self, job, **contexts):
        """Whether the job's ``if`` holds."""
        condition = self.document["jobs"][job].get("if", "true")
        return bool(expressions.github(condition.strip(), contexts))

    def run(self, name, **contexts):
        """Run the job's steps; returns how they ended, and what they set as outputs."""
        contexts = {"github": {"workspace": str(self.root)}, **contexts}
        contexts["github"].setdefault("workspace", str(self.root))
        outputs, printed = self.root / ".github-output", []
        outputs.write_text("")
        for step in self.document["jobs"][name]["steps"]:
            if "run" not in step:
                continue
            assert "${{" not in step["run"], "a script must take its values from the environment"
            env = {key: expressions.github_text(value, contexts) for key, value in step.get("env", {}).items()}
            given = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(outputs), "RUNNER_TEMP": str(self.root)}
            ended = bash(step["run"], self.root, {**given, **contexts.get("runner_variables", {}), **env})
            printed.append(ended.output)
            if ended.code:
                return Ended(ended.code, "\n".join(printed)), {}
        found = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
        return Ended(0, "\n".join(printed)), found
