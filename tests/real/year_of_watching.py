"""A simulated year of watching: 50 targets, a look every ten seconds; how large the file gets, how quick the page is.

``python -m tests.real.year_of_watching`` takes some minutes. All is kept and summed by the archive's own code; the
waiting and the network are left out, and 90 rounds are written at once. Looks are kept for two days and sums for seven;
so of the days before the last nine only one look in a quarter of an hour is made, which leaves as many rows as all of
them. FULL=yes makes every look, which takes a quarter of an hour of the processor.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from coordinator.status_page.reading import Reader
from coordinator.status_page.rendering import page
from coordinator.watching.archive import DAY, QUARTER, Archive
from coordinator.watching.incidents import Event
from coordinator.watching.targets import Finding
from coordinator.watching_settings import StatusPage, Watching

TARGETS, INTERVAL, AT_ONCE = 50, 10, 90
SPAN = INTERVAL * AT_ONCE
BEGIN = 1_767_225_600.0
"""1 January 2026."""
_OUTAGES_A_DAY = 2
_LOOKS = 20
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Measured:
    """Bytes of the file, seconds of the processor for the quickest and the middle one of the pages, bytes of memory."""

    days: int
    looks: int
    disk: int
    page: float
    """The quickest: others that run on the machine make none quicker."""
    page_middle: float
    page_bytes: int
    packed_bytes: int
    memory_early: int
    memory_late: int
    took: float

    def __str__(self) -> str:
        return (
            f"{TARGETS} targets, a look every {INTERVAL} s, {self.days} days: {self.disk / _MEGABYTE:.0f} MB on disk; "
            f"page of {self.page_bytes:,} bytes ({self.packed_bytes:,} packed) in {self.page * 1000:.0f} ms, the "
            f"middle one of {_LOOKS} in {self.page_middle * 1000:.0f} ms; memory "
            f"{self.memory_early / _MEGABYTE:.0f} MB after a tenth, {self.memory_late / _MEGABYTE:.0f} MB at the end; "
            f"{self.looks:,} looks made in {self.took:.0f} s"
        )


def outputs() -> str:
    """What a stack with so many platforms says of itself."""
    names = [f"platform-{number:02}" for number in range(TARGETS - 2)]
    platforms = [{"name": name, "host_header": f"{name}.example", "url": f"https://{name}.example"} for name in names]
    return json.dumps({"site_url": "https://www.example.org", "platforms": platforms})


class Year:
    """Looks of ``days`` days, the last ``whole`` of them whole, by the clock of the simulation."""

    def __init__(self, days: int, whole: int) -> None:
        self.now, self.random, self.looks = BEGIN, Random(11), 0
        self.end = BEGIN + days * DAY
        self.fine = BEGIN + max(0, days - whole) * DAY
        self.names = ["www.example.org", "dns", *(f"platform-{number:02}" for number in range(TARGETS - 2))]

    def clock(self) -> float:
        """Unix seconds."""
        return self.now

    @property
    def place(self) -> int:
        """Number of the span of a quarter of an hour."""
        return int((self.now - BEGIN) / SPAN)

    def findings(self, steps: int) -> list[Finding]:
        """Of the next rounds; the outage of a day is one target's, for one span."""
        bad = self.names[self.place % TARGETS] if self.is_bad() else ""
        release, speed = f"r{int((self.now - BEGIN) // DAY) // 3:016x}", self.random.uniform(0.05, 0.3)
        return [
            Finding(name, self.now + step * INTERVAL, name != bad, "answers 503" * (name == bad), speed, release, 60.0)
            for name in self.names
            for step in range(steps)
        ]

    def is_bad(self) -> bool:
        """Whether something is wrong in this span: twice a day."""
        return self.place % (DAY // SPAN // _OUTAGES_A_DAY) == 0

    def events(self, number: int) -> list[Event]:
        """An incident with three lines."""
        subject = self.names[self.place % TARGETS]
        return [
            Event("opened", subject, self.now, "answers 503", number),
            Event("noted", subject, self.now + 60, "answers 502", number),
            Event("closed", subject, self.now + SPAN, "is well again", number),
        ]

    async def lived(self, archive: Archive) -> int:
        """All of it; returns the resident bytes after a tenth of the rounds that are made."""
        early, number = 0, 0
        await archive.keep_outputs(outputs())
        while self.now < self.end:
            number += self.is_bad()
            whole = self.now >= self.fine
            findings = self.findings(AT_ONCE if whole else 1)
            await archive.keep(
                findings, self.events(number) if self.is_bad() else (), each=INTERVAL if whole else QUARTER
            )
            self.looks += len(findings)
            self.now += SPAN if whole else QUARTER
            if not early and self.now > BEGIN + (self.end - BEGIN) / 10:
                early = resident()
        return early


async def measured(folder: Path, days: int = 365, whole: int = 9) -> Measured:
    """Live so many days and measure."""
    began, year, path = time.monotonic(), Year(days, whole), folder / "year.sqlite"
    async with Archive(path, year.clock) as archive:
        early = await year.lived(archive)
        late = resident()
        reader = Reader("www.example.org", archive, None, Watching(), StatusPage(), INTERVAL, year.clock)
        took, text = [], ""
        for _ in range(_LOOKS):
            start = time.process_time()
            text = page(await reader.view())
            took.append(time.process_time() - start)
    body, disk = text.encode(), size_of(folder)
    quickest, middle, packed = min(took), sorted(took)[_LOOKS // 2], len(gzip.compress(body))
    return Measured(days, year.looks, disk, quickest, middle, len(body), packed, early, late, time.monotonic() - began)


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(one.stat().st_size for one in folder.iterdir())


def resident() -> int:
    """Bytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(asyncio.run(measured(Path(place), whole=365 if os.environ.get("FULL") else 9)))  # noqa: T201
