"""The two local forges as somebody with an account uses them: repositories, Git over HTTP, and what they show."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import requests

OWNER = "sandbox"
"""The account of both."""
_SECONDS = 30.0
_NOBODY = "trial@example.org"


@dataclass(frozen=True)
class Shown:
    """What a forge shows of one environment: the newest state, and where the site is."""

    state: str
    url: str = ""


@dataclass(frozen=True)
class Api:
    """Calls of one forge, with its token."""

    address: str
    headers: Mapping[str, str] = field(repr=False)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON; raises requests.HTTPError."""
        with requests.Session() as http:
            http.trust_env = False  # it is on this machine, whatever proxy the caller has
            answer = http.request(method, self.address + path, headers=self.headers, timeout=_SECONDS, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"


class Forge(Protocol):
    """One of them."""

    name: str
    success: str
    """Its word for a deployment that went well."""
    token: str
    api: Api

    def make(self, repository: str) -> str:
        """Make a repository; returns its bare folder's number."""
        ...

    def clone_url(self, repository: str) -> str:
        """Where Git pushes to."""
        ...

    def environments(self, repository: str, commit: str) -> dict[str, Shown]:
        """Environment → what is shown of the commit's deployment there."""
        ...

    def commit_state(self, repository: str, commit: str) -> str:
        """State of the commit; empty where nobody has said one."""
        ...


class GitHub:
    """https://docs.github.com/en/rest."""

    name, success = "github", "success"

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.token = variables["GITHUB_TOKEN"]
        self.api = Api(variables["GITHUB_BASE_URL"], {"Authorization": f"Bearer {self.token}"})

    def make(self, repository: str) -> str:
        """With a first commit, as a branch cannot be protected without one."""
        return str(self.api.ask("POST", "user/repos", json={"name": repository, "auto_init": True})["id"])

    def clone_url(self, repository: str) -> str:
        """Over HTTP."""
        return f"{self.api.origin}/{OWNER}/{repository}.git"

    def environments(self, repository: str, commit: str) -> dict[str, Shown]:
        """The newest status of the newest deployment of each."""
        path = f"repos/{OWNER}/{repository}/deployments"
        found: dict[str, Shown] = {}
        for one in reversed(self.api.ask("GET", path, params={"sha": commit, "per_page": 100})):
            statuses = self.api.ask("GET", f"{path}/{one['id']}/statuses")
            if statuses:
                found[one["environment"]] = Shown(statuses[0]["state"], statuses[0]["environment_url"])
        return found

    def commit_state(self, repository: str, commit: str) -> str:
        """All contexts together."""
        found = self.api.ask("GET", f"repos/{OWNER}/{repository}/commits/{commit}/status")
        return str(found["state"]) if found["total_count"] else ""


class GitLab:
    """https://docs.gitlab.com/api/rest/."""

    name, success = "gitlab", "success"

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.token = variables["GITLAB_TOKEN"]
        self.api = Api(variables["GITLAB_BASE_URL"], {"PRIVATE-TOKEN": self.token})

    def make(self, repository: str) -> str:
        """With a first commit."""
        return str(self.api.ask("POST", "projects", json={"name": repository, "initialize_with_readme": True})["id"])

    def clone_url(self, repository: str) -> str:
        """Over HTTP."""
        return f"{self.api.origin}/{OWNER}/{repository}.git"

    def _project(self, repository: str) -> str:
        return f"projects/{quote(f'{OWNER}/{repository}', safe='')}"

    def environments(self, repository: str, commit: str) -> dict[str, Shown]:
        """The newest deployment of each."""
        given = {"order_by": "id", "sort": "asc", "per_page": 100}
        listed = self.api.ask("GET", f"{self._project(repository)}/deployments", params=given)
        return {one["environment"]["name"]: Shown(one["status"]) for one in listed if one["sha"] == commit}

    def commit_state(self, repository: str, commit: str) -> str:
        """The status that the coordinator sets."""
        listed = self.api.ask("GET", f"{self._project(repository)}/repository/commits/{commit}/statuses")
        return str(listed[-1]["status"]) if listed else ""


def both(variables: Mapping[str, str]) -> dict[str, Forge]:
    """By name; ``variables`` are those that the sandbox gives."""
    return {"github": GitHub(variables), "gitlab": GitLab(variables)}


@dataclass(frozen=True)
class WorkingCopy:
    """Somebody's clone of a repository."""

    folder: Path
    token: str = field(repr=False)

    def clone(self, url: str) -> None:
        """Get it."""
        self.folder.mkdir(parents=True)
        self.git("clone", "--quiet", url, ".")

    def commit(self, message: str) -> str:
        """Commit all; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *options: str) -> None:
        """To the branch main."""
        self.git("push", "--quiet", *options, "origin", "HEAD:main")

    def git(self, *arguments: str) -> str:
        """Git's answer; the token goes by a variable, so no list of processes shows it."""
        header = base64.b64encode(f"{OWNER}:{self.token}".encode()).decode()
        config = {
            "http.extraHeader": f"Authorization: Basic {header}",
            "user.name": "Trial",
            "user.email": _NOBODY,
            "commit.gpgsign": "false",
            "init.defaultBranch": "main",
        }
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(config))}
        for number, (key, value) in enumerate(config.items()):
            own |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        local = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **local, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()
