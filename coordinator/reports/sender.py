"""Sends reports to one forge, the oldest first, until it has taken them. A forge that is down holds up nothing else."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

import stamina

from coordinator.forge_api import ForgeTrouble
from coordinator.history import History, Report
from coordinator.metrics import Metrics

_log = logging.getLogger(__name__)


class Reporter(Protocol):
    """One forge."""

    @property
    def name(self) -> str:
        """In reports."""

    async def open(self, report: Report) -> str:
        """The forge's own id of what the report is about, made once however often this is called.

        Empty where it needs none. Raises ForgeTrouble.
        """

    async def tell(self, report: Report) -> None:
        """Tell the state; telling it twice does no harm. Raises ForgeTrouble."""

    async def close(self) -> None:
        """Close the connections."""


class Sender:
    """One forge's reports. ``pause`` is real seconds between two looks for new ones."""

    def __init__(
        self,
        reporter: Reporter,
        history: History,
        metrics: Metrics,
        *,
        pause: float = 1.0,
        longest_pause: float = 300.0,
    ) -> None:
        self._reporter = reporter
        self._history = history
        self._metrics = metrics
        self._pause = pause
        self._longest_pause = longest_pause

    async def run(self) -> None:
        """For ever."""
        while True:
            patient = stamina.retry_context(
                on=self._worth_another,
                attempts=None,
                timeout=None,
                wait_initial=self._pause,
                wait_max=self._longest_pause,
                wait_jitter=self._pause,
            )
            async for attempt in patient:
                with attempt:
                    while await self.once():
                        pass
            await asyncio.sleep(self._pause)

    async def once(self) -> bool:
        """Send the oldest report that waits; false when there is none. Raises ForgeTrouble where it may go later."""
        report = await self._history.next_report(self._reporter.name)
        self._metrics.reports_waiting.labels(self._reporter.name).set(await self._history.waiting(self._reporter.name))
        if report is None:
            return False
        try:
            with self._metrics.timed("report"):
                await self._send(report)
        except ForgeTrouble as error:
            if not error.final:
                raise
            _log.error("a report of %s is given up: %s", report.host or "the commit", error)
        await self._history.sent(report)
        return True

    async def _send(self, report: Report) -> None:
        if not report.remote and (remote := await self._reporter.open(report)):
            await self._history.name_remote(report, remote)
            report = Report(**{**vars(report), "remote": remote})
        await self._reporter.tell(report)

    def _worth_another(self, error: Exception) -> bool | float:
        if not isinstance(error, ForgeTrouble):
            return False
        _log.warning("%s; reports wait", error)
        return error.patience if error.patience is not None else True
