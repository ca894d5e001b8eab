"""The answer as tables and as JSON. Contains nothing that the model did not compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, isclose, log10
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table

from planning.changes import Change, Sensitivity, changes, sensitivities
from planning.model import TERMS, Estimate, Facts, Stack, estimate
from planning.rates import YEAR_MINUTES, Cause
from planning.simulation import Simulation, simulate
from planning.verdict import Verdict, judge

_LEAST = 0.01
_SAME = 0.005


@dataclass(frozen=True)
class Answer:
    """Everything that is said about one stack."""

    name: str
    facts: Facts
    found: Estimate
    verdict: Verdict
    simulation: Simulation
    changes: Sequence[Change]
    sensitivities: Sequence[Sensitivity]
    seed: int


def answer(name: str, stack: Stack, facts: Facts, *, seed: int, years: int) -> Answer:
    """Compute all of it."""
    found = estimate(stack, facts, seed=seed)
    lived = simulate(stack, facts, years=years, seed=seed)
    variants, assumed = changes(stack, facts, seed=seed), sensitivities(stack, facts)
    return Answer(name, facts, found, judge(found), lived, variants, assumed, seed)


def sections(given: Answer) -> Iterator[RenderableType]:
    """What is printed, from the answer to its grounds."""
    stack = given.found.stack
    yield f"[bold]Stack {given.name}[/]: {' → '.join(stack.hosts)}, edge: {stack.mode}"
    yield _checks(stack)
    yield ""
    yield f"[bold]{given.verdict.sentence}[/]"
    yield lived(given)
    yield from given.found.notes
    yield terms(given.found)
    yield variants(given)
    yield rates(given)
    yield assumed(given)


def show(given: Answer, console: Console) -> None:
    """Print everything."""
    for part in sections(given):
        console.print(part, highlight=False)


def _checks(stack: Stack) -> str:
    regions = f"{stack.regions} region{'' if stack.regions == 1 else 's'}"
    return (
        f"Checked every {stack.interval:g} s in {regions}, out after {stack.down}, back after {stack.up}; "
        f"{stack.timeout:g} s to answer, {stack.retries} repetitions"
    )


def lived(given: Answer) -> str:
    """What single years look like."""
    one = given.simulation
    half, bad = one.percentiles(50, 95)
    mean = f"{one.mean:.3g} ± {1.96 * one.error:.2g}"
    return (
        f"{len(one.total):,} simulated years (seed {given.seed}): mean {mean} minutes, "
        f"half of them below {half:.3g}, one in twenty above {bad:.3g}; "
        f"{one.within(given.verdict.budget):.0%} lose at most {given.verdict.budget:.2f}"
        f"{'' if given.verdict.reached else ', by luck: the expected loss is above that'}."
    )


def terms(found: Estimate) -> Table:
    """Minutes by cause."""
    caption = "The interval spans what the records leave open. What is assumed is varied in the last table."
    table = Table("lost to", title="Expected downtime in minutes a year", caption=caption)
    table.title_justify = table.caption_justify = "left"
    for head in ("minutes", "90 % interval", "share"):
        table.add_column(head, justify="right")
    for cells in term_rows(found):
        table.add_row(*cells)
    table.add_section()
    table.add_row("total", number(found.total), span(found.total_range), "100 %", style="bold")
    return table


def term_rows(found: Estimate) -> Iterator[tuple[str, str, str, str]]:
    """One row for each term."""
    for key, title in TERMS.items():
        if found.minutes[key] > 0:
            yield title, number(found.minutes[key]), span(found.ranges[key]), f"{found.shares[key]:.1%}"


def variants(given: Answer) -> Table:
    """What one change would bring."""
    table = Table("change", title="What one change would bring", title_justify="left")
    for head in ("minutes", "90 % interval", "difference", "available"):
        table.add_column(head, justify="right")
    for cells in variant_rows(given):
        table.add_row(*cells)
    return table


def variant_rows(given: Answer) -> Iterator[tuple[str, str, str, str, str]]:
    """One row for each change."""
    for one in given.changes:
        other = one.estimate
        difference = f"{other.total - given.found.total:+.2f}"
        yield one.title, number(other.total), span(other.total_range), difference, f"{other.availability:.4%}"


def rates(given: Answer) -> Table:
    """How often what fails, and how that is known."""
    first, last = given.facts.evidence.window
    table = Table("cause", title=f"Rates, from outages {first} to {last} (planning/outages.csv)", title_justify="left")
    table.add_column("a year", justify="right")
    table.add_column("min each", justify="right")
    table.add_column("from")
    for cells in rate_rows(given):
        table.add_row(*cells)
    return table


def rate_rows(given: Answer) -> Iterator[tuple[str, str, str, str]]:
    """One row for each cause; minutes are weighted with the share of requests."""
    for cause in given.found.plan.causes:
        flag = "assumption: " if cause.assumed else ""
        yield cause.title, number(cause.rate), number(cause.marks.burden), f"{flag}{cause.basis}"


def assumed(given: Answer) -> Table:
    """Assumptions and how far they carry."""
    table = Table("assumption", title="Assumptions, the weightiest first", title_justify="left")
    for head in ("value", "range", "total then"):
        table.add_column(head, justify="right")
    table.add_column("source")
    for cells in assumption_rows(given):
        table.add_row(*cells)
    return table


def assumption_rows(given: Answer) -> Iterator[tuple[str, str, str, str, str]]:
    """One row for each assumption that matters for the stack."""
    for one in given.sensitivities:
        it = one.assumption
        then = f"{number(one.at_low)} to {number(one.at_high)}"
        yield it.text, f"{it.value:g} {it.unit}", f"{it.low:g} to {it.high:g}", then, f"{it.source} ({it.mark})"


def number(minutes: float) -> str:
    """Three digits at most, for the model knows no more."""
    if 0 < minutes < _LEAST:
        return f"< {_LEAST}"
    known = float(f"{minutes:.3g}")
    return f"{known:.{max(0, 2 - max(0, floor(log10(known))))}f}" if known else "0"


def span(ends: tuple[float, float]) -> str:
    """An interval; one without width comes from assumed numbers alone."""
    return "assumed" if isclose(*ends, rel_tol=_SAME) else f"{number(ends[0])} to {number(ends[1])}"


def as_json(given: Answer) -> dict[str, Any]:
    """The same for scripts. Minutes are minutes a year; shares and availability 0 to 1."""
    first, last = given.facts.evidence.window
    return {
        "stack": given.name,
        "settings": dataclasses.asdict(given.found.stack),
        "seed": given.seed,
        **_estimate(given.found),
        "terms": {key: _term(given.found, key) for key in TERMS},
        "target": {
            "reached": given.verdict.reached,
            "budget_minutes": given.verdict.budget,
            "broken_by": list(given.verdict.breaking),
            "sentence": given.verdict.sentence,
        },
        "simulation": _simulation(given),
        "changes": [{"change": one.title, **_estimate(one.estimate)} for one in given.changes],
        "window": [first.isoformat(), last.isoformat()],
        "causes": [_cause(one) for one in given.found.plan.causes],
        "assumptions": {one.name: _assumption(one) for one in given.sensitivities},
        "notes": list(given.found.notes),
    }


def _estimate(found: Estimate) -> dict[str, Any]:
    return {"minutes": found.total, "interval": list(found.total_range), "availability": found.availability}


def _term(found: Estimate, key: str) -> dict[str, Any]:
    ends = list(found.ranges[key])
    return {"text": TERMS[key], "minutes": found.minutes[key], "interval": ends, "share": found.shares[key]}


def _simulation(given: Answer) -> dict[str, Any]:
    one = given.simulation
    names = ("5", "50", "95")
    return {
        "years": len(one.total),
        "mean": one.mean,
        "standard_error": one.error,
        "percentiles": dict(zip(names, one.percentiles(5, 50, 95), strict=True)),
        "years_within_budget": one.within(given.verdict.budget),
        "availability": 1 - one.mean / YEAR_MINUTES,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "cause": cause.key,
        "rate": cause.rate,
        "gamma": {"shape": cause.shape, "years": cause.years},
        "minutes_each": cause.marks.burden,
        "assumed": cause.assumed,
        "basis": cause.basis,
    }


def _assumption(one: Sensitivity) -> dict[str, Any]:
    return {**one.assumption.model_dump(), "total_at_low": one.at_low, "total_at_high": one.at_high}
