"""A platform that lives in memory and keeps every promise of the contract; tests break single ones."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from publisher.errors import PublisherError, StagedDiffers
from publisher.platforms.base import Kept, Platform, Traits
from website import File, Site, read_verified


class MemoryPlatform(Platform):
    name = "memory"
    traits: ClassVar[Traits] = Traits(concurrency=4, stages=True, rolls_back="pointer", custom_headers=True)

    def __init__(self, fail_at: str | None = None) -> None:
        self.target = {}
        self.stored: dict[str, bytes] = {}
        self.staged: dict[str, dict[str, str]] = {}
        self.live_release: str | None = None
        self.calls: list[str] = []
        self.in_flight = self.most_in_flight = 0
        self.fail_at = fail_at

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fail_at:
            self.fail_at = None
            raise PublisherError(f"memory: {name} failed")

    async def find_staged(self, site: Site) -> str | None:
        self._call("find_staged")
        return site.release_id if site.release_id in self.staged else None

    async def missing(self, site: Site) -> list[File]:
        self._call("missing")
        return list({f.sha256: f for f in site.files.values() if f.sha256 not in self.stored}.values())

    async def send(self, file: File) -> None:
        self._call("send")
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0.001)
        self.stored[file.sha256] = read_verified(file)
        self.in_flight -= 1

    async def stage(self, site: Site) -> str:
        self._call("stage")
        self.staged[site.release_id] = {path: file.sha256 for path, file in site.files.items()}
        return site.release_id

    async def check_staged(self, site: Site, staged: str) -> None:
        self._call("check_staged")
        lacking = [path for path, digest in self.staged[staged].items() if digest not in self.stored]
        if lacking:
            raise StagedDiffers("memory: staged copy is not whole", lacking)

    async def publish(self, release: str, staged: str) -> None:
        self._call("publish")
        self.live_release = staged

    async def live(self) -> str | None:
        return self.live_release

    async def kept(self) -> list[Kept]:
        return [Kept(release, release) for release in self.staged]
