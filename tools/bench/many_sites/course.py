"""The whole course: push to every site at once, and wait until each forge shows that its site is live."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tools.bench.many_sites.runners import Job, Runner
from tools.bench.many_sites.stacks import HOSTS, Gathering, Site
from tools.deploy.places import ROOT

_LOOK = 1.0
_PUSHED_AT_ONCE = 8
_READY_SECONDS = 120.0


@dataclass(frozen=True)
class Shown:
    """A site whose forge shows that it is live, and the seconds since its push."""

    stack: str
    forge: str
    seconds: float


@dataclass(frozen=True)
class Course:
    """What came of it."""

    jobs: list[Job]
    shown: list[Shown]
    pushing: float
    """Seconds in which all were pushed."""
    seconds: float
    """Until the last forge showed the last site."""

    def wrong(self) -> list[Job]:
        """Jobs that failed, or made live what another site is."""
        releases = [job.release for job in self.jobs]
        return [job for job in self.jobs if job.code or not job.release or releases.count(job.release) > 1]


def run(folder: Path, count: int, runners: int, limit: float = 7200.0) -> Course:
    """Run it in ``folder``; raises TimeoutError after ``limit`` seconds with the sites that are not live."""
    gathering = Gathering(folder)
    try:
        gathering.start(count)
        with _coordinators(gathering), _runners(gathering, runners) as jobs:
            began = time.monotonic()
            with ThreadPoolExecutor(max_workers=_PUSHED_AT_ONCE) as pool:
                commits = dict(pool.map(lambda site: _pushed(gathering, site), gathering.sites))
            pushing = time.monotonic() - began
            shown = _await(gathering, commits, began, limit)
            return Course(jobs, shown, pushing, time.monotonic() - began)
    finally:
        gathering.stop()


def _pushed(gathering: Gathering, site: Site) -> tuple[str, str]:
    work = gathering.work(site.forge, site.stack)
    (work.folder / "README.md").unlink()
    for name, text in {"index.html": site.stack, "404.html": "Not here"}.items():
        (work.folder / name).write_text(f"<!doctype html><title>{text}</title><p>{text}</p>\n", "utf-8")
    commit = work.commit("The site")
    work.push()
    return site.stack, commit


def _await(gathering: Gathering, commits: dict[str, str], began: float, limit: float) -> list[Shown]:
    left, found = {site.stack: site for site in gathering.sites}, []
    while left:
        for site in list(left.values()):
            if _is_shown(gathering, site, commits[site.stack]):
                found.append(Shown(site.stack, site.forge, time.monotonic() - began))
                del left[site.stack]
        if time.monotonic() - began > limit:
            raise TimeoutError(f"not live within {limit:.0f} s: {', '.join(left)}")
        time.sleep(_LOOK)
    return found


def _is_shown(gathering: Gathering, site: Site, commit: str) -> bool:
    forge = gathering.forges[site.forge]
    if forge.commit_state(site.stack, commit) != forge.success:
        return False
    states = {name: one.state for name, one in forge.environments(site.stack, commit).items()}
    return states == {f"production/{name}": forge.success for name in HOSTS}


@contextmanager
def _coordinators(gathering: Gathering) -> Iterator[None]:
    """One for each stack, in one process."""
    command = [sys.executable, "-m", "tools.bench.many_sites.coordinators", str(gathering.root)]
    variables = {**os.environ, **gathering.secrets()}
    with (gathering.folder / "coordinators.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(gathering.folder / "coordinators"), *gathering.names],
            cwd=ROOT,
            env=variables,
            stdout=log,
            stderr=log,
        )
    try:
        for site in gathering.sites:
            _await_answer(site, process)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _await_answer(site: Site, process: subprocess.Popen[bytes]) -> None:
    """A push that nobody hears is lost here, for the coordinators do not look at the branches themselves."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with requests.Session() as http:
                http.trust_env = False
                http.get(f"http://127.0.0.1:{site.port}/healthz", timeout=10)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the coordinator of {site.stack} does not run; coordinators.log says why")


@contextmanager
def _runners(gathering: Gathering, count: int) -> Iterator[list[Job]]:
    stop, jobs = threading.Event(), list[Job]()
    threads = [threading.Thread(target=Runner(number, gathering, stop, jobs).run) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield jobs
    finally:
        stop.set()
        for thread in threads:
            thread.join()
