"""A stack of its own on local platforms, driven by the command line as ``make`` does, in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from tools.bench.checkout import checkout
from tools.deploy import sandbox_daemon
from tools.deploy.pending import state_file
from tools.deploy.places import ROOT, Places
from tools.deploy.stack import Stack

RELEASE = "PEACEFULROBOT_RELEASE"
"""Variable that names an earlier release to go back to."""
#: Seconds that one command may take on a busy machine.
PATIENCE = 600.0
NEVER = 124
"""Exit code of a command that did not end."""
_ANSWER_SECONDS = 30.0
#: As in Pulumi.sandbox.yaml, with plans that have room for as many deployments as a platform ever takes.
_LARGEST_PLANS = {
    "aws": {"settle_seconds": 1},
    "firebase": {"project": "peacefulrobot-sandbox"},
    "netlify": {"plan": "pro"},
    "vercel": {"plan": "pro"},
    "gitlab": {"plan": "premium"},
}
#: Dollars a month: more than these plans cost, so that no policy stops the run.
_THEIR_PRICE = "200"
MOST_DEPLOYMENTS = 90
"""Netlify takes 100 deployments a day, in whatever plan, and the publisher stops before that."""


def with_largest_plans(folder: Path) -> Path:
    """A checkout in ``folder`` whose stack may make ``MOST_DEPLOYMENTS`` on one sandbox."""
    return checkout(ROOT, folder, hostSettings=_LARGEST_PLANS, budget=_THEIR_PRICE)


class Stage:
    """Drives the command line of the checkout ``root``, with its state in ``folder``.

    ``within`` is put before each command: what runs it elsewhere, such as in a mount namespace.
    """

    def __init__(
        self, folder: Path, content: Path, *, speed: int = 60, root: Path = ROOT, within: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.root = root
        self.content = content
        self.within = tuple(within)
        self.environment = {
            **os.environ,
            "PEACEFULROBOT_STATE": str(folder),
            "PEACEFULROBOT_CONTENT": str(content),
            "PEACEFULROBOT_PORT": "0",
            "PEACEFULROBOT_SPEED": str(speed),
            "NO_COLOR": "1",
            "COLUMNS": "160",
        }

    @property
    def places(self) -> Places:
        """Its folders and files."""
        return Places(self.root, self.folder)

    def start(self, *arguments: str, more: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, with ``more`` variables."""
        return subprocess.Popen(
            [*self.within, sys.executable, "-m", "tools.deploy", *arguments],
            cwd=self.root,
            env={**self.environment, **(more or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **options,
        )

    def ended(self, *arguments: str, more: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run a command to its end, or until it takes too long; returns its exit code and what it printed."""
        process = self.start(*arguments, more=more)
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill(process)
            return NEVER, f"error: it did not end within {PATIENCE:.0f} s"
        return process.returncode, output

    @staticmethod
    def kill(process: subprocess.Popen[str]) -> None:
        """Kill -9 the command's whole process group and reap it."""
        with suppress(ProcessLookupError):  # it may have ended by itself, just before
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)

    def start_sandbox(self) -> None:
        """The local platforms alone, with nothing published."""
        sandbox_daemon.start(self.places, self.environment)

    def stop_sandbox(self) -> None:
        """Stop them; what they remember stays."""
        sandbox_daemon.stop(self.places)

    def sandbox(self) -> dict[str, Any]:
        """What the running sandbox says of itself."""
        found: dict[str, Any] = json.loads((self.folder / "world" / "sandbox.json").read_text("utf-8"))
        return found

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the sandbox's control API."""
        with requests.Session() as http:
            http.trust_env = False
            url = f"{self.sandbox()['control_url']}{path}"
            answer = http.request(method, url, json=body, timeout=_ANSWER_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def releases(self) -> dict[str, str | None]:
        """Platform → release that its control plane says is live."""
        return {str(found["name"]): found["live_release"] for found in self.ask("GET", "/status")["platforms"]}

    def get(self, path: str, platform: str | None = None) -> requests.Response:
        """Ask the edge, or one platform directly, without following redirects."""
        sandbox = self.sandbox()
        url = str(sandbox["site_url"] if platform is None else sandbox["platforms"][platform]["url"])
        with requests.Session() as http:
            http.trust_env = False
            return http.get(url.rstrip("/") + path, allow_redirects=False, timeout=_ANSWER_SECONDS)

    def state(self) -> dict[str, Any]:
        """What the engine remembers, read where the commands run."""
        text = subprocess.run([*self.within, "cat", str(self.state_file)], capture_output=True, check=True).stdout
        found: dict[str, Any] = json.loads(text)
        return found

    @property
    def state_file(self) -> Path:
        """What the engine remembers."""
        stack = Stack("sandbox", self.places)
        return state_file(self.places.backend, str(stack.project()["name"]), stack.name)
