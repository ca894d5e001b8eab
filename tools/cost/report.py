"""The summary as tables, as JSON and as Markdown. Contains nothing that the model did not compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from planning.cost import Carrier, Line
from planning.figures import amount, dollars, plural
from planning.prices import Row
from planning.traffic import GB as GIGA
from planning.traffic import MB
from tools.cost.summary import Alone, Summary

ITEMS = ("provider", "item", "quantity", "free", "left", "beyond that", "cost", "what then")
CARRIERS = ("platform", "visits", "GB", "days of the month", "alone it would serve, a month")
#: Catches that a merge request must show; the others are for whoever asks.
GRAVE = frozenset({"unserved", "stops", "ended", "unknown", "outdated"})


def show(given: Summary, console: Console) -> None:
    """Print everything."""
    for part in sections(given):
        console.print(part, highlight=False)


def sections(given: Summary) -> Iterator[RenderableType]:
    """What is printed, from the answer to its grounds."""
    stack = given.bill.declared
    yield f"[bold]Stack {escape(given.name)}[/]: {' → '.join(stack.hosts)}, edge: {stack.mode}"
    yield traffic(given)
    yield ""
    yield f"[bold]{escape(headline(given))}[/]"
    yield _table("The month, item by item", ITEMS, item_rows(given), right=(2, 3, 4, 6))
    yield _table("Who serves the visitors", CARRIERS, carrier_rows(given), right=(1, 2))
    for one in given.catches:
        yield f"[yellow]![/] {escape(f'{one.about}: {one.text}')}"
    yield "* from memory or of an unconfirmed source; each price with source and date is in planning/prices.toml"


def headline(given: Summary) -> str:
    """The sum, what it leaves out, and the budget."""
    unknown = given.bill.unknown
    more = f", and what is unknown: {', '.join(unknown)}" if unknown else ""
    return f"{dollars(given.total)} a month{more}. {verdict(given)}"


def verdict(given: Summary) -> str:
    """Whether the budget is kept."""
    if given.budget is None:
        return "No budget is stated, and Load Balancing is never free: set one (`budget`)."
    kept = "keeps" if given.within_budget else "exceeds"
    return f"That {kept} the budget of {dollars(given.budget)}."


def traffic(given: Summary) -> str:
    """The month in one sentence."""
    load = given.bill.load
    size = load.site_gigabytes * GIGA / MB
    cached = f", {load.cached:.0%} from Cloudflare's cache" if load.cached else ""
    site = f"{amount(load.files)} files, {amount(size.quantize(Decimal('0.01')))} MB"
    assumed = " (assumed)" if given.guessed_site else ""
    visit = f"{amount(load.gigabytes * 1000)} MB and {amount(load.requests)} requests"
    return (
        f"{amount(load.visits)} visits a month of {visit}: "
        f"{amount(load.all_gigabytes)} GB{cached}; {amount(load.deploys)} releases a month; site: {site}{assumed}"
    )


def item_rows(given: Summary) -> Iterator[tuple[str, ...]]:
    """One row for each item."""
    for line in given.bill.lines:
        yield (
            line.provider,
            line.row.text,
            quantity(line),
            free(line),
            left(line),
            price(line.row),
            cost(line),
            then(line),
        )
    for name in given.bill.without_prices:
        yield (name, "everything", "", "unknown", "unknown", "unknown", "unknown", "no price is written down")


def quantity(line: Line) -> str:
    """Units, with their period if it is a day."""
    return f"{amount(line.quantity)}{units(line)}"


def units(line: Line) -> str:
    """The unit, and ``a day`` where that is the period."""
    return f" {plural(line.row.unit, line.quantity)}{' a day' if line.row.period == 'day' else ''}"


def free(line: Line) -> str:
    """What costs nothing."""
    if line.row.pool:
        return f"{line.row.each} {line.row.pool} for {amount(line.row.per)} {plural(line.row.unit, line.row.per)}"
    return amount(line.row.free) if isinstance(line.row.free, Decimal) else str(line.row.free)


def left(line: Line) -> str:
    """Headroom until the free part ends."""
    if line.row.pool:
        return ""
    if line.headroom is None:
        return str(line.row.free)
    share = f" ({1 - line.used:.0%})" if line.used is not None and line.used <= 1 else ""
    return f"{amount(line.headroom)}{share}"


def price(row: Row) -> str:
    """What more costs."""
    doubt = "*" if row.mark == "M" else ""
    if row.pool or row.end == "credit":
        return ""
    if row.tiers:
        return (
            f"${row.tiers[0][1]} a {row.unit}, from {amount(Decimal(str(row.tiers[0][0])))} {row.unit} on less{doubt}"
        )
    if row.price is None:
        return "none to be had" if row.free != "unlimited" else "no price"
    if row.price == "unknown":
        return "unknown"
    return f"${row.price} for {amount(row.per)} {plural(row.unit, row.per)}{doubt}"


def cost(line: Line) -> str:
    """Dollars of this item."""
    if line.row.pool:
        return ""
    if line.row.end == "credit":
        return "deducted"
    return dollars(line.cost)


def then(line: Line) -> str:
    """What happens when the free part ends."""
    return f"{line.row.end}: {line.row.then}" if line.row.end else f"taken from the {line.row.pool}"


def carrier_rows(given: Summary) -> Iterator[tuple[str, ...]]:
    """One row for each platform, in failover order."""
    rooms = {one.platform: one for one in given.alone}
    each = given.bill.load.gigabytes
    for one in given.bill.carriers:
        yield (one.platform, amount(one.visits), amount(one.visits * each), days(one), room(rooms[one.platform], each))


def days(one: Carrier) -> str:
    """When it serves."""
    if one.stopped:
        return f"day {one.first_day:.1f} to {one.last_day:.1f}, then out"
    return f"day {one.first_day:.1f} to the end" if one.visits else "stands by"


def room(one: Alone, each: Decimal) -> str:
    """What a platform has room for by itself."""
    said = []
    if one.first_charge:
        said.append(f"{amount(one.first_charge[0] * each)} GB free ({one.first_charge[1].row.text})")
    if one.visits is None or one.weakest is None:
        return ", ".join([*said, "no end"])
    return ", ".join([*said, f"{amount(one.visits * each)} GB until it stops ({one.weakest.row.text})"])


def as_json(given: Summary) -> dict[str, Any]:
    """The same for scripts. Money is text in dollars, quantities are numbers of the unit in each period."""
    load = given.bill.load
    return {
        "stack": given.name,
        "hosts": list(given.bill.declared.hosts),
        "edge": given.bill.declared.mode,
        "traffic": {
            "visits": float(load.visits),
            "gigabytes": float(load.all_gigabytes),
            "requests_of_a_visit": float(load.requests),
            "cached": float(load.cached),
            "deploys": float(load.deploys),
            "site_gigabytes": float(load.site_gigabytes),
            "files": float(load.files),
            "site_is_assumed": given.guessed_site,
        },
        "total": str(given.total),
        "unknown": list(given.bill.unknown),
        "providers": {name: str(value) for name, value in given.bill.by_provider.items()},
        "budget": None if given.budget is None else str(given.budget),
        "within_budget": given.within_budget,
        "items": {line.key: _item(line) for line in given.bill.lines},
        "carriers": [_carrier(one) for one in given.bill.carriers],
        "unserved_visits": float(given.bill.unserved),
        "catches": [{"kind": one.kind, "about": one.about, "text": one.text} for one in given.catches],
        "assumptions": {
            name: {"value": one.value, "low": one.low, "high": one.high, "unit": one.unit, "text": one.text}
            for name, one in given.facts.assumed.items()
        },
    }


def _item(line: Line) -> dict[str, Any]:
    row = line.row
    known = line.cost
    return {
        "plan": line.plan,
        "text": row.text,
        "quantity": float(line.quantity),
        "unit": row.unit,
        "period": row.period,
        "free": float(row.free) if isinstance(row.free, Decimal) else row.free,
        "headroom": None if line.headroom is None else float(line.headroom),
        "cost": "unknown" if known is None else str(known.normalize() + 0),
        "pool": row.pool or None,
        "end": row.end,
        "then": row.then,
        "source": row.source,
        "date": row.date.isoformat(),
        "mark": row.mark,
    }


def _carrier(one: Carrier) -> dict[str, Any]:
    return {
        "platform": one.platform,
        "visits": float(one.visits),
        "from_day": float(one.first_day),
        "to_day": float(one.last_day),
        "stopped": one.stopped,
        "weakest": one.weakest.key if one.weakest else None,
    }


def as_markdown(given: Summary) -> str:
    """For a comment on a merge request: the sum, what is charged, and what is grave."""
    charged = [line for line in given.bill.lines if line.cost is None or line.cost > 0]
    rows = [(line.provider, line.row.text, quantity(line), price(line.row), cost(line)) for line in charged]
    grave = [one for one in given.catches if one.kind in GRAVE]
    rest = [one for one in given.catches if one.kind not in GRAVE]
    told = "".join(f"- **{one.about}**: {one.text}\n" for one in grave)
    more = "".join(f"- {one.about}: {one.text}\n" for one in rest)
    return (
        f"**Cost of {given.name}: {headline(given)}**\n\n{traffic(given)}.\n\n"
        f"{markdown_table(('provider', 'item', 'quantity', 'beyond what is free', 'cost'), rows)}\n"
        f"{told}\n<details><summary>Catches</summary>\n\n{more}\n</details>\n"
    )


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]] | Iterator[Sequence[str]]) -> str:
    """Rows as a table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n" for cells in lines)


def _table(title: str, heads: Sequence[str], rows: Iterator[tuple[str, ...]], right: Sequence[int] = ()) -> Table:
    table = Table(title=title, title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number in right else "left")
    for cells in rows:
        table.add_row(*(escape(cell) for cell in cells))
    return table
