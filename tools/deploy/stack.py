"""One stack: the environment its engine runs in, and that it exists."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.deploy import pending
from tools.deploy.engine_process import RUN, EngineProcess
from tools.deploy.places import CONTENT, SANDBOX, Places, content
from tools.engine.install import Engine
from website.repository import CONTENT_PREFIX

PASSPHRASE = "sandbox"  # noqa: S105 - the sandbox's state holds no secret; other stacks use the caller's
_REAL_ACCOUNTS = (
    *("AWS_", "NETLIFY_", "CLOUDFLARE_", "PULUMI_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "FIREBASE_", "AZURE_", "ARM_"),
    *("VERCEL_", "GITLAB_", "CI_JOB_TOKEN", "GITHUB_TOKEN", "GITHUB_OWNER", "GITHUB_BASE_URL", "GITHUB_APP_"),
)
"""Prefixes of the caller's variables that the sandbox must not see: they lead to real accounts."""

#: Without byte code on disk, importing the Pulumi SDKs takes ten seconds at every run.
_NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"


#: Beside each file of its state the backend would write one of attributes, in place: a run killed within that write
#: leaves it empty, and the state is refused ("failed to load checkpoint: EOF") although it is whole.
#: https://pkg.go.dev/gocloud.dev/blob/fileblob
_NO_SIDECARS = "metadata=skip"


@dataclass(frozen=True)
class Stack:
    """A stack of this checkout."""

    name: str
    places: Places

    @property
    def is_sandbox(self) -> bool:
        """Whether it runs on local platforms: ``sandbox``, or one of several sites that are tried, ``sandbox-…``."""
        return self.name == SANDBOX or self.name.startswith(f"{SANDBOX}-")

    def engine(self, engine: Engine, sandbox: Mapping[str, str], run: str = "") -> EngineProcess:
        """The engine for this stack; ``sandbox`` are the variables that lead to the local platforms."""
        caller = {name: value for name, value in os.environ.items() if name not in {CONTENT, _NO_BYTE_CODE}}
        environment = self._isolated(caller, sandbox) if self.is_sandbox else caller
        environment.update(self._common(engine, run))
        return EngineProcess(engine.binary, self.name, self.places.root, environment)

    def _isolated(self, caller: Mapping[str, str], sandbox: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in caller.items() if not name.startswith(_REAL_ACCOUNTS)}
        own = {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            # The sandbox stands in for the provider plugins: nothing is to be downloaded, and failing to costs 2.5 s.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_BACKEND_URL": f"{self.places.backend.as_uri()}?{_NO_SIDECARS}",
            "PULUMI_HOME": str(self.places.backend / "home"),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        }
        # Content may lie in a Git repository of the world outside: it is fetched over the caller's own proxy.
        outside = {f"{CONTENT_PREFIX}{name}": caller.get(name, "") for name in sandbox if _leads_outside(name)}
        return {**kept, **own, **outside, **sandbox}

    def _common(self, engine: Engine, run: str) -> dict[str, str]:
        common = {
            "PATH": f"{engine.folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PEACEFULROBOT_PYTHON": sys.executable,
            "PUBLISHER_JOURNAL": str(self.places.journal),
        }
        wanted = content(os.environ, Path.cwd())
        return {**common, **({CONTENT: wanted} if wanted else {}), **({RUN: run} if run else {})}

    def ensure(self, engine: EngineProcess) -> None:
        """Create the stack in its backend if it is not there."""
        if self.is_sandbox:
            self.places.backend.mkdir(parents=True, exist_ok=True)
            if self.state_file().exists():
                return
        engine.ask("stack", "select", "--create")

    def state_file(self) -> Path:
        """State of the sandbox's stack."""
        return pending.state_file(self.places.backend, str(self.project()["name"]), self.name)

    def project(self) -> dict[str, Any]:
        """What ``Pulumi.yaml`` says."""
        found: dict[str, Any] = yaml.safe_load((self.places.root / "Pulumi.yaml").read_text("utf-8"))
        return found

    def hosts(self) -> list[str]:
        """Platforms that the stack's settings enable."""
        project = self.project()
        path = self.places.root / f"Pulumi.{self.name}.yaml"
        given = (yaml.safe_load(path.read_text("utf-8")) or {}).get("config") or {} if path.exists() else {}
        default = project["config"]["hosts"]["default"]
        return [str(name) for name in given.get(f"{project['name']}:hosts", default)]


def _leads_outside(name: str) -> bool:
    """Whether a variable decides how the world outside is reached, and which certificates are believed there."""
    return name.upper().endswith("_PROXY") or name.startswith("SSL_CERT")
