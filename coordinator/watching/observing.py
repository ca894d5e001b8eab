"""Puts together what watches the site, by the stack's settings."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import stamina

from coordinator.alerts.outbox import Outbox
from coordinator.errors import Unreachable
from coordinator.heartbeats import Heartbeats
from coordinator.project_program import Ask
from coordinator.watching import declared
from coordinator.watching.archive import Archive
from coordinator.watching.declared import Outputs, OutputsUnknown
from coordinator.watching.incidents import Rules, Watch, Window
from coordinator.watching.metrics import WatchMetrics
from coordinator.watching.probe import SECONDS, Prober
from coordinator.watching.watcher import TASK, Watcher
from coordinator.watching_settings import Watching

_log = logging.getLogger(__name__)
#: Real seconds after which the stack is asked again what it declares.
ASKED_AGAIN = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
_SILENT_ROUNDS = 5
"""Rounds that may be missed until what was counted before does not count any more."""
_CONNECTIONS = 200
_PERCENT = 100


@dataclass(frozen=True)
class Internet:
    """How public names are reached: as this machine does, or inside the sandbox."""

    proxy: str = ""
    authorities: str = ""
    """File of the certificate authorities that are believed; empty means this machine's."""
    servers: Sequence[str] = ()
    """Name servers of the zone; empty asks the DNS."""
    speed: float = 1.0
    """Seconds that pass there in a real one."""

    def client(self) -> httpx.AsyncClient:
        """A client that opens a connection for each request, as a visitor's first request does."""
        context = ssl.create_default_context(cafile=self.authorities or None)
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=0)
        return httpx.AsyncClient(
            verify=context, limits=limits, timeout=SECONDS, proxy=self.proxy or None, trust_env=not self.proxy
        )


class Observation:
    """Asks what there is to watch, watches it, and asks again from time to time."""

    def __init__(
        self,
        ask: Ask,
        settings: Watching,
        internet: Callable[[], Internet],
        archive: Archive,
        outbox: Outbox,
        metrics: WatchMetrics,
        beats: Heartbeats,
    ) -> None:
        """``internet`` is asked each time, for a sandbox listens elsewhere after a restart; it raises Unreachable."""
        self._ask = ask
        self._settings = settings
        self._internet = internet
        self._archive = archive
        self._outbox = outbox
        self._metrics = metrics
        self._beats = beats
        self._trouble = ""

    async def run(self) -> None:
        """Until cancelled. While the stack cannot be asked, what it said last is watched on."""
        while True:
            outputs, internet = await self._begun()
            async with internet.client() as http:
                watcher = self._watcher(outputs, internet, http)
                again = time.monotonic() + ASKED_AGAIN
                while time.monotonic() < again and self._is_still(internet):
                    await watcher.step()

    def _is_still(self, internet: Internet) -> bool:
        try:
            return self._internet() == internet
        except Unreachable:
            return False

    async def _begun(self) -> tuple[Outputs, Internet]:
        patient = stamina.retry_context(
            on=self._noted, attempts=None, timeout=None, wait_initial=_FIRST_PAUSE, wait_max=_LONGEST_PAUSE
        )
        async for attempt in patient:
            with attempt:
                self._beats.beat(TASK, "waiting for what there is to watch")
                outputs, are_news = await self._outputs()
                internet = self._internet()
                self._trouble = "" if are_news else self._trouble
                return outputs, internet
        raise OutputsUnknown("never asked")

    async def _outputs(self) -> tuple[Outputs, bool]:
        """What the stack says, and whether it does so now: it is kept for when the stack cannot be asked."""
        try:
            text = await self._ask()
            found = declared.read(text)
        except OutputsUnknown as error:
            if not (kept := await self._archive.outputs()):
                raise
            self._noted(error)
            return declared.read(kept), False
        await self._archive.keep_outputs(text)
        return found, True

    def _noted(self, error: Exception) -> bool:
        """Say once what the trouble is; true when it is one that time can heal."""
        if not isinstance(error, OutputsUnknown | Unreachable):
            return False
        if str(error) != self._trouble:
            self._trouble = str(error)
            _log.warning("what there is to watch is not known anew: %s", error)
        return True

    def _watcher(self, outputs: Outputs, internet: Internet, http: httpx.AsyncClient) -> Watcher:
        interval = self._settings.seconds_between_looks(internet.speed)
        windows = windows_of(self._settings)
        watch = Watch(rules_of(self._settings), declared.public(outputs), windows, _SILENT_ROUNDS * interval + SECONDS)
        return Watcher(
            declared.targets(outputs, self._settings, internet.servers),
            Prober(http),
            watch,
            self._archive,
            self._outbox,
            site=outputs.site,
            interval=interval,
            metrics=self._metrics,
            beats=self._beats,
        )


def rules_of(settings: Watching) -> Rules:
    """How doubt becomes certainty."""
    return Rules(
        failures=settings.failures,
        successes=settings.successes,
        flaps_above=settings.flaps_above / _PERCENT,
        calm_below=settings.calm_below / _PERCENT,
        doubt=settings.doubt,
    )


def windows_of(settings: Watching) -> list[Window]:
    """Announced work."""
    return [
        Window(one.begins.timestamp(), one.ends.timestamp(), frozenset(one.targets), one.every)
        for one in settings.maintenance
    ]


def asked(stack: str, settings: Watching, root: Path) -> Ask:
    """How the stack's outputs are had."""
    return declared.by_file(root / settings.outputs) if settings.outputs else declared.by_engine(stack, root)


def archive_file(state: Path, stack: str) -> Path:
    """Where what was found is kept."""
    return state / f"{stack}.watching.sqlite"
