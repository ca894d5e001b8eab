"""Puts together what watches the site and what shows it, by the stack's settings."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.applications import Starlette

from coordinator import credentials, places
from coordinator.alerts import opening
from coordinator.alerts.opening import AlertOrder, alert_order
from coordinator.delivery import Parts
from coordinator.deployments import opening as deployments
from coordinator.deployments.opening import Asking
from coordinator.errors import Refused
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


@dataclass(frozen=True)
class WatchOrder:
    """What the watching needs beside the settings; everything in it has been checked."""

    alerts: AlertOrder
    deployments: Asking


def order(stack: str, found: StackSettings, environment: Mapping[str, str] = os.environ) -> WatchOrder:
    """Who is told and who is asked; raises Refused with all mistakes at once."""
    needed = ("alerts.", "deployments.", *deployments.keys_of(found.coordinator))
    secrets, mistakes = credentials.read(found.coordinator, environment, needed)
    if mistakes:
        raise Refused(credentials.report(stack, mistakes))
    return WatchOrder(alert_order(stack, found, environment), Asking(stack, found, secrets))


@asynccontextmanager
async def opened(
    stack: str, found: StackSettings, told: WatchOrder, root: Path, state: Path, parts: Parts
) -> AsyncIterator[None]:
    """Add all tasks that the settings ask for to ``parts``; what they hold is given back at the end.

    Raises DiskRefuses, and Refused where the address to listen on is taken.
    """
    watching, page, metrics = found.coordinator.watching, found.coordinator.status_page, WatchMetrics()
    if watching is None:
        yield
        return
    listener = None if page is None else listening(stack, page.listen)
    internet = places.internet_of(stack)
    async with AsyncExitStack() as held:
        archive = await held.enter_async_context(Archive(archive_file(state, stack)))
        outbox = await held.enter_async_context(opening.opened(told.alerts, state, parts.tasks))
        observation = Observation(
            asked(stack, watching, root), watching, internet, archive, outbox, metrics, parts.beats
        )
        parts.tasks[TASK] = observation.run
        if page is not None and listener is not None:
            held.enter_context(listener)
            await held.enter_async_context(
                deployments.opened(told.deployments, root, archive, metrics, parts.beats, parts.tasks)
            )
            history = await held.enter_async_context(History(history_file(state, stack)))
            speed = places.speed_of(stack)
            reader = _reader(found, archive, history, watching, page, speed)
            parts.ending[PAGE] = partial(_serve, Pages(reader, metrics, parts.beats).app(), listener)
            _log.info("the status page is at %s", _told(listener))
        yield


@asynccontextmanager
async def read_only(stack: str, found: StackSettings, state: Path) -> AsyncIterator[Reader]:
    """A reader of what a coordinator has kept, beside one that runs or without; raises DiskRefuses."""
    watching, page = found.coordinator.watching or Watching(), found.coordinator.status_page or StatusPage()
    async with Archive(archive_file(state, stack)) as archive, History(history_file(state, stack)) as history:
        yield _reader(found, archive, history, watching, page, places.speed_of(stack))


def listening(stack: str, address: str) -> socket.socket:
    """Listen on ``HOST:PORT`` or ``unix:PATH``. Where a port is taken, the sandbox takes any free one.

    Raises Refused for other stacks: whoever looks at the page must find it.
    """
    if address.startswith("unix:"):
        path = Path(address.removeprefix("unix:"))
        path.unlink(missing_ok=True)
        return socket.create_server(str(path), family=socket.AF_UNIX)
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family)
    except (OSError, OverflowError) as error:
        if stack == places.SANDBOX and isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            return socket.create_server((host.strip("[]"), 0), family=family)
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise Refused(
            f"coordinator.statusPage.listen: cannot listen on {address}: {reason}; set another address"
        ) from error


async def _serve(app: Starlette, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve on a socket of its own each time: the server closes what it is given."""
    await serve(app, f"fd://{os.dup(listener.fileno())}", stop)


def _told(listener: socket.socket) -> str:
    name = listener.getsockname()
    if not isinstance(name, tuple):
        return f"unix:{name}"
    return f"http://[{name[0]}]:{name[1]}/" if listener.family == socket.AF_INET6 else f"http://{name[0]}:{name[1]}/"


def history_file(state: Path, stack: str) -> Path:
    """Where deployments are remembered."""
    return state / f"{stack}.history.sqlite"


def _reader(
    found: StackSettings, archive: Archive, history: History, watching: Watching, page: StatusPage, speed: float
) -> Reader:
    interval = watching.seconds_between_looks(speed)
    links = found.coordinator.deployments.links
    return Reader(found.site_name, archive, history, watching, page, interval, links=links)
