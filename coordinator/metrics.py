"""What is counted and measured, for Prometheus.

https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

#: Seconds: an ``ls-remote`` takes one, an unchanged ``up`` half a minute, a large site many minutes.
_BUCKETS = (0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """All of one coordinator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "webhook_answers", "Webhooks by sender and outcome.", ["forge", "outcome"], registry=self.registry
        )
        self.waiting = Gauge("deployments_waiting", "Deployments that are wanted and not done.", registry=self.registry)
        self.deployments = Counter(
            "deployments", "Deployments that ended, by way and result.", ["way", "result"], registry=self.registry
        )
        self.steps = Histogram(
            "deployment_step_seconds", "Time of each step.", ["step"], buckets=_BUCKETS, registry=self.registry
        )
        self.reports_waiting = Gauge(
            "reports_waiting", "Reports that a forge has not taken yet.", ["forge"], registry=self.registry
        )
        self.stuck = Gauge("tasks_stuck", "Tasks that should have said more by now.", registry=self.registry)
        self._success_age = Gauge(
            "deployment_last_success_age_seconds",
            "Time since a deployment last succeeded; NaN before the first.",
            registry=self.registry,
        )
        self.succeeded(None)

    def succeeded(self, moment: float | None) -> None:
        """A deployment succeeded at this Unix time; None where none is known of."""
        self._success_age.set_function(lambda: float("nan") if moment is None else max(0.0, time.time() - moment))

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure a step, however it ends."""
        with self.steps.labels(step).time():
            yield
