"""Puts together what watches the site and what shows it, by the stack's settings."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from coordinator import places
from coordinator.alerts import opening
from coordinator.alerts.opening import AlertOrder
from coordinator.delivery import Parts, refuse_taken
from coordinator.history import History
from coordinator.server import serve
from coordinator.settings import StackSettings
from coordinator.status_page.reading import Reader
from coordinator.status_page.serving import Pages
from coordinator.watching.archive import Archive
from coordinator.watching.metrics import WatchMetrics
from coordinator.watching.observing import Observation, archive_file, asked
from coordinator.watching.watcher import TASK
from coordinator.watching_settings import StatusPage, Watching

_log = logging.getLogger(__name__)
PAGE = "status page"


@asynccontextmanager
async def opened(
    stack: str, found: StackSettings, told: AlertOrder, root: Path, state: Path, parts: Parts
) -> AsyncIterator[None]:
    """Add all tasks that the settings ask for to ``parts``; what they hold is given back at the end.

    ``told`` are the channels for alerts. Raises DiskRefuses, and Refused where the address to listen on is taken.
    """
    watching, page, metrics = found.coordinator.watching, found.coordinator.status_page, WatchMetrics()
    if watching is None:
        yield
        return
    if page is not None:
        refuse_taken(page.listen, "statusPage.listen")
    internet = places.internet_of(stack)
    async with AsyncExitStack() as held:
        archive = await held.enter_async_context(Archive(archive_file(state, stack)))
        outbox = await held.enter_async_context(opening.opened(told, state, parts.tasks))
        observation = Observation(
            asked(stack, watching, root), watching, internet, archive, outbox, metrics, parts.beats
        )
        parts.tasks[TASK] = observation.run
        if page is not None:
            history = await held.enter_async_context(History(history_file(state, stack)))
            speed = places.speed_of(stack)
            reader = _reader(found, archive, history, watching, page, speed)
            parts.ending[PAGE] = partial(serve, Pages(reader, metrics, parts.beats).app(), page.listen)
            _log.info("the status page is at http://%s/", page.listen)
        yield


@asynccontextmanager
async def read_only(stack: str, found: StackSettings, state: Path) -> AsyncIterator[Reader]:
    """A reader of what a coordinator has kept, beside one that runs or without; raises DiskRefuses."""
    watching, page = found.coordinator.watching or Watching(), found.coordinator.status_page or StatusPage()
    async with Archive(archive_file(state, stack)) as archive, History(history_file(state, stack)) as history:
        yield _reader(found, archive, history, watching, page, places.speed_of(stack))


def history_file(state: Path, stack: str) -> Path:
    """Where deployments are remembered."""
    return state / f"{stack}.history.sqlite"


def _reader(
    found: StackSettings, archive: Archive, history: History, watching: Watching, page: StatusPage, speed: float
) -> Reader:
    interval = watching.seconds_between_looks(speed)
    return Reader(found.site_name, archive, history, watching, page, interval)
