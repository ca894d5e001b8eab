"""What must hold whatever was done: whole releases, nothing made twice, nothing left running."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import psutil
import requests

from tools.chaos.editing import Edited
from tools.chaos.stage import Stage
from tools.deploy import processes
from tools.deploy.engine_process import RUN

_RECORD = "/.well-known/release.json"
#: Pages that both releases share, asked beside those that tell them apart.
_OTHERS = 6
_LOOKS = 5
_ORPHAN_SECONDS = 10.0


@dataclass(frozen=True)
class Before:
    """What there was before a case, to be compared with."""

    deployments: Mapping[str, Counter[str]]


class Judge:
    """Judges one stage."""

    def __init__(self, stage: Stage, edited: Edited, random: Random) -> None:
        self.stage = stage
        self.edited = edited
        self.random = random

    def before(self) -> Before:
        """To be asked before a case begins."""
        platforms = self.stage.ask("GET", "/made")["platforms"]
        return Before({name: Counter(found["deployments"] or []) for name, found in platforms.items()})

    def whole(self, allowed: Collection[str | None]) -> list[str]:
        """Each platform serves one whole release of those allowed (None: none yet)."""
        names = list(self.stage.sandbox()["platforms"])
        with ThreadPoolExecutor(len(names)) as pool:
            found = pool.map(lambda name: self._whole(name, allowed), names)
        return [sentence for some in found for sentence in some]

    def _whole(self, platform: str, allowed: Collection[str | None]) -> list[str]:
        """A platform that switches between two questions serves no mixture: it is asked again."""
        wrong: list[str] = []
        for _ in range(_LOOKS):
            before = self._record(platform)
            wrong = self._differences(platform, before)
            if self._record(platform) == before:
                break
            time.sleep(0.3)
        if before not in allowed:
            return [f"{platform} serves {before}, which is none of {', '.join(map(str, allowed))}"]
        return wrong

    def _record(self, platform: str) -> str | None:
        answer = self.stage.get(_RECORD, platform)
        try:
            return str(answer.json()["release"]) if answer.ok else None
        except (ValueError, KeyError, TypeError):
            return None

    def _differences(self, platform: str, release: str | None) -> list[str]:
        files = self.edited.releases.get(release or "", {})
        return [
            f"{platform} serves {release}, but {path} answers {answer.status_code} with other bytes"
            for path in self._asked()
            if not _right(answer := self.stage.get(path, platform), files.get(path), self._known(path))
        ]

    def _asked(self) -> list[str]:
        """Paths whose bytes the last releases do not agree on, and some that they do."""
        recent = list(self.edited.releases.values())[-3:]
        paths = sorted({path for files in recent for path in files})
        telling = [path for path in paths if len({files.get(path) for files in recent}) > 1]
        same = [path for path in paths if path not in telling]
        return telling + self.random.sample(same, min(_OTHERS, len(same)))

    def _known(self, path: str) -> set[bytes]:
        return {files[path] for files in self.edited.releases.values() if path in files}

    def converged(self, release: str, before: Before) -> list[str]:
        """After the run that follows: everything serves the release, and nothing is there twice."""
        wrong = [
            f"{name} has {live} live after the next run, not {release}"
            for name, live in self.stage.releases().items()
            if live != release
        ]
        return wrong + self.whole({release}) + self._twice(before) + self._unknown_to_the_state()

    def _twice(self, before: Before) -> list[str]:
        wrong = []
        for name, found in self.stage.ask("GET", "/made")["platforms"].items():
            if found["sites"] != 1:
                wrong.append(f"{name} has {found['sites']} sites")
            new = Counter(found["deployments"] or []) - before.deployments.get(name, Counter())
            wrong += [f"{name} was given {release} {times} times" for release, times in new.items() if times > 1]
        return wrong

    def _unknown_to_the_state(self) -> list[str]:
        """What stand-in providers made, and the engine does not know: made twice, or left behind."""
        known = {(found["type"], found.get("id")) for found in self.resources()}
        made = self.stage.ask("GET", "/made")["resources"]
        return [
            f"{kind} {identifier} is there and not in the state"
            for kind, identifiers in made.items()
            for identifier in identifiers
            if (kind, identifier) not in known
        ]

    def resources(self) -> list[dict[str, Any]]:
        """What the engine's state holds."""
        checkpoint = self.stage.state()["checkpoint"]
        found: list[dict[str, Any]] = (checkpoint.get("latest") or {}).get("resources") or []
        return found

    def orphans(self) -> list[str]:
        """Processes of the killed run, or started by the sandbox for it, that are still there after some seconds."""
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while left := self._left():
            if time.monotonic() > deadline:
                return [f"process {pid} ({name}) of the killed run still runs" for pid, name in left.items()]
            time.sleep(0.1)
        return []

    def _left(self) -> dict[int, str]:
        """Process id → name."""
        found = list(processes.below(self.stage.folder))
        with suppress(OSError, ValueError, KeyError):
            found += processes.carrying(RUN, json.loads((self.stage.folder / "run.json").read_text("utf-8"))["id"])
        sandbox = self.stage.sandbox()["pid"]
        names: dict[int, str] = {}
        for one in found:
            with suppress(psutil.Error):  # it ended meanwhile
                names[one.pid] = one.name()
        return {pid: name for pid, name in names.items() if pid != sandbox}


def _right(answer: requests.Response, wanted: bytes | None, known: Collection[bytes]) -> bool:
    """A file as it is in the release; one that is not in it must not be answered with what any release had there."""
    if wanted is None:
        return not (answer.ok and answer.content in known)
    return answer.ok and answer.content == wanted
