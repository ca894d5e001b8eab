"""The flow of a release onto one platform: upload what is missing, stage, check, publish.

The same for every platform; each step may be killed at any moment and is finished by the next run.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from publisher.errors import PublisherError, ReleaseGone
from publisher.in_flight import InFlight
from publisher.journal import Entry, Journal
from publisher.platforms.base import Platform
from publisher.progress import Progress
from website import File, Site


@dataclass(frozen=True)
class Uploaded:
    """A release that waits on its platform for the pointer to move."""

    staged: str
    files_sent: int
    """Files of the content; what the publisher generates itself (the release record) is not counted."""
    bytes_sent: int
    """Bytes of these files."""


async def upload(platform: Platform, site: Site, progress: Progress, journal: Journal) -> Uploaded:
    """Bring the release onto the platform without showing it to anybody.

    What an earlier, killed run left complete is taken as it is. Raises LimitExceeded before anything is sent, and the
    platform's own PublisherError.
    """
    started = time.monotonic()
    platform.check_site(site, platform.target)
    staged = await platform.find_staged(site)
    files: list[File] = []
    if staged is None:
        await platform.check_quotas(datetime.now(UTC))
        await progress.say(f"asking {platform.name} what it lacks of {len(site.files)} files")
        files = await platform.missing(site)
        await send_all(platform, files, progress)
        staged = await platform.stage(site)
    await progress.say("checking the staged copy")
    await platform.check_staged(site, staged)
    content = [file for file in files if isinstance(file.source, Path)]
    sent = Uploaded(staged, len(content), sum(file.size for file in content))
    journal.add(
        Entry("upload", platform.name, site.release_id, time.monotonic() - started, sent.files_sent, sent.bytes_sent, 1)
    )
    await progress.say(f"{sent.files_sent} of {len(site.files)} files sent, {sent.bytes_sent:,} bytes", lasting=True)
    return sent


async def recover(platform: Platform, site: Site, progress: Progress, journal: Journal) -> Uploaded:
    """Find the release among those the platform keeps; no file is sent. Raises ReleaseGone, StagedDiffers."""
    started = time.monotonic()
    staged = await find_kept(platform, site.release_id)
    await platform.check_kept(site, staged)
    journal.add(Entry("upload", platform.name, site.release_id, time.monotonic() - started))
    await progress.say("the platform keeps this release; no file is sent", lasting=True)
    return Uploaded(staged, 0, 0)


async def find_kept(platform: Platform, release: str) -> str:
    """Reference of a release that the platform still has; raises ReleaseGone with the list of those that it has."""
    kept = await platform.kept()
    for found in kept:
        if found.release == release:
            return found.staged
    raise ReleaseGone(platform.name, release, [found.release for found in kept])


async def publish(platform: Platform, release: str, staged: str, progress: Progress, journal: Journal) -> None:
    """Move the platform's pointer to the staged release, unless it is there already; then take old releases away."""
    started = time.monotonic()
    if await platform.live() == release:
        await progress.say("already live")
        return
    await progress.say("moving the pointer")
    await platform.publish(release, staged)
    journal.add(Entry("publish", platform.name, release, time.monotonic() - started, calls=1))
    try:
        await platform.prune(release)
    except PublisherError as error:
        await progress.say(f"old releases were not taken away, the next run will: {error}", lasting=True)


async def send_all(platform: Platform, files: Sequence[File], progress: Progress) -> None:
    """Send the files, largest first so that no big one is left for the end, a bounded number at once."""
    total_bytes = sum(file.size for file in files)
    done = Counter[str]()
    flight = InFlight(platform.traits.concurrency)

    async def send(file: File) -> None:
        try:
            await platform.send(file)
        finally:
            flight.leave(file.size)
        done["files"] += 1
        done["bytes"] += file.size
        await progress.say(f"{done['files']} of {len(files)} files, {done['bytes']:,} of {total_bytes:,} bytes")

    try:
        async with asyncio.TaskGroup() as group:
            for file in sorted(files, key=lambda file: -file.size):
                await flight.enter(file.size)
                group.create_task(send(file))
    except ExceptionGroup as failures:
        raise _first_cause(failures) from failures


def _first_cause(failures: ExceptionGroup[Exception]) -> Exception:
    """The publisher's own error of the group, which has the text for the user; else the first."""
    named, _ = failures.split(PublisherError)
    chosen = (named or failures).exceptions[0]
    return _first_cause(chosen) if isinstance(chosen, ExceptionGroup) else chosen
