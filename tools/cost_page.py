"""Writes ``docs/cost.md`` and its chart from prices, model and the stack prod: ``python -m tools.cost_page``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from planning.figures import amount, dollars
from planning.prices import Row, rows
from tools.cost import report
from tools.cost.summary import Changes, Summary, summary

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cost.md"
CHART = ROOT / "docs" / "cost.svg"
TEMPLATE = Path(__file__).parent / "cost" / "page.md"
STACK = "prod"
_CASES = (Decimal(1), Decimal(100), Decimal(2000))
_SHAPES: Sequence[tuple[str, Changes]] = (
    ("as declared", Changes()),
    ("Worker instead of Load Balancing", Changes(mode="worker")),
    ("only Vercel and Netlify", Changes(hosts=("vercel", "netlify"))),
    ("without AWS", Changes(hosts=("vercel", "netlify", "firebase", "azure", "gitlab"))),
    ("AWS first", Changes(hosts=("aws", "vercel", "netlify", "firebase", "azure", "gitlab"))),
)


def page() -> str:
    """The whole page."""
    text = TEMPLATE.read_text("utf-8")
    for name, value in _parts().items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text.rstrip("\n") + "\n"


def expected() -> Summary:
    """The stack at its own traffic, as of the newest price, so that the page does not change by itself."""
    first = summary(ROOT, STACK)
    newest = max(row.date for _, _, _, row in rows(first.facts.prices))
    return summary(ROOT, STACK, today=newest)


def write() -> None:
    """Write page and chart."""
    from planning.cost_chart import draw

    PAGE.write_text(page(), "utf-8")
    given = expected()
    draw(given.bill, given.facts, STACK, CHART.parent)
    (CHART.parent / "cost.png").unlink()


def _parts() -> dict[str, str]:
    given = expected()
    facts = given.facts
    assumed = [
        (one.text, f"{one.value:g} {one.unit}", f"{one.low:g} to {one.high:g}", f"{one.source} ({one.mark})")
        for one in facts.assumed.values()
    ]
    priced = [_price(*one) for one in rows(facts.prices)]
    return {
        "name": STACK,
        "traffic": report.traffic(given),
        "headline": report.headline(given),
        "hosts": ", ".join(given.bill.declared.hosts),
        "items": report.markdown_table(report.ITEMS, report.item_rows(given)),
        "carriers": report.markdown_table(report.CARRIERS, report.carrier_rows(given)),
        "catches": "".join(f"- **{one.about}**: {one.text}\n" for one in given.catches),
        "shapes": report.markdown_table(["stack", *(f"{amount(size)} GB" for size in _CASES)], _shapes()),
        "assumptions": report.markdown_table(["assumption", "value", "range", "source"], assumed),
        "prices": report.markdown_table(["price", "what", "free", "beyond that", "source", "read", "mark"], priced),
    }


def _shapes() -> Iterator[tuple[str, ...]]:
    """One row for each shape of the stack; a cell for each traffic."""
    for title, changes in _SHAPES:
        found = [summary(ROOT, STACK, _at(changes, size), today=datetime.date.min) for size in _CASES]
        yield (title, *(_cell(one) for one in found))


def _at(changes: Changes, gigabytes: Decimal) -> Changes:
    return Changes(mode=changes.mode, hosts=changes.hosts, gigabytes=gigabytes)


def _cell(given: Summary) -> str:
    lost = given.bill.unserved / given.bill.load.visits
    gone = f"; {lost:.0%} of the visits served by nobody" if lost else ""
    return f"{dollars(given.total)}{' + unknown' if given.bill.unknown else ''}{gone}"


def _price(provider: str, plan: str, item: str, row: Row) -> tuple[str, ...]:
    free = amount(row.free) if isinstance(row.free, Decimal) else str(row.free or "")
    each_day = " a day" if row.period == "day" else ""
    taken = f"{row.each} {row.pool} for {amount(row.per)}" if row.pool else report.price(row)
    name = f"{provider}.{plan}.{item}"
    return (name, row.text, f"{free}{each_day}", taken, row.source, row.date.isoformat(), row.mark)


if __name__ == "__main__":
    write()
