"""A stack of its own on local platforms, to be broken: a checkout, a sandbox, and one ``up``."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from components.worker_limits import WorkerLimits
from tools.bench.checkout import checkout, configure
from tools.bench.measuring import CommandFailed, measured
from tools.deploy.engine_process import end_with
from tools.deploy.places import ROOT
from tools.deploy.plan_guard import ALLOW
from tools.drill.load import Pages
from tools.drill.timetable import Mode

_CONTROL_SECONDS = 30.0
_EDGE_SECONDS = 180.0
#: As many pages as a visit to a small site has.
_PAGES = 24
_IN_A_ROW = 20
#: How a platform comes back behind a load balancer: in the usual steps, each a minute long like the Worker's, so that
#: all of them fit into a drill.
RECOVERY = {"dwell": 60, "cleanProbes": 1, "longestWait": 60}
_TOKEN = re.compile(r"ALLOW=(p[0-9a-f]{16})")


@dataclass(frozen=True)
class Rehearsal:
    """Its clock runs ``speed`` times as fast as the wall clock, in the Worker also for what brings a platform back."""

    folder: Path
    content: Path
    speed: float

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.folder / "checkout"

    def prepare(self) -> None:
        """Make checkout and content."""
        checkout(ROOT, self.root)
        shutil.copytree(self.content, self.folder / "content")

    def publish(self, mode: Mode, first: str, hosts: list[str]) -> None:
        """Declare the platforms with ``first`` in front, and wait until the edge finds all in order."""
        order = [first, *(name for name in hosts if name != first)]
        configure(self.root, edgeMode=mode, hosts=order, workerLimits=self._limits(), recovery=RECOVERY)
        try:
            self._up({})
        except CommandFailed as refused:
            token = _TOKEN.search(str(refused))
            if token is None:
                raise
            self._up({ALLOW: token[1]})  # another edge takes the place of this one: that is meant
        if mode == "load-balancer":
            self.await_(lambda: set(self.states().values()) == {"healthy"}, "all platforms in order", _EDGE_SECONDS)

    @contextmanager
    def coordinated(self, mode: Mode) -> Iterator[None]:
        """Beside a load balancer runs what brings its platforms back in steps; a Worker does so by itself."""
        if mode == "worker":
            yield
            return
        command = [sys.executable, "-m", "coordinator", "--sandbox"]
        with (
            (self.folder / "coordinator.txt").open("ab") as log,
            subprocess.Popen(
                command, cwd=self.root, env=self.environment, stderr=log, preexec_fn=end_with(os.getpid())
            ) as process,
        ):
            try:
                yield
            finally:
                process.terminate()

    def _up(self, more: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "tools.deploy", "up"]
        measured(command, {**self.environment, **more}, self.folder / "log.txt", cwd=self.root)

    def await_whole(self, platform: str, pages: Pages) -> None:
        """Ask like a visitor until the platform serves everybody; a Worker learns from visitors only."""
        url, in_a_row = self.described["site_url"], 0

        def serves() -> bool:
            nonlocal in_a_row
            for _ in range(_IN_A_ROW):
                by = pages.served_by("/", requests.get(url, timeout=_CONTROL_SECONDS).headers)
                in_a_row = in_a_row + 1 if by in (platform, "") else 0
            return in_a_row >= _IN_A_ROW and self.states().get(platform) == "healthy"

        self.await_(serves, f"{platform} in order", _EDGE_SECONDS)

    def _limits(self) -> dict[str, Any]:
        """The Worker's limits with what brings a platform back at the sandbox's clock; how long it waits stays real."""
        given = WorkerLimits()
        times = ("wait", "longest_wait", "check", "step_time")
        own = {name: max(1, round(getattr(given, name) / self.speed)) for name in times}
        return given.changed(**own).model_dump(by_alias=True, mode="json")

    @property
    def environment(self) -> Mapping[str, str]:
        """Where its state and content are."""
        own = {
            "PEACEFULROBOT_STATE": str(self.folder / "state"),
            "PEACEFULROBOT_CONTENT": str(self.folder / "content"),
            "PEACEFULROBOT_PORT": "0",
            "PEACEFULROBOT_SPEED": f"{self.speed:g}",
        }
        return {**os.environ, **own}

    @property
    def described(self) -> dict[str, Any]:
        """What the running sandbox says of itself."""
        found: dict[str, Any] = json.loads((self.folder / "state" / "world" / "sandbox.json").read_text("utf-8"))
        return found

    def states(self) -> dict[str, str]:
        """Platform → what the edge thinks of it."""
        answer = requests.get(f"{self.described['control_url']}/status", timeout=_CONTROL_SECONDS)
        answer.raise_for_status()
        return {str(one["name"]): str(one["edge_state"]) for one in answer.json()["platforms"] if one["live_release"]}

    def waited(self) -> float | None:
        """Seconds that the sandbox's main thread, which is the edge, has waited for a processor since it began.

        The second field of schedstat, nanoseconds: https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
        """
        pid = self.described["pid"]
        try:
            return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text("utf-8").split()[1]) / 1e9
        except OSError:
            return None  # another system, or a kernel that keeps no such account

    def break_(self, platform: str, kind: str) -> None:
        """Have a platform fail."""
        url = f"{self.described['control_url']}/faults/{platform}"
        requests.post(url, json={"kind": kind}, timeout=_CONTROL_SECONDS).raise_for_status()

    def heal(self, platform: str) -> None:
        """End its failure."""
        url = f"{self.described['control_url']}/faults/{platform}"
        requests.delete(url, timeout=_CONTROL_SECONDS).raise_for_status()

    def pages(self) -> Pages:
        """Pages that the site answers with a file, the bytes they must have, and each platform's entity tags."""
        files = sorted(path for path in (self.folder / "content").rglob("*.html") if path.name != "404.html")[:_PAGES]
        paths = {self._url_path(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        paths = {path: digest for path, digest in paths.items() if self._answers(path)}
        tags: dict[tuple[str, str], str] = {}
        for name, site in self.described["platforms"].items():
            for path in paths:
                tag = requests.get(site["url"].rstrip("/") + path, timeout=_CONTROL_SECONDS).headers.get("ETag", "")
                tags[path, tag] = "" if (path, tag) in tags else str(name)
        return Pages(paths, {key: name for key, name in tags.items() if name and key[1]})

    def _answers(self, path: str) -> bool:
        url = self.described["site_url"].rstrip("/") + path
        answer = requests.get(url, allow_redirects=False, timeout=_CONTROL_SECONDS)
        return answer.ok and not answer.is_redirect

    def _url_path(self, path: Path) -> str:
        name = path.relative_to(self.folder / "content").as_posix()
        return "/" + name.removesuffix("index.html").removesuffix(".html")

    def await_(self, holds: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until it holds; TimeoutError says what did not."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the sandbox's edge did not find {what} within {seconds:.0f} s")
            time.sleep(0.2)

    def down(self) -> None:
        """Stop its sandbox."""
        command = [sys.executable, "-m", "tools.deploy", "down"]
        subprocess.run(command, env=dict(self.environment), cwd=self.root, check=False, capture_output=True)
