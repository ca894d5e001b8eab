"""Whether something that should stay as it is grows while deployments are made."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.bench.measuring import bytes_under
from tools.chaos.stage import Stage

#: How much more than before there may be: a share, and something for chance.
_SHARE = 1.25
_SLACK = {
    "memory of this process MB": 16.0,
    "memory of the sandbox MB": 16.0,
    "open files": 16.0,
    "state MB": 1.0,
    "disk of the stack MB": 2.0,
    "disk of the platforms MB": 4.0,
}
PLATFORMS = "disk of the platforms MB"
#: Netlify and Vercel keep every deployment, and with it each content once.
_KEEP_ALL = 2
#: Megabytes that all six together write down of a deployment: lists of files, operations, pipelines, releases.
_RECORDS = 0.02


@dataclass(frozen=True)
class Size:
    """How much there is of something, before and after."""

    what: str
    before: float
    after: float
    room: float = 0.0
    """How much more there is by right."""

    @property
    def grew(self) -> bool:
        """Whether it is more than chance explains."""
        return self.after > self.before * _SHARE + _SLACK[self.what] + self.room

    def __str__(self) -> str:
        by_right = f" ({self.room:.1f} by right)" if self.room else ""
        return f"{self.what} {self.before:.1f} → {self.after:.1f}{by_right}"


class Growth:
    """Looks at one stage, and at the folders that belong to it beside its own."""

    def __init__(self, stage: Stage, beside: Iterable[Path] = ()) -> None:
        self._stage = stage
        self._beside = tuple(beside)
        self._before: dict[str, float] = {}
        self._contents: dict[bytes, int] = {}
        self._begun = (0, 0)
        self._deployments = 0

    def deployed(self, files: Mapping[str, bytes]) -> None:
        """Count a release with these files."""
        self._deployments += 1
        self._contents |= {hashlib.sha256(body).digest(): len(body) for body in files.values()}

    def begin(self) -> None:
        """From here on it should stay as it is."""
        self._before = self._sizes()
        self._begun = (self._deployments, sum(self._contents.values()))

    def sizes(self) -> list[Size]:
        """Before and now."""
        deployments = self._deployments - self._begun[0]
        new = (sum(self._contents.values()) - self._begun[1]) / 1e6
        rooms = {PLATFORMS: _KEEP_ALL * new + _RECORDS * deployments}
        return [Size(what, self._before[what], now, rooms.get(what, 0.0)) for what, now in self._sizes().items()]

    def _sizes(self) -> dict[str, float]:
        gc.collect()
        processes = [psutil.Process(), psutil.Process(self._stage.sandbox()["pid"])]
        own, sandbox = (one.memory_info().rss / 1e6 for one in processes)
        world = bytes_under(self._stage.folder / "world") / 1e6
        disk = sum(map(bytes_under, (self._stage.folder, *self._beside))) / 1e6
        figures = (
            *(own, sandbox, float(sum(one.num_fds() for one in processes))),
            *(self._stage.state_file.stat().st_size / 1e6, disk - world, world),
        )
        return dict(zip(_SLACK, figures, strict=True))
