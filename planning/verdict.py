"""Whether the target is reached, and which term breaks it."""

from __future__ import annotations

from dataclasses import dataclass

from planning.model import TERMS, Estimate
from planning.rates import YEAR_MINUTES

TARGET = 0.99999


@dataclass(frozen=True)
class Verdict:
    """What the estimate says about the target."""

    reached: bool
    """Only if the upper end of the interval stays within the budget too."""
    budget: float
    """Minutes a year that the target allows."""
    breaking: tuple[str, ...]
    """Terms that alone take more than the budget, the largest first; none where only the sum does."""
    sentence: str


def budget(target: float = TARGET) -> float:
    """Minutes a year that may be lost."""
    return (1 - target) * YEAR_MINUTES


def judge(found: Estimate, target: float = TARGET) -> Verdict:
    """Compare an estimate with the target; an interval that was not computed counts as open."""
    allowed = budget(target)
    reached = found.total <= allowed and found.total_range[1] <= allowed
    ordered = sorted(found.minutes, key=lambda key: -found.minutes[key])
    breaking = tuple(key for key in ordered if found.minutes[key] > allowed)
    return Verdict(reached, allowed, breaking, _sentence(found, target, allowed, ordered, breaking))


def _sentence(found: Estimate, target: float, allowed: float, ordered: list[str], breaking: tuple[str, ...]) -> str:
    expected = f"the model expects {found.total:.3g} minutes a year (90 % interval: {_span(found.total_range)})"
    goal = f"{target * 100:.5g} %"
    if found.total <= allowed:
        if found.total_range[1] <= allowed:
            return f"{goal} is reached in this model: {expected}, and {allowed:.2f} are allowed."
        return f"{goal} is not shown: {expected}; {allowed:.2f} are allowed, and the upper end is above them."
    start = f"{goal} is not reached: {expected}, and {allowed:.2f} are allowed."
    if not breaking:
        largest, next_one = ordered[0], ordered[1]
        return (
            f"{start} No term breaks it alone, their sum does; the largest are “{TERMS[largest]}” "
            f"({found.minutes[largest]:.2g}) and “{TERMS[next_one]}” ({found.minutes[next_one]:.2g})."
        )
    worst = breaking[0]
    times = found.minutes[worst] / allowed
    others = "".join(f" So does “{TERMS[key]}” ({found.minutes[key]:.3g})." for key in breaking[1:])
    return (
        f"{start} The term that breaks it is “{TERMS[worst]}”: {found.minutes[worst]:.3g} minutes, "
        f"{times:.2g} times what is allowed, by itself.{others}"
    )


def _span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3g} to {ends[1]:.3g}"
