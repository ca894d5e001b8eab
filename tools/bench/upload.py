"""Our own side of the measurement: what `Upload` does with objects, as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from publisher.platforms.aws import AwsPlatform
from publisher.progress import Silence
from publisher.releasing import send_all
from website import DigestCache, load_site

if TYPE_CHECKING:
    import aiohttp


async def upload(folder: str, bucket: str, cache: Path) -> int:
    """Read the site, compare it with the bucket, send what is missing; returns the number of files sent."""
    site = load_site(folder, cache=cache)
    target = {"bucket": bucket, "region": "us-east-1", "key_value_store_arn": "not used here"}
    no_client = cast("aiohttp.ClientSession", None)  # objects go by a client of their own
    platform = AwsPlatform(target, no_client, DigestCache(cache))
    missing = await platform.missing(site)
    await send_all(platform, missing, Silence())
    await platform.note_objects(site)
    return len(missing)


if __name__ == "__main__":
    print(asyncio.run(upload(sys.argv[1], sys.argv[2], Path(sys.argv[3]))), flush=True)  # noqa: T201 - read by the caller
    # One run in 25 aborted here: a thread of obstore wants the interpreter that is being taken down. The engine kills
    # its plugins, so the publisher does not come to that.
    os._exit(0)
