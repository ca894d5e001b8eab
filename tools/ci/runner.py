"""Runs a job of a GitLab pipeline on this machine as its file says: the script, in a shell with the job's variables.

Of what a runner does, this is the part that decides what a script does: includes of local files, ``extends``,
variables, id tokens as placeholders. Images, caches, artifacts and rules are the forge's. https://docs.gitlab.com/ci/yaml/
"""

from __future__ import annotations

import copy
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_KEYWORDS = ("stages", "workflow", "variables", "default", "include")
#: What a job sees of the machine. Nothing else of the caller's environment gets in.
_OF_THE_MACHINE = ("PATH", "HOME", "LANG", "TMPDIR")
_SECONDS = 900.0


@dataclass(frozen=True)
class Ended:
    """How a script ended, and what it printed on both streams."""

    code: int
    output: str


def bash(script: str, folder: Path, variables: Mapping[str, str], seconds: float = _SECONDS) -> Ended:
    """Run ``script`` as the forges' runners do: it ends at the first command that fails."""
    machine = {name: os.environ[name] for name in _OF_THE_MACHINE if name in os.environ}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**machine, "CI": "true", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Ended(done.returncode, done.stdout)


class Pipeline:
    """A pipeline's file in the checkout ``root``, with its local includes."""

    def __init__(self, root: Path, path: str | Path) -> None:
        self.root = root
        file = _read(root / path)
        self.document: dict[str, Any] = {}
        for include in file.get("include", []):
            self.document |= _read(root / include["local"])
        self.document |= file

    @property
    def jobs(self) -> list[str]:
        """Names of the jobs that can run."""
        return [name for name in self.document if name not in _KEYWORDS and not name.startswith(".")]

    def job(self, name: str) -> dict[str, Any]:
        """A job with all that it inherits. https://docs.gitlab.com/ci/yaml/#extends."""
        body = copy.deepcopy(self.document[name])
        parent = body.pop("extends", None)
        inherited = self.job(parent) if parent else copy.deepcopy(self.document.get("default", {}))
        return _merged(inherited, body)

    def variables(self, name: str, given: Mapping[str, str]) -> dict[str, str]:
        """What the job's script sees; ``given`` are the project's variables, which win over the file's."""
        job = self.job(name)
        declared = {**self.document.get("variables", {}), **job.get("variables", {})}
        tokens = {token: f"id token for {body['aud']}" for token, body in job.get("id_tokens", {}).items()}
        of_the_forge = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(self.root), "CI_JOB_NAME": name}
        known = {**of_the_forge, **{key: str(value) for key, value in declared.items()}, **tokens, **given}
        return {key: re.sub(r"\$(\w+)", lambda match: known.get(match[1], ""), text) for key, text in known.items()}

    def run(self, name: str, given: Mapping[str, str]) -> Ended:
        """Run the job's script."""
        job = self.job(name)
        script = "\n".join([*job.get("before_script", []), *job["script"]])
        return bash(script, self.root, self.variables(name, given))


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        result[key] = _merged(below[key], value) if both else value
    return result
