"""Writes ``docs/availability.md`` from what the model says of the stack prod: ``python -m tools.availability_page``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from planning.model import TERMS, Facts, Stack, estimate, load_facts
from planning.providers import Provider, platforms
from planning.records import Outage
from planning.verdict import TARGET, budget, judge
from tools.availability import report
from tools.availability.declared import declared, modelled

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "availability.md"
TEMPLATE = Path(__file__).parent / "availability" / "page.md"
STACK = "prod"
SEED = 1
YEARS = 10_000


def page() -> str:
    """The whole page."""
    text = TEMPLATE.read_text("utf-8")
    for name, value in _parts().items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text.rstrip("\n") + "\n"


def _parts() -> dict[str, str]:
    """What stands in place of each name in the template."""
    facts = load_facts()
    stack = modelled(declared(ROOT, STACK))
    given = report.answer(STACK, stack, facts, seed=SEED, years=YEARS)
    first, last = facts.evidence.window
    variants = ["change", "minutes a year", "90 % interval", "difference", "available"]
    columns = ["date", "provider", "because of", "minutes", "share", "kind", "source", "mark"]
    assumed = ["assumption", "value", "range", "minutes in all then", "source"]
    return {
        "name": STACK,
        "target": f"{TARGET * 100:.5g} %",
        "budget": f"{budget():.2f}",
        "stack": _stack(given),
        "changes": _table(variants, report.variant_rows(given)),
        "platforms": _all_platforms(stack, facts),
        "steps": _table(["step", "minutes a year", "90 % interval", "largest then", "met"], _rows_left(stack, facts)),
        "window": f"{first} to {last}",
        "rates": _table(["cause", "outages a year", "minutes each, times share", "from"], report.rate_rows(given)),
        "records": _table(columns, _records(facts)),
        "providers": _table(["provider", "stands on", "promise"], _providers(facts)),
        "assumptions": _table(assumed, report.assumption_rows(given)),
    }


def _stack(given: report.Answer) -> str:
    head = ["lost to", "minutes a year", "90 % interval", "share"]
    total = ("**total**", f"**{report.number(given.found.total)}**", report.span(given.found.total_range), "100 %")
    notes = "".join(f"{note}\n\n" for note in given.found.notes)
    return (
        f"Platforms: {', '.join(given.found.stack.hosts)}.\n\n{given.verdict.sentence}\n\n{notes}"
        f"{_table(head, [*report.term_rows(given.found), total])}\n{report.lived(given)}\n"
    )


def _all_platforms(stack: Stack, facts: Facts) -> str:
    """One front before more and more of the platforms that the model knows: the stack's own first."""
    order = _every_platform(stack, facts)
    rows = []
    for count in range(1, len(order) + 1):
        found = estimate(replace(stack, hosts=order[:count]), facts, draws=0)
        behind = sum(found.minutes[key] for key in ("overlap", "beta", "detection"))
        rows.append((", ".join(order[:count]), report.number(behind), report.number(found.total)))
    return _table(["platforms, in this order", "minutes behind the front", "minutes in all"], rows)


def _every_platform(stack: Stack, facts: Facts) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*stack.hosts, *platforms(facts.providers))))


def _steps(stack: Stack, facts: Facts) -> Iterator[tuple[str, Stack, Facts]]:
    everything = _every_platform(stack, facts)
    fronts = replace(stack, hosts=everything, fronts=2)
    worker = replace(fronts, mode="worker")
    own = {name: facts.assumptions[name].low for name in ("bad_deploy", "certificate_per_year", "domain_per_year")}
    careful = facts.assuming(**own)
    names = ("front_switch_seconds", "beta_front", "beta")
    apart = careful.assuming(**{name: facts.assumptions[name].low for name in names})
    yield "as declared", stack, facts
    if len(everything) > len(stack.hosts):
        yield f"all {len(everything)} platforms", replace(stack, hosts=everything), facts
    yield "two independent fronts", fronts, facts
    yield "every failure tried again on the next platform within the request (Worker)", worker, facts
    yield "our own mistakes at the low end of what is assumed", worker, careful
    yield "both fronts and all platforms as independent, and fronts left as fast, as is assumed at best", worker, apart


def _rows_left(stack: Stack, facts: Facts) -> Iterator[Sequence[str]]:
    """What is left after each step towards the target."""
    for title, variant, believed in _steps(stack, facts):
        found = estimate(variant, believed, seed=SEED)
        largest = max(found.minutes, key=lambda key: found.minutes[key])
        met = "yes, in this model" if judge(found).reached else "no"
        yield title, report.number(found.total), report.span(found.total_range), TERMS[largest], met


def _records(facts: Facts) -> Iterator[Sequence[str]]:
    for row in facts.records:
        share, kind = (f"*{text}*" if name in row.assumed else text for name, text in _cells(row))
        minutes = f"{row.minutes:g} ({row.minutes_most:g})" if row.minutes else "not given"
        yield str(row.date), row.provider, row.cause, minutes, share, kind, row.source, row.mark


def _cells(row: Outage) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("share", f"{row.share:.3g}"), ("kind", row.kind)


def _providers(facts: Facts) -> Iterator[Sequence[str]]:
    for provider in facts.providers.values():
        if provider.stands_on or provider.sla:
            footing = "; ".join(f"{one.extent} {one.on} ({one.source}; {one.mark})" for one in provider.stands_on)
            yield provider.name, footing or "itself", _promise(provider)


def _promise(provider: Provider) -> str:
    if not provider.sla:
        return "none"
    note = f", {provider.sla_note}" if provider.sla_note else ""
    return f"{provider.sla * 100:g} %{note} ({provider.sla_source}; {provider.sla_mark})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
