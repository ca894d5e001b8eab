"""A stack of its own whose content lies at both local forges, joined to a coordinator by the setting ``delivery``."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from tools.bench.checkout import checkout, configure
from tools.bench.measuring import measured
from tools.bootstrap import cache_folder
from tools.deploy.places import ROOT, Places
from tools.deploy.stack import Stack
from tools.engine.install import ensure
from tools.push_to_live.forges import OWNER, Forge, WorkingCopy, both

WEBSITE, INFRASTRUCTURE = "website", "infra"
PLANTED_DISPATCH = "github_pat_11TRIAL0TRIAL_notasecret0notasecret0notasecret0notasecret0"
"""Stands for the token that somebody would make at GitHub."""
_TOKENS = ("CLOUDFLARE_API_TOKEN", "VERCEL_API_TOKEN", "NETLIFY_AUTH_TOKEN", "GITLAB_TOKEN", "INFRA_DISPATCH_TOKEN")
_START = "from tools.deploy import places, sandbox_daemon; sandbox_daemon.start(places.find())"
_READY_SECONDS = 60.0


def delivery(coordinator: str) -> dict[str, Any]:
    """The setting, with all that both forges and the three clouds can have."""
    last_day = str((datetime.now(UTC) + timedelta(days=180)).date())
    return {
        "coordinator": coordinator,
        "github": {"owner": OWNER, "infrastructure": INFRASTRUCTURE, "content": WEBSITE, "direct": True},
        "gitlab": {"infrastructure": f"{OWNER}/{INFRASTRUCTURE}", "content": f"{OWNER}/{WEBSITE}", "direct": True},
        "aws": {},
        "gcp": {},
        "azure": {
            "tenant": "5a4db0c0-0000-4000-8000-0000000007e4",
            "subscription": "5a4db0c0-0000-4000-8000-0000000005b5",
        },
        "tokens": {name: {"expires": last_day} for name in _TOKENS},
    }


@dataclass
class Trial:
    """Checkout, sandbox and repositories in ``folder``. The sandbox's clock runs ``speed`` times as fast."""

    folder: Path
    speed: float = 60.0
    port: int = field(default_factory=lambda: _free_port())
    """Of the coordinator."""
    _numbers: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.folder / "checkout"

    @property
    def state(self) -> Path:
        """State of the stack, of the sandbox and of the coordinator."""
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        """As of somebody at a desk: a pipeline, where ``CI`` is set, hands no tokens over."""
        own = {
            "PEACEFULROBOT_STATE": str(self.state),
            "PEACEFULROBOT_PORT": "0",
            "PEACEFULROBOT_SPEED": f"{self.speed:g}",
            "INFRA_DISPATCH_TOKEN": PLANTED_DISPATCH,
            "NO_COLOR": "1",
        }
        return {**{name: value for name, value in os.environ.items() if name != "CI"}, **own}

    @property
    def described(self) -> dict[str, Any]:
        """What the running sandbox says of itself."""
        found: dict[str, Any] = json.loads((self.state / "world" / "sandbox.json").read_text("utf-8"))
        return found

    @property
    def forges(self) -> dict[str, Forge]:
        """By name."""
        return both(self.described["environment"])

    @property
    def log(self) -> Path:
        """What the coordinator says."""
        return self.folder / "coordinator.log"

    def prepare(self, content: Path) -> None:
        """Make checkout, sandbox and repositories, and push the first content to both."""
        checkout(ROOT, self.root, delivery=delivery(f"http://127.0.0.1:{self.port}"))
        self._run([sys.executable, "-c", _START])
        for forge in self.forges.values():
            forge.make(INFRASTRUCTURE)
            self._numbers[forge.name] = forge.make(WEBSITE)
            work = self.work(forge)
            work.clone(forge.clone_url(WEBSITE))
            shutil.copytree(content, work.folder, dirs_exist_ok=True)
            (work.folder / "README.md").unlink()
            work.commit("The first content")
            work.push()

    def work(self, forge: Forge) -> WorkingCopy:
        """The author's clone."""
        return WorkingCopy(self.folder / "work" / forge.name, forge.token)

    def content(self, forge: Forge) -> str:
        """Address of the bare repository that the forge serves."""
        number = self._numbers[forge.name]
        return f"{(self.state / 'world' / forge.name / 'repositories' / f'{number}.git').as_uri()}#main"

    def up(self, forge: Forge) -> None:
        """Declare all, and publish what is at a forge."""
        own = {"PEACEFULROBOT_CONTENT": self.content(forge)}
        measured(
            [sys.executable, "-m", "tools.deploy", "up"], {**self.environment, **own}, self.folder / "up.log", self.root
        )

    def handed(self) -> Mapping[str, Mapping[str, str]]:
        """What the stack hands to the coordinator, by forge."""
        engine = ensure(cache_folder(), Console(stderr=True))
        stack = Stack("sandbox", Places(self.root, self.state))
        asked = ("stack", "output", "delivery", "--show-secrets", "--json")
        found: dict[str, dict[str, str]] = json.loads(stack.engine(engine, self.described["environment"]).ask(*asked))
        return found

    @contextmanager
    def coordinator(self, forge: Forge, **settings: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Run it for one forge: told by its webhook, publishing by ``up``, telling what became of it."""
        hook, report = self._places(forge)
        own = {
            "deploy": "up",
            "poll": 0,
            "recovery": False,
            "listen": f"127.0.0.1:{self.port}",
            "webhooks": {forge.name: hook},
            "reports": {forge.name: report},
        }
        configure(self.root, coordinator={**own, **settings})
        variables = {**self.environment, **self._secrets(forge), "PEACEFULROBOT_CONTENT": self.content(forge)}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "coordinator", "--sandbox"],
                cwd=self.root,
                env=variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._await_coordinator(process)
            yield process
        finally:
            process.terminate()
            process.wait(300)

    def _places(self, forge: Forge) -> tuple[dict[str, str], dict[str, str]]:
        """Settings of webhook and report."""
        address = self.described["environment"][f"{forge.name.upper()}_BASE_URL"].rstrip("/")
        path, key = f"{OWNER}/{WEBSITE}", "project" if forge.name == "gitlab" else "repository"
        proof = "signingKey" if forge.name == "gitlab" else "secret"
        return {key: path, proof: "env:TRIAL_HOOK"}, {key: path, "api": address, "token": "env:TRIAL_TOKEN"}

    def _secrets(self, forge: Forge) -> dict[str, str]:
        handed = self.handed()[forge.name]
        return {"TRIAL_HOOK": handed.get("signingKey") or handed["webhookSecret"], "TRIAL_TOKEN": forge.token}

    def ask(self, path: str) -> requests.Response:
        """Ask the coordinator."""
        with requests.Session() as http:
            http.trust_env = False
            return http.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)

    def _await_coordinator(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if self.ask("/healthz").ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise RuntimeError(f"the coordinator does not run:\n{self.log.read_text()[-2000:]}")

    def _run(self, command: Sequence[str]) -> None:
        subprocess.run(command, cwd=self.root, env=self.environment, check=True)

    def down(self) -> None:
        """Stop the sandbox."""
        command = [sys.executable, "-m", "tools.deploy", "down"]
        subprocess.run(command, cwd=self.root, env=self.environment, check=False, capture_output=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
