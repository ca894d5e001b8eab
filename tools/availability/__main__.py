"""Command line: ``python -m tools.availability``; ``make availability`` runs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from planning.mistakes import DataError
from planning.model import Mode, Stack, load_facts
from tools.availability import report
from tools.availability.declared import declared, modelled
from tools.deploy.commands import friendly
from tools.deploy.errors import Refused
from tools.deploy.places import SANDBOX, find
from tools.deploy.report import wide


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack", "name", default=SANDBOX, show_default=True, help="Stack: Pulumi.STACK.yaml.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--hosts", default="", help="Other platforms than the stack's, with commas, in failover order.")
@click.option("--edge", "mode", type=click.Choice(["load-balancer", "worker"]), help="Another edge than the stack's.")
@click.option("--fronts", type=click.IntRange(1, 2), default=1, show_default=True, help="Independent fronts.")
@click.option("--years", type=click.IntRange(100, 1_000_000), default=10_000, show_default=True, help="To simulate.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of everything that is drawn.")
@click.option("--charts", type=click.Path(path_type=Path), help="Folder for the pictures.")
def main(
    name: str, form: str, hosts: str, mode: Mode | None, fronts: int, years: int, seed: int, charts: Path | None
) -> None:
    """Say what the declared stack can reach, what it loses where, and what one change would bring."""
    with friendly():
        places = find()
        settings = declared(places.root, name)
        own = modelled(settings)
        stack = changed(own, hosts, mode, fronts)
        found = answered(name if stack == own else f"{name}, changed", stack, seed, years)
        folder = charts or places.state / "availability" / name
        pictures = drawn(found, folder)
        if form == "json":
            click.echo(json.dumps({**report.as_json(found), "charts": [str(path) for path in pictures]}, indent=2))
            return
        report.show(found, wide(Console()))
        click.echo(f"Charts in {folder.resolve()}: {', '.join(path.name for path in pictures)}")


def changed(stack: Stack, hosts: str, mode: Mode | None, fronts: int) -> Stack:
    """The stack with what the caller wants otherwise."""
    named = tuple(part.strip() for part in hosts.split(",") if part.strip())
    if hosts and not named:
        raise Refused(f"--hosts {hosts!r} names no platform; give some with commas between them, such as aws,netlify")
    try:
        return replace(stack, hosts=named or stack.hosts, mode=mode or stack.mode, fronts=fronts)
    except ValueError as error:
        raise Refused(f"{error}") from error


def answered(name: str, stack: Stack, seed: int, years: int) -> report.Answer:
    """The model's answer; mistakes in its data files are told like any other."""
    try:
        return report.answer(name, stack, load_facts(), seed=seed, years=years)
    except DataError as error:
        raise Refused(str(error)) from error


def drawn(found: report.Answer, folder: Path) -> tuple[Path, Path]:
    """Both pictures. matplotlib is imported here, for it takes a second."""
    from planning.chart import draw

    return draw(found.found, found.changes, found.name, folder)


if __name__ == "__main__":
    main(prog_name="python -m tools.availability")
