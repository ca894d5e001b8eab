"""Our own side beside a platform's client: a whole release, from the folder to live, as a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.session import Session
from website import load_site


async def release(name: str, target: Mapping[str, str], folder: str, cache: Path) -> int:
    """Upload, check and publish; returns the number of files sent."""
    site = load_site(folder, cache=cache)
    session = Session(cache=cache)
    try:
        platform = session.platform(name, target)
        sent = await upload(platform, site, Silence(), session.journal)
        await publish(platform, site.release_id, sent.staged, Silence(), session.journal)
        await platform.close()
    finally:
        await session.close()
    return sent.files_sent


if __name__ == "__main__":
    print(asyncio.run(release(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))))  # noqa: T201 - read by the caller
