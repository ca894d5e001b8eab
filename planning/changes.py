"""What one change of a stack would bring, and how far each assumption carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from planning.assumptions import Assumption
from planning.model import DRAWS, Estimate, Facts, Stack, estimate
from planning.overlap import MOST_UNITS
from planning.providers import platforms


@dataclass(frozen=True)
class Change:
    """A stack that differs from the declared one."""

    title: str
    """The setting that changes, or what is added."""
    estimate: Estimate


@dataclass(frozen=True)
class Sensitivity:
    """Expected minutes a year at both ends of one assumption's range, all else alike."""

    name: str
    assumption: Assumption
    at_low: float
    at_high: float

    @property
    def swing(self) -> float:
        """Minutes a year between the two ends."""
        return abs(self.at_high - self.at_low)


def changes(stack: Stack, facts: Facts, *, seed: int = 1, draws: int = DRAWS) -> tuple[Change, ...]:
    """One change at a time, and last the best that the model knows."""
    variants = [*_checks(stack), *_platforms(stack, facts), *_edge(stack)]
    found = [Change(title, estimate(variant, facts, seed=seed, draws=draws)) for title, variant in variants]
    return (*found, Change(*_best(stack, facts, seed, draws)))


def sensitivities(stack: Stack, facts: Facts) -> tuple[Sensitivity, ...]:
    """All assumptions that matter for this stack, the weightiest first."""
    found = []
    for name, one in facts.assumptions.items():
        low, high = (estimate(stack, facts.assuming(**{name: value}), draws=0).total for value in (one.low, one.high))
        found.append(Sensitivity(name, one, low, high))
    return tuple(sorted((one for one in found if one.swing > 0), key=lambda one: -one.swing))


def _checks(stack: Stack) -> Iterator[tuple[str, Stack]]:
    if stack.mode == "worker":
        return
    half = stack.interval / 2
    if stack.timeout * (stack.retries + 1) < half:
        yield f"monitorInterval {stack.interval:g} → {half:g}", replace(stack, interval=half)
    yield f"monitorInterval {stack.interval:g} → {stack.interval * 2:g}", replace(stack, interval=stack.interval * 2)
    for down in (stack.down - 1, stack.down + 1):
        if down >= 1:
            yield f"monitorDown {stack.down} → {down}", replace(stack, down=down)


def _platforms(stack: Stack, facts: Facts) -> Iterator[tuple[str, Stack]]:
    more = [name for name in platforms(facts.providers) if name not in stack.hosts]
    if more and len(stack.hosts) + len(more) <= MOST_UNITS:
        yield f"hosts: and {', '.join(more)}", replace(stack, hosts=(*stack.hosts, *more))
    for count in range(len(stack.hosts) - 1, 0, -1):
        kept = stack.hosts[:count]
        title = f"hosts: only {kept[0]}" if count == 1 else f"hosts: only the first {count}"
        yield title, replace(stack, hosts=kept)


def _edge(stack: Stack) -> Iterator[tuple[str, Stack]]:
    if stack.mode == "worker":
        yield "edge: load balancer instead of Worker", replace(stack, mode="load-balancer")
    else:
        yield "edge: Worker instead of load balancer", replace(stack, mode="worker", dns_ttl=None)
    if stack.fronts == 1:
        yield "a second, independent front", replace(stack, fronts=2)


def _best(stack: Stack, facts: Facts, seed: int, draws: int) -> tuple[str, Estimate]:
    """Second front, all known platforms, and the edge and checks that lose least."""
    more = [name for name in platforms(facts.providers) if name not in stack.hosts]
    hosts = (*stack.hosts, *more)[:MOST_UNITS]
    wide, start = replace(stack, hosts=hosts, fronts=2), f"all at once: second front, {len(hosts)} platforms"
    checked = replace(wide, mode="load-balancer", down=1, interval=max(stack.timeout * (stack.retries + 1) + 1, 15))
    titled = {
        f"{start}, Worker": replace(wide, mode="worker", dns_ttl=None),
        f"{start}, monitorDown 1, monitorInterval {checked.interval:g}": checked,
    }
    title = min(titled, key=lambda name: estimate(titled[name], facts, draws=0).total)
    return title, estimate(titled[title], facts, seed=seed, draws=draws)
