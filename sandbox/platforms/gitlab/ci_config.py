"""What of ``.gitlab-ci.yml`` concerns Pages, read strictly: https://docs.gitlab.com/ci/yaml/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

_GLOBAL = frozenset(
    {"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script"}
    | {"after_script", "spec"}
)
_JOB = frozenset(
    {"after_script", "allow_failure", "artifacts", "before_script", "cache", "coverage", "dependencies", "environment"}
    | {"extends", "hooks", "id_tokens", "identity", "image", "inherit", "interruptible", "manual_confirmation", "needs"}
    | {"only", "except", "pages", "parallel", "publish", "release", "resource_group", "retry", "rules", "run", "script"}
    | {"secrets", "services", "stage", "start_in", "tags", "timeout", "trigger", "variables", "when"}
)
_STAGES = (".pre", "build", "test", "deploy", ".post")
#: Condition → whether it holds on the default branch, and on any other.
_BRANCH_RULES = {
    "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH": (True, False),
    "$CI_COMMIT_BRANCH != $CI_DEFAULT_BRANCH": (False, True),
    "$CI_COMMIT_BRANCH": (True, True),
}


class InvalidConfig(Exception):
    """What GitLab says of a file that it cannot use."""


@dataclass(frozen=True)
class Job:
    """A job that runs for a branch."""

    name: str
    stage: str
    publishes: str | None
    """Folder that becomes the site, or None for a job that is not about Pages."""
    artifacts: tuple[str, ...]
    script: tuple[str, ...]


def jobs_for(text: bytes, branch: str, default_branch: str) -> list[Job]:
    """Jobs of a push to ``branch``; raises InvalidConfig."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidConfig(f"Invalid configuration format: {error}") from error
    if not isinstance(document, dict):
        raise InvalidConfig("Invalid configuration format")
    jobs = {name: body for name, body in document.items() if name not in _GLOBAL and not str(name).startswith(".")}
    if not jobs:
        raise InvalidConfig("jobs config should contain at least one visible job")
    stages = document.get("stages", _STAGES)
    return [job for name, body in jobs.items() if (job := _job(str(name), body, stages, branch, default_branch))]


def _job(name: str, body: Any, stages: Any, branch: str, default_branch: str) -> Job | None:
    if not isinstance(body, dict):
        raise InvalidConfig(f"jobs:{name} config should be a hash")
    unknown = sorted(set(body) - _JOB)
    if unknown:
        raise InvalidConfig(f"jobs:{name} config contains unknown keys: {', '.join(unknown)}")
    script = _strings(name, "script", body.get("script"))
    if not script:
        raise InvalidConfig(f"jobs {name} config should implement the script:, run:, or trigger: keyword")
    stage = body.get("stage", "test")
    if stage not in stages:
        raise InvalidConfig(f"{name} job: chosen stage {stage} does not exist; available stages are {list(stages)}")
    published = _published(name, body)
    if not _runs(name, body, branch, default_branch):
        return None
    artifacts = body.get("artifacts") or {}
    paths = _strings(name, "artifacts:paths", artifacts.get("paths")) if isinstance(artifacts, dict) else ()
    return Job(name, stage, published, paths, script)


def _strings(name: str, key: str, value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value or []
    if not isinstance(values, list) or not all(isinstance(found, str) for found in values):
        raise InvalidConfig(f"jobs:{name}:{key} config should be an array of strings or a string")
    return tuple(values)


def _published(name: str, body: dict[str, Any]) -> str | None:
    """``pages: true`` or a hash marks the job, and so does the name ``pages`` alone."""
    pages = body.get("pages", name == "pages")
    if not isinstance(pages, bool | dict):
        raise InvalidConfig(f"jobs:{name}:pages config should be a hash or a boolean value")
    if isinstance(pages, dict):
        unknown = sorted(set(pages) - {"publish", "path_prefix", "expire_in"})
        if unknown:
            raise InvalidConfig(f"jobs:{name}:pages config contains unknown keys: {', '.join(unknown)}")
        if pages.get("path_prefix"):
            raise InvalidConfig(f"jobs:{name}:pages path_prefix needs GitLab Premium")
        if "publish" in pages and "publish" in body:
            raise InvalidConfig(f"jobs:{name} config either specify `publish` or `pages.publish`, not both")
        return str(pages.get("publish") or body.get("publish") or "public")
    return str(body.get("publish") or "public") if pages else None


def _runs(name: str, body: dict[str, Any], branch: str, default_branch: str) -> bool:
    rules = body.get("rules")
    if rules is None:
        only = body.get("only")
        return only is None or branch in _strings(name, "only", only)
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise InvalidConfig(f"jobs:{name}:rules config should be an array of hashes")
    for rule in rules:
        condition = rule.get("if")
        known = _BRANCH_RULES.get(str(condition))
        if condition is not None and known is None:
            raise InvalidConfig(f"jobs:{name}:rules:rule if invalid expression syntax in this sandbox: {condition}")
        if known is None or known[0 if branch == default_branch else 1]:
            return str(rule.get("when", "on_success")) != "never"
    return False
