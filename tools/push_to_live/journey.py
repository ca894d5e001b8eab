"""Follows one push from the author's clone to the statuses at the forge, and notes when each step was done."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import requests

from tools.push_to_live.forges import Forge
from tools.push_to_live.trial import WEBSITE, Trial

_LOOK = 0.05
_SECONDS = 300.0
_ENVIRONMENT = "production"


@dataclass(frozen=True)
class Step:
    """What was done, and the seconds since the push began."""

    name: str
    at: float


@dataclass(frozen=True)
class Journey:
    """One push, on one forge."""

    forge: str
    commit: str
    steps: tuple[Step, ...]

    @property
    def each(self) -> Iterator[tuple[Step, float]]:
        """Every step with the seconds since the one before."""
        before = 0.0
        for step in self.steps:
            yield step, step.at - before
            before = step.at


class TooLong(Exception):
    """A step was not done in time."""


def follow(trial: Trial, forge: Forge, text: str) -> Journey:
    """Push a page with ``text`` in it; the coordinator for the forge runs. Raises TooLong."""
    work, accepted = trial.work(forge), _accepted(trial)
    page = work.folder / "about.html"
    page.write_text(page.read_text("utf-8").replace("</main>", f"<p>{text}</p></main>"), "utf-8")
    commit = work.commit(text)
    began = time.monotonic()
    work.push()
    steps = [Step("git push has returned", time.monotonic() - began)]
    wanted = _wanted(trial, forge, commit, page.read_bytes(), accepted)
    while wanted:
        done = [name for name, holds in wanted.items() if holds()]
        steps += [Step(name, time.monotonic() - began) for name in done]
        for name in done:
            del wanted[name]
        if time.monotonic() - began > _SECONDS:
            raise TooLong(f"not within {_SECONDS:.0f} s: {', '.join(wanted)}\n{trial.log.read_text()[-2000:]}")
        time.sleep(_LOOK)
    return Journey(forge.name, commit, tuple(steps))


def _wanted(trial: Trial, forge: Forge, commit: str, page: bytes, accepted: int) -> dict[str, Callable[[], bool]]:
    """Each step, and how to see that it was done."""
    sites = {str(name): str(one["url"]) for name, one in trial.described["platforms"].items()}
    log = trial.log.stat().st_size
    found: dict[str, Callable[[], bool]] = {
        "webhook answered with 202": lambda: _accepted(trial) > accepted,
        "deployment begins": lambda: f"{commit[:12]}" in _since(trial, log),
    }
    for name, url in sites.items():
        found[f"live on {name}"] = lambda url=url: _serves(url, page)  # type: ignore[misc]
    found["published and verified"] = lambda: "published and verified" in _since(trial, log)
    names = {f"{_ENVIRONMENT}/{name}" for name in sites}
    found[f"statuses of {len(names)} environments at {forge.name}"] = lambda: _all_told(forge, commit, names)
    return found


def _accepted(trial: Trial) -> int:
    counted = re.search(r'^webhook_answers_total\{.*outcome="accepted".*\} (\d+)', trial.ask("/metrics").text, re.M)
    return int(counted[1]) if counted else 0


def _since(trial: Trial, start: int) -> str:
    with trial.log.open("rb") as log:
        log.seek(start)
        return log.read().decode("utf-8", "replace")


def _serves(url: str, page: bytes) -> bool:
    with requests.Session() as http:
        http.trust_env = False
        return http.get(f"{url.rstrip('/')}/about", timeout=10).content == page


def _all_told(forge: Forge, commit: str, names: set[str]) -> bool:
    shown = forge.environments(WEBSITE, commit)
    told = {name for name, one in shown.items() if one.state == forge.success}
    return told >= names and forge.commit_state(WEBSITE, commit) == forge.success
