"""What was measured, held against what is promised: ratios of one run on one machine."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools.bench.measuring import Figures


@dataclass(frozen=True)
class Series:
    """The rounds of one way (ours or another tool's) in one scenario."""

    part: str
    scenario: str
    way: str
    runs: tuple[Figures, ...]

    @property
    def smallest(self) -> float:
        """Wall seconds of the fastest round: what is least disturbed by other work on the machine."""
        return min(one.wall for one in self.runs)

    @property
    def median(self) -> float:
        """Wall seconds."""
        return statistics.median(one.wall for one in self.runs)

    @property
    def cpu(self) -> float:
        """Median seconds of CPU, of this process and its children."""
        return statistics.median(one.cpu for one in self.runs)

    @property
    def memory(self) -> float:
        """Largest peak memory in megabytes."""
        return max(one.memory for one in self.runs)


@dataclass(frozen=True)
class Claim:
    """What is promised of one way beside others.

    ``ratio``: at most ``allowed`` times the fastest of the others. ``more``: at most ``allowed`` seconds more than it.
    ``slowest``: at most ``allowed`` times the slowest of the others. ``memory``: at most ``allowed`` megabytes, with no
    others. ``size``: at most ``allowed`` times the megabytes of the others.
    """

    part: str
    scenario: str
    way: str
    others: tuple[str, ...]
    allowed: float
    kind: Literal["ratio", "slowest", "more", "memory", "size"] = "ratio"


@dataclass(frozen=True)
class Judged:
    """A claim with what came of it; ``found`` is of the smallest walls, ``typical`` of the medians."""

    claim: Claim
    beside: str
    found: float
    typical: float

    @property
    def kept(self) -> bool:
        """Whether the claim holds by the smallest walls."""
        return self.found <= self.claim.allowed


def judged(claims: Iterable[Claim], found: Sequence[Series]) -> list[Judged]:
    """Each claim that something was measured for."""
    known = {(one.part, one.scenario, one.way): one for one in found}
    results = []
    for claim in claims:
        ours = known.get((claim.part, claim.scenario, claim.way))
        others = [one for way in claim.others if (one := known.get((claim.part, claim.scenario, way)))]
        if ours and (others or claim.kind == "memory"):
            results.append(_judge(claim, ours, others))
    return results


def _judge(claim: Claim, ours: Series, others: Sequence[Series]) -> Judged:
    if claim.kind == "memory":
        return Judged(claim, "", ours.memory, ours.memory)
    if claim.kind == "size":
        least = min(others, key=lambda one: one.memory)
        return Judged(claim, least.way, ours.memory / least.memory, ours.memory / least.memory)
    choose = max if claim.kind == "slowest" else min
    beside = choose(others, key=lambda one: one.smallest)
    typical = choose(one.median for one in others)
    if claim.kind == "more":
        return Judged(claim, beside.way, ours.smallest - beside.smallest, ours.median - typical)
    return Judged(claim, beside.way, ours.smallest / beside.smallest, ours.median / typical)


def grouped(runs: Mapping[tuple[str, str, str], Sequence[Figures]]) -> list[Series]:
    """Series of what was measured, by (part, scenario, way), in the order in which it came."""
    return [Series(*key, tuple(figures)) for key, figures in runs.items() if figures]


def as_json(found: Sequence[Series], claims: Sequence[Judged]) -> dict[str, Any]:
    """Everything for programs: seconds and megabytes."""
    return {
        "measured": [
            {
                "part": one.part,
                "scenario": one.scenario,
                "way": one.way,
                "runs": [asdict(run) for run in one.runs],
            }
            for one in found
        ],
        "claims": [
            {
                "part": one.claim.part,
                "scenario": one.claim.scenario,
                "way": one.claim.way,
                "beside": one.beside,
                "kind": one.claim.kind,
                "allowed": one.claim.allowed,
                "found": one.found,
                "typical": one.typical,
                "kept": one.kept,
            }
            for one in claims
        ],
    }


def markdown(found: Sequence[Series], claims: Sequence[Judged]) -> str:
    """Both tables: what was measured, and what was promised."""
    lines = [
        "| part | scenario | way | wall, smallest / median | CPU, median | megabytes, most | rounds |",
        "|---|---|---|---|---|---|---|",
        *map(_row, found),
    ]
    if claims:
        lines += ["", "| part | scenario | beside | promised | found (median) | kept |", "|---|---|---|---|---|---|"]
    for one in claims:
        claim = one.claim
        beside = one.beside or "peak memory"
        lines.append(
            f"| {claim.part} | {claim.scenario} | {beside} | {_amount(claim, claim.allowed)} "
            f"| {_amount(claim, one.found)} ({_amount(claim, one.typical)}) | {'yes' if one.kept else 'no'} |"
        )
    return "\n".join(lines)


def _row(one: Series) -> str:
    least = "at least " if any(run.stopped for run in one.runs) else ""
    times = f"{least}{one.smallest:.2f} / {one.median:.2f} s | {one.cpu:.2f} s" if one.smallest else "– | –"
    size = f"{one.memory:.0f}" if one.memory >= 10 else f"{one.memory:.2f}"
    return f"| {one.part} | {one.scenario} | {one.way} | {times} | {size} MB | {len(one.runs)} |"


def _amount(claim: Claim, value: float) -> str:
    if claim.kind == "more":
        return f"{value:+.2f} s"
    return f"{value:.0f} MB" if claim.kind == "memory" else f"{value:.2f} ×"
