"""What the prober has found, for Prometheus. It names nothing that the status page does not show to everybody.

https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from coordinator.deployments.found import Runs, Told
from coordinator.watching.targets import Finding


class WatchMetrics:
    """All of one coordinator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def gauge(name: str, said: str, *labels: str) -> Gauge:
            return Gauge(name, said, labels, registry=self.registry)

        self.up = gauge("target_up", "Whether the last look at a target was good: 1 or 0.", "target")
        self.seconds = gauge("target_answer_seconds", "How long the last answer took.", "target")
        self.certificate = gauge("target_certificate_days", "Days until the certificate ends.", "target")
        self.release = gauge("target_release_info", "Release that a target serves.", "target", "release")
        self.looks = Counter("target_looks", "Looks by result.", ["target", "result"], registry=self.registry)
        self.looked = gauge("watching_last_round_timestamp_seconds", "Unix time of the last look at all targets.")
        self.incidents = gauge("incidents_open", "Incidents that are not over.")
        self.releases = gauge("releases_live", "Releases that platforms serve at once; more than 1 is a skew.")
        self.availability = gauge("site_availability_ratio", "Share of this year's watched time that the site was up.")
        self.budget = gauge("site_downtime_left_seconds", "Time that the site may still be down this year.")
        self.platform_api = gauge("platform_api_up", "Whether a platform's API told of deployments: 1 or 0.", "target")
        self.platform_ready = gauge(
            "platform_deployment_ready", "Whether a platform calls its newest deployment ready: 1 or 0.", "target"
        )
        self.platform_made = gauge(
            "platform_deployment_timestamp_seconds", "Unix time of a platform's newest deployment.", "target"
        )
        self.forge_api = gauge("forge_api_up", "Whether a forge told of runs: 1 or 0.", "forge")
        self.forge_well = gauge("forge_last_run_succeeded", "Whether a forge's last run that ended succeeded.", "forge")
        self._released: dict[str, str] = {}
        self.measured(math.nan, math.nan)

    def took(self, findings: Iterable[Finding], open_incidents: int) -> None:
        """One round."""
        for found in findings:
            self.up.labels(found.target).set(found.good)
            self.seconds.labels(found.target).set(found.seconds)
            self.looks.labels(found.target, "good" if found.good else "bad").inc()
            if found.certificate_days is not None:
                self.certificate.labels(found.target).set(found.certificate_days)
            if found.release:
                self._serves(found.target, found.release)
            self.looked.set(found.at)
        self.incidents.set(open_incidents)

    def measured(self, share: float, seconds_left: float, releases: int = 0) -> None:
        """What the status page says of this year; NaN where nothing was measured."""
        self.availability.set(share)
        self.budget.set(seconds_left)
        self.releases.set(releases)

    def platforms_said(self, found: Iterable[Told]) -> None:
        """What the platforms' own APIs say."""
        for one in found:
            self.platform_api.labels(one.name).set(one.unknown_since is None)
            if one.newest is not None:
                self.platform_ready.labels(one.name).set(one.newest.phase == "ready")
                self.platform_made.labels(one.name).set(one.newest.made or math.nan)

    def forge_said(self, found: Runs) -> None:
        """What a forge says."""
        self.forge_api.labels(found.forge).set(found.unknown_since is None)
        last = next((run for run in found.runs if run.state in {"succeeded", "failed"}), None)
        if last is not None:
            self.forge_well.labels(found.forge).set(last.state == "succeeded")

    def _serves(self, target: str, release: str) -> None:
        before = self._released.get(target)
        if before and before != release:
            self.release.remove(target, before)
        self._released[target] = release
        self.release.labels(target, release).set(1)
