"""The sites as each forge takes a list of jobs: GitLab as a file for a child pipeline, GitHub as JSON for a matrix.

https://docs.gitlab.com/ci/pipelines/downstream_pipelines/#dynamic-child-pipelines,
https://docs.github.com/en/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tools.ci.sites import Site
from tools.deploy.errors import Refused

TEMPLATES = ".gitlab/one-stack.yml"
"""Holds a hidden job for each kind."""
STAGES = {"preview": "validate", "deploy": "deploy", "drift": "validate"}
"""Kind of job → its stage."""
GITHUB_MOST = 256
"""Jobs of one matrix: https://docs.github.com/en/actions/reference/limits."""


def child_pipeline(sites: Sequence[Site], kind: str) -> str:
    """A child pipeline with one job for each site. GitLab refuses a pipeline without jobs, so none becomes one."""
    document: dict[str, Any] = {"include": [{"local": TEMPLATES}], "stages": [STAGES[kind]]}
    for site in sites:
        document[f"{kind} {site.stack}"] = _job(site, kind)
    if not sites:
        document["nothing to do"] = {"stage": STAGES[kind], "script": ["echo 'No stack is named in DEPLOY_STACKS.'"]}
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def _job(site: Site, kind: str) -> dict[str, Any]:
    # A deployment that waited for its turn must not publish what was new when it was queued.
    pinned = {"PEACEFULROBOT_CONTENT": site.content} if kind == "preview" else {}
    job: dict[str, Any] = {"extends": f".{kind}", "variables": {"STACK": site.stack, **pinned}}
    if kind == "deploy":
        job |= {"resource_group": site.stack, "environment": {"name": site.environments["gitlab"]}}
    return job


def matrix(sites: Sequence[Site]) -> str:
    """A JSON list of objects with stack, content and environment; raises Refused where a matrix has no room for it."""
    if len(sites) > GITHUB_MOST:
        raise Refused(
            f"{len(sites)} stacks, and a matrix of GitHub takes {GITHUB_MOST}: name fewer in DEPLOY_STACKS, and deploy "
            "the others from a second repository or from GitLab"
        )
    rows = [(site.stack, site.content, site.environments["github"]) for site in sites]
    return json.dumps([dict(zip(("stack", "content", "environment"), row, strict=True)) for row in rows])


def write_gitlab(sites: Sequence[Site], folder: Path) -> None:
    """Write ``preview.yml``, ``deploy.yml`` and ``drift.yml``."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in STAGES:
        (folder / f"{kind}.yml").write_text(child_pipeline(sites, kind), "utf-8")


def write_github(sites: Sequence[Site], output: Path) -> None:
    """Append the output ``sites`` of the step, in the format of the file that ``GITHUB_OUTPUT`` names."""
    with output.open("a", encoding="utf-8") as stream:
        stream.write(f"sites={matrix(sites)}\n")
