"""Deployments in a row, with edits at random: what is served is always the folder, and nothing grows."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from publisher.journal import Journal
from publisher.platforms.base import Platform
from publisher.progress import Silence
from publisher.releasing import publish, upload
from publisher.session import Session
from publisher.verification import PublicOrigin, Thoroughness, verify
from tools.chaos.crashes import Scene, UndisturbedRunFailed, scene
from tools.chaos.findings import Case, errors
from tools.chaos.growth import Growth
from tools.chaos.stage import with_largest_plans
from tools.deploy import releases
from website import Site, load_site

#: Deployments after which everything that is kept for a while has come to its full number, and files that SQLite
#: writes ahead (4 MB for each of three databases) to their full size.
_WARM = 60
_PRIVATE = "publisher"
#: Seconds of the sandbox in one of ours: a day, in which a platform's API takes so many deployments, is 90 s.
_SPEED = 1000


class Soak:
    """``count`` deployments, by the engine or by the publisher alone."""

    def __init__(self, site: Path, random: Random, count: int, *, engine: bool) -> None:
        self.site = site
        self.random = random
        self.count = count
        self.engine = engine

    def cases(self) -> Iterator[Case]:
        """A case for each deployment, and one for what must stay flat."""
        with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
            made = scene(Path(temporary), self.site, self.random, _SPEED)
            if self.engine:
                made.stage.root = with_largest_plans(Path(temporary) / "checkout")
            made.stage.start_sandbox()
            try:
                made.live = made.edited.edit()
                code, output = made.stage.ended("up")
                if code:
                    raise UndisturbedRunFailed(errors(output))
                yield from self._engine(made) if self.engine else self._publisher(made)
            finally:
                made.stage.stop_sandbox()

    def _engine(self, made: Scene) -> Iterator[Case]:
        def deploy(release: str) -> list[str]:
            code, output = made.stage.ended("up")
            return [] if code == 0 else [f"{release}: the run ended with {code}: {errors(output)}"]

        yield from self._deployments(made, "deployments by the engine in a row", deploy)

    def _publisher(self, made: Scene) -> Iterator[Case]:
        os.environ.update(made.stage.sandbox()["environment"])
        with asyncio.Runner() as runner:
            alone = _begun(made)

            def deploy(release: str) -> list[str]:
                return runner.run(alone.deploy(release))

            try:
                yield from self._deployments(made, "deployments by the publisher in a row", deploy)
            finally:
                alone.close()

    def _deployments(self, made: Scene, row: str, deploy: Callable[[str], list[str]]) -> Iterator[Case]:
        growth, warm = Growth(made.stage, [made.stage.folder.parent / _PRIVATE]), max(1, min(_WARM, self.count // 2))
        begun = time.monotonic()
        for number in range(1, self.count + 1):
            started = time.monotonic()
            release = made.edited.edit()
            broken = deploy(release) + made.judge.whole({release})
            growth.deployed(made.edited.releases[release])
            for old in list(made.edited.releases)[:-4]:
                del made.edited.releases[old]
            if number == warm:
                growth.begin()
            yield Case("soak", row, f"{number}: {release}", "served", tuple(broken), time.monotonic() - started)
        sizes = growth.sizes()
        grew = tuple(f"it grew: {size}" for size in sizes if size.grew)
        what = f"after {warm} and after {self.count}: {', '.join(map(str, sizes))}"
        seconds = time.monotonic() - begun
        yield Case("soak", f"{row}: what must stay flat", what, "grew" if grew else "flat", grew, seconds)


@dataclass(frozen=True)
class _Alone:
    """The publisher without the engine: what its resources do, for every platform at once."""

    made: Scene
    places: Sequence[releases.Place]
    cache: Path

    async def deploy(self, release: str) -> list[str]:
        """Upload, publish, verify, with connections of its own; gives what went wrong."""
        site = await asyncio.to_thread(load_site, str(self.made.edited.content), cache=self.cache)
        hosts = {one["name"]: one["host_header"] for one in self.made.stage.ask("GET", "/status")["platforms"]}
        session = Session(cache=self.cache, journal=Journal())
        try:
            each = (self._one(session, site, place, hosts[place.platform]) for place in self.places)
            found = await asyncio.gather(*each, return_exceptions=True)
        finally:
            await session.close()
        return [f"{release}: {type(one).__name__}: {one}" for one in found if isinstance(one, BaseException)]

    async def _one(self, session: Session, site: Site, place: releases.Place, host: str) -> None:
        platform = session.platform(place.platform, place.target)
        platform.check_quotas = _unlimited  # type: ignore[method-assign]  # no plan has room for so many in a day
        try:
            sent = await upload(platform, site, Silence(), session.journal)
            await publish(platform, site.release_id, sent.staged, Silence(), session.journal)
            origin = _origin(platform, host)
            how = Thoroughness(deadline=120)
            await verify(session.http, origin, site, (), Silence(), session.journal, how)
        finally:
            await platform.close()

    def close(self) -> None:
        """Take its cache away."""
        shutil.rmtree(self.cache, ignore_errors=True)


async def _unlimited(now: datetime) -> None:
    del now


def _origin(platform: Platform, host: str) -> PublicOrigin:
    traits = platform.traits
    return PublicOrigin(
        platform.name,
        f"https://{host}",
        host,
        custom_headers=traits.custom_headers,
        cache_control=traits.cache_control,
        content_types=traits.content_types,
        any_splat=traits.any_splat,
    )


def _begun(made: Scene) -> _Alone:
    """Where the stack publishes to, from its state."""
    resources = made.judge.resources()
    found = releases.places({"deployment": {"resources": resources}}, list(made.stage.sandbox()["platforms"]))
    cache = made.stage.folder.parent / _PRIVATE
    return _Alone(made, found, cache)
