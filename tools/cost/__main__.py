"""Command line: ``python -m tools.cost``; ``make cost`` runs it."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
from rich.console import Console

from planning.consumption import Mode
from tools.cost import report
from tools.cost.summary import Changes, Summary, summary
from tools.deploy.commands import friendly
from tools.deploy.places import SANDBOX, find
from tools.deploy.report import wide


class Number(click.ParamType[Decimal]):
    """A decimal number within bounds, exact as it is written. Beyond them, cents would be lost to its precision."""

    name = "number"

    def __init__(self, least: str = "0", most: int = 10**12) -> None:
        self._least, self._most = Decimal(least), most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The number; anything else is a usage error."""
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no number", param, ctx)
        if not found.is_finite() or not self._least <= found <= self._most:
            self.fail(f"{value!r} is not from {self._least} to {self._most:,}", param, ctx)
        return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack", "name", default=SANDBOX, show_default=True, help="Stack: Pulumi.STACK.yaml.")
@click.option("--visits", type=Number(), help="Visits a month.")
@click.option("--page-weight", type=Number("0.001", 10_000_000), help="Kilobytes that a visit transfers.")
@click.option("--traffic", "gigabytes", type=Number(), help="Gigabytes that all visits of a month transfer.")
@click.option("--requests", type=Number("1", 100_000), help="Requests of a visit.")
@click.option("--deploys", type=Number("0", 100_000), help="Releases a month.")
@click.option("--measured", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="See docs/cost.md.")
@click.option("--hosts", default="", help="Other platforms than the stack's, with commas, in failover order.")
@click.option("--edge", "mode", type=click.Choice(["load-balancer", "worker"]), help="Another edge than the stack's.")
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
@click.option("--charts", type=click.Path(path_type=Path), help="Folder for the pictures.")
def main(
    name: str,
    visits: Decimal | None,
    page_weight: Decimal | None,
    gigabytes: Decimal | None,
    requests: Decimal | None,
    deploys: Decimal | None,
    measured: Path | None,
    hosts: str,
    mode: Mode | None,
    form: str,
    charts: Path | None,
) -> None:
    """Say what the declared stack costs a month, where each free part ends, and what happens then."""
    with friendly():
        places = find()
        named = tuple(part.strip() for part in hosts.split(",") if part.strip())
        wanted = Changes(visits, page_weight, gigabytes, requests, deploys, mode, named, measured)
        found = summary(places.root, name, wanted)
        if form == "markdown":
            click.echo(report.as_markdown(found), nl=False)
            return
        folder = charts or places.state / "cost" / name
        pictures = drawn(found, folder)
        if form == "json":
            click.echo(json.dumps({**report.as_json(found), "charts": [str(path) for path in pictures]}, indent=2))
            return
        report.show(found, wide(Console()))
        click.echo(f"Charts in {folder.resolve()}: {', '.join(path.name for path in pictures)}")


def drawn(found: Summary, folder: Path) -> tuple[Path, Path]:
    """Both pictures. matplotlib is imported here, for it takes a second."""
    from planning.cost_chart import draw

    return draw(found.bill, found.facts, found.name, folder)


if __name__ == "__main__":
    main(prog_name="python -m tools.cost")
