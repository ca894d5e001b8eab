"""What came of each thing that was tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One thing that was tried."""

    part: str
    """``crash``, ``faults`` …"""
    row: str
    """What it has in common with others, as a line of the report."""
    what: str
    """What sets it apart from them."""
    outcome: str
    """What came of it, in a word or two: counted in the report."""
    broken: tuple[str, ...] = ()
    """What should have held and did not, a sentence each."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Row:
    """All cases of one line of the report."""

    part: str
    name: str
    cases: Sequence[Case]
    outcomes: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcomes", Counter(case.outcome for case in self.cases))

    @property
    def broken(self) -> int:
        """Cases in which something did not hold."""
        return sum(bool(case.broken) for case in self.cases)


def rows(cases: Sequence[Case]) -> list[Row]:
    """The cases by line, in the order in which they came."""
    found: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.part, case.row), []).append(case)
    return [Row(part, name, some) for (part, name), some in found.items()]


def errors(output: str) -> str:
    """What a run said of its errors: each line that names one and the two after it; the end where none does."""
    lines = [line.strip() for line in output.splitlines() if line.strip(" │└┌─┐┘├┤")]
    named = [" ".join(lines[place : place + 3]) for place, line in enumerate(lines) if "error:" in line.lower()]
    return " / ".join(dict.fromkeys(named))[:2000] or output[-1000:]
