"""Command line: ``python -m tools.drill``; ``make drill`` runs it."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import click
from rich.console import Console

from sandbox.open_files import allow_many_files
from tools.availability.declared import declared
from tools.bench.measuring import CommandFailed
from tools.deploy.commands import friendly
from tools.deploy.errors import Refused
from tools.deploy.places import SANDBOX, find
from tools.deploy.report import wide
from tools.drill import report
from tools.drill.drilling import drill
from tools.drill.findings import Findings
from tools.drill.rehearsal import Rehearsal
from tools.drill.timetable import KINDS, MODES, Drill, Kind, Mode

#: Seconds of the sandbox's clock in one of the wall clock.
_SPEED = 20.0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--edge", "modes", type=click.Choice(get_args(Mode)), multiple=True, help="Only this edge.")
@click.option("--platform", "names", multiple=True, help="Only this platform; `first` is the one that serves.")
@click.option("--kind", "kinds", type=click.Choice(get_args(Kind)), multiple=True, help="Only this fault.")
@click.option("--rate", type=click.IntRange(1, 1000), default=200, show_default=True, help="Requests a second.")
@click.option("--seconds", type=click.FloatRange(10, 3600), default=60.0, show_default=True, help="Of each drill.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--charts", type=click.Path(path_type=Path), help="Folder for the pictures.")
def main(
    modes: tuple[Mode, ...],
    names: tuple[str, ...],
    kinds: tuple[Kind, ...],
    rate: int,
    seconds: float,
    form: str,
    charts: Path | None,
) -> None:
    """Break each platform of the sandbox stack in turn, in each way, under a steady load, with both edges.

    Each platform stands in front of the others while it is drilled, so that it serves all visitors when it breaks.
    Works on a checkout and a sandbox of its own; what runs already is left alone. Ends with 1 when visitors saw what
    the settings leave no room for.
    """
    allow_many_files()  # visitors of a slow platform wait in their hundreds
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the sandbox ends with it
    with friendly():
        places = find()
        hosts = list(declared(places.root, SANDBOX).hosts)
        wanted = [
            Drill(mode, name, kind)
            for mode in modes or MODES
            for name in chosen(names, hosts)
            for kind in kinds or KINDS
        ]
        minutes = len(wanted) * seconds / 60
        click.echo(f"{len(wanted)} drills of {seconds:.0f} s: {minutes:.0f} minutes or a little more.", err=True)
        try:
            found = list(rehearsed(wanted, hosts, places.root, rate, seconds))
        except (CommandFailed, TimeoutError) as error:
            raise Refused(f"the stack to be drilled did not come up: {error}") from error
        pictures = drawn(found, charts or places.state / "drill")
        if form == "json":
            click.echo(
                json.dumps({"drills": report.as_json(found), "charts": [str(path) for path in pictures]}, indent=2)
            )
        else:
            wide(Console()).print(report.table(found))
            click.echo(f"Charts in {pictures[0].parent.resolve()}: {', '.join(path.name for path in pictures)}")
        for complaint in (complaints := report.complaints(found)):
            click.echo(complaint, err=True)
        sys.exit(bool(complaints))


def chosen(names: Sequence[str], hosts: Sequence[str]) -> list[str]:
    """Platforms to be drilled. Refused for a name that the stack does not have."""
    found = [hosts[0] if name == "first" else name for name in names] or list(hosts)
    if unknown := [name for name in found if name not in hosts]:
        raise Refused(f"the sandbox stack has no platform {unknown[0]!r}; use one of {', '.join(hosts)}, or first")
    return found


def rehearsed(wanted: Sequence[Drill], hosts: list[str], root: Path, rate: int, seconds: float) -> Iterator[Findings]:
    """The findings of each drill, as they come."""
    settings = declared(root, SANDBOX)
    with tempfile.TemporaryDirectory(prefix="drill-") as temporary:
        stack = Rehearsal(Path(temporary), root / "examples" / "site", _SPEED)
        stack.prepare()
        try:
            for (mode, first), drills in itertools.groupby(wanted, key=lambda one: (one.mode, one.platform)):
                click.echo(f"Publishing with {first} in front, edge: {mode} …", err=True)
                stack.publish(mode, first, hosts)
                with stack.coordinated(mode):
                    for one in drills:
                        found = asyncio.run(drill(one, stack, settings, rate, seconds))
                        click.echo(report.progress(found), err=True)
                        yield found
        finally:
            stack.down()


def drawn(found: Sequence[Findings], folder: Path) -> tuple[Path, Path]:
    """Both pictures. matplotlib is imported here, for it takes a second."""
    from tools.drill.picture import draw

    return draw(found, folder)


if __name__ == "__main__":
    main(prog_name="python -m tools.drill")
