"""A repository, a program that publishes, and a coordinator as a user runs it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from coordinator.places import ROOT
from tools.bench.checkout import checkout

PROGRAM = Path(__file__).with_name("publishing_program.py")
SECRET = "planted-webhook-secret-0123456789"
REPOSITORY = "robot/site"
BODY = json.dumps({"ref": "refs/heads/main", "repository": {"full_name": REPOSITORY}}).encode()
_WHO = {
    **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class Site:
    """A bare repository whose branch ``main`` moves."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "site.git"
        self.commits: list[str] = []
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.path)], check=True)
        self.tree = self._git("mktree", given="")
        self.commit()

    @property
    def url(self) -> str:
        return self.path.as_uri()

    def commit(self) -> str:
        parent = ["-p", self.commits[-1]] if self.commits else []
        made = self._git("commit-tree", self.tree, "-m", f"commit {len(self.commits)}", *parent)
        self.commits.append(made)
        self.point_to(made)
        return made

    def point_to(self, commit: str) -> None:
        self._git("update-ref", "refs/heads/main", commit)

    def _git(self, *arguments: str, given: str | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env={**os.environ, **_WHO}, input=given, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class Publishing:
    """What the program has done."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.command = [sys.executable, str(PROGRAM), str(folder)]

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().split() if path.exists() else []

    @property
    def live(self) -> str | None:
        path = self.folder / "live"
        return path.read_text() if path.exists() else None

    def switch(self, name: str, value: str | None) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True) if value is None else path.write_text(value)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def headers_of(delivery: str, secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery}


class Coordinator:
    """``python -m coordinator --sandbox`` in a checkout of its own; ``settings`` are those of ``coordinator``."""

    def __init__(self, folder: Path, site: Site, publishing: Publishing, **settings: object) -> None:
        self.port = free_port()
        self.folder = folder
        own = {
            "recovery": False,
            "deploy": "up",
            "poll": 0,
            "retryWait": 1,
            "listen": f"127.0.0.1:{self.port}",
            "up": {"command": publishing.command},
            "webhooks": {"github": {"repository": REPOSITORY, "secret": "env:SITE_WEBHOOK_SECRET"}},
        }
        self.root = checkout(ROOT, folder / "checkout", coordinator={**own, **settings}, hosts=["netlify", "aws"])
        self.environment = {
            **os.environ,
            "PEACEFULROBOT_STATE": str(folder / "state"),
            "PEACEFULROBOT_CONTENT": f"{site.url}#main",
            "SITE_WEBHOOK_SECRET": SECRET,
        }
        self.log = folder / "coordinator.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self, *, wait: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "coordinator", "--sandbox"],
                cwd=self.root,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            until(self.answers, "it answers")

    def answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return self.health() is not None
        return False

    def health(self) -> dict[str, object]:
        found: dict[str, object] = self.get("/healthz").json()
        return found

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False, timeout=10)

    def push(self, delivery: str) -> int:
        """The status that a signed push is answered with; 0 where it is not answered."""
        url = f"http://127.0.0.1:{self.port}/hooks/github"
        try:
            return httpx.post(url, content=BODY, headers=headers_of(delivery), trust_env=False, timeout=10).status_code
        except httpx.TransportError:
            return 0

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)


def until(holds, what: str, seconds: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)
