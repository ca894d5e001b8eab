"""The world the twins live in: time, names, certificates, faults, and what is remembered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.authority import Authority
from sandbox.calls import Calls
from sandbox.store import Store


class Clock:
    """The sandbox's time: runs ``speed`` times as fast as the wall clock."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._wall = time.time()
        self._start = time.monotonic()

    def monotonic(self) -> float:
        """Seconds of sandbox time since some moment."""
        return (time.monotonic() - self._start) * self.speed

    def now(self) -> float:
        """Unix time in the sandbox; starts with the real one."""
        return self._wall + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of sandbox time."""
        await asyncio.sleep(seconds / self.speed)

    def real(self, seconds: float) -> float:
        """Wall-clock seconds that ``seconds`` of sandbox time last; for time-outs."""
        return seconds / self.speed


@dataclass(frozen=True)
class Endpoint:
    """Where a platform's public names are served, on 127.0.0.1."""

    platform: str
    http_port: int
    https_port: int


@dataclass(frozen=True)
class Fault:
    """What is wrong with a platform."""

    kind: str
    """``down`` (connections refused, answers under way are finished), ``crash`` (those are cut too), ``slow``,
    ``wrong-bytes`` (altered bodies), ``error`` (answers 503), ``tls-expired`` (the certificate is out of date) or
    ``api`` (visitors are served; what deploys is answered 503)."""
    seconds: float = 0.0
    """How long a slow platform waits before each answer, wall-clock seconds."""


@dataclass
class World:
    """Shared by all twins of one sandbox."""

    folder: Path
    speed: float = 1.0
    store: Store = field(init=False)
    clock: Clock = field(init=False)
    authority: Authority = field(init=False)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """Platform → where it is served; filled when the listeners are up."""
    faults: dict[str, Fault] = field(default_factory=dict)
    """Platform → what is wrong with it now."""
    calls: Calls = field(default_factory=Calls)
    """Calls of what deploys."""
    _names: list[tuple[str, Callable[[], Sequence[str]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(self.folder)
        self.clock = Clock(self.speed)
        self.authority = Authority(self.folder)

    def serve_names(self, platform: str, names: Callable[[], Sequence[str]]) -> None:
        """Say which public names a platform serves; a name that starts with ``*.`` stands for all below it."""
        self._names.append((platform, names))

    def lookup(self, hostname: str) -> Endpoint | None:
        """Where a public name leads (the sandbox's DNS), or None for an unknown name.

        Case does not matter; an exact name comes before a wildcard.
        """
        asked = hostname.lower().removesuffix(".")
        wildcard = None
        for platform, names in self._names:
            for name in map(str.lower, names()):
                if name == asked:
                    return self.endpoints.get(platform)
                if name.startswith("*.") and asked.endswith(name[1:]):
                    wildcard = wildcard or self.endpoints.get(platform)
        return wildcard
