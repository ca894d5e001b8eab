"""What forges are told of a deployment: one state for each platform, and one for all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.history import Deployment, HostResult, Outcome, Report, Result, State

TOGETHER = ""
"""In place of a platform's name: the commit's own status."""
_LONGEST = 140
"""Characters of a description. https://docs.github.com/en/rest/deployments/statuses"""


@dataclass(frozen=True)
class Telling:
    """Makes reports. ``hosts`` are the platforms of the stack."""

    forges: Sequence[str]
    hosts: Sequence[str]

    def begun(self, deployment: Deployment) -> list[Report]:
        """It runs."""
        names = [TOGETHER, *self.hosts]
        return self._reports(deployment, [(name, State.RUNNING, "is being published", "") for name in names])

    def ended(self, deployment: Deployment, result: Result, *, final: bool, of: int) -> list[Report]:
        """It ended. While it will be tried again, what has not succeeded still runs."""
        found = {host.name: host for host in result.hosts}
        whole = (TOGETHER, self._whole(result, final=final), _told(deployment, result, final=final, of=of), "")
        single = [
            (name, *self._single(result, found.get(name), final=final), found[name].url if name in found else "")
            for name in self.hosts
        ]
        return self._reports(deployment, [whole, *single])

    def superseded(self, deployment: Deployment, by: str) -> list[Report]:
        """It was to be tried again and will not be, for there is a newer tip."""
        live = {host.name for host in deployment.hosts if host.release and not host.trouble}
        names = [name for name in (TOGETHER, *self.hosts) if name not in live]
        said = f"gave way to {by[:12]}"
        return self._reports(deployment, [(name, State.ERROR, said, "") for name in names])

    @staticmethod
    def _whole(result: Result, *, final: bool) -> State:
        if result.outcome is Outcome.DEPLOYED:
            return State.SUCCESS
        return State.FAILURE if final else State.RUNNING

    @staticmethod
    def _single(result: Result, host: HostResult | None, *, final: bool) -> tuple[State, str]:
        if host is not None and host.release and not host.trouble:
            return State.SUCCESS, f"serves {host.release}"
        if result.outcome is Outcome.DEPLOYED:
            return State.SUCCESS, result.said
        said = host.trouble if host is not None and host.trouble else result.said
        if not final:
            return State.RUNNING, f"{said}; it is tried again"
        return (State.ERROR if host is None else State.FAILURE), said

    def _reports(self, deployment: Deployment, told: Sequence[tuple[str, State, str, str]]) -> list[Report]:
        return [
            Report(forge, deployment.first, host, deployment.tip, state, said[:_LONGEST], url)
            for forge in self.forges
            for host, state, said, url in told
        ]


def _told(deployment: Deployment, result: Result, *, final: bool, of: int) -> str:
    if result.outcome is Outcome.DEPLOYED or final:
        return result.said
    return f"attempt {deployment.attempt} of {of}: {result.said}"
