"""Time of a preview that shows no change, with the policies and without, beside an empty program on the same engine."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from tools.bench.measuring import CommandFailed, Figures, measured
from tools.deploy import policy_check, sandbox_daemon
from tools.deploy.commands import Commands, stack_of
from tools.deploy.engine_process import EngineProcess
from tools.deploy.places import ROOT, SANDBOX, Places

ALLOWED = 2.0
"""Seconds that a preview of the whole stack may take longer than one of an empty program."""
EMPTY, UNJUDGED, JUDGED = "an empty program", "the whole stack, without policies", "the whole stack"
_EMPTY_PROJECT = f"""name: empty
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {sys.prefix}
"""


@contextmanager
def published(state: Path) -> Iterator[EngineProcess]:
    """A stack of the sandbox with the example site published; yields its engine."""
    commands = Commands(stack_of(SANDBOX, Places(ROOT, state)), Console(stderr=True), Console(stderr=True))
    try:
        if commands.up():
            raise click.ClickException("the stack could not be published, so there is nothing to measure")
        yield commands.prepared(commands.find_engine())
    finally:
        sandbox_daemon.stop(commands.places)


def empty(folder: Path, like: EngineProcess) -> EngineProcess:
    """A stack whose program imports the SDK and declares nothing, run as ``like`` is."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(_EMPTY_PROJECT)
    (folder / "__main__.py").write_text("import pulumi\n")
    process = replace(like, stack="empty", folder=folder)
    process.ask("stack", "select", "--create")
    process.ask("up", "--yes", "--skip-preview")
    return process


def preview(process: EngineProcess, log: Path, *flags: str) -> Figures:
    """One preview, which must find nothing to do."""
    command = [str(process.binary), "preview", "--expect-no-changes", "--non-interactive", "--stack", process.stack]
    return measured([*command, *flags], process.environment, log, process.folder)


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Each round runs both previews, one after the other.")
def main(rounds: int) -> None:
    """Measure an unchanged preview beside an empty program's; fails where the difference is too large."""
    found: dict[str, list[Figures]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        with published(scratch / "state") as ours:
            bare = empty(scratch / "empty", ours)
            judged = policy_check.flags(ours.folder, ours.stack)
            ways: dict[str, tuple[EngineProcess, list[str]]] = {
                EMPTY: (bare, []),
                UNJUDGED: (ours, []),
                JUDGED: (ours, judged),
            }
            try:
                for process, flags in ways.values():  # byte code and file caches are made, not measured
                    preview(process, scratch / "log.txt", *flags)
                for _ in range(rounds):
                    for name, (process, flags) in ways.items():
                        found[name].append(preview(process, scratch / "log.txt", *flags))
            except CommandFailed as error:
                raise click.ClickException(str(error)) from error
    show(found)
    more = middle(found[JUDGED]) - middle(found[EMPTY])
    click.echo(f"\nThe whole stack takes {more:.2f} s more; {ALLOWED:.1f} s are allowed.")
    click.echo(f"The policies take {middle(found[JUDGED]) - middle(found[UNJUDGED]):.2f} s of that.")
    sys.exit(more > ALLOWED)


def middle(figures: list[Figures]) -> float:
    """Median of wall seconds."""
    return statistics.median(one.wall for one in figures)


def show(found: dict[str, list[Figures]]) -> None:
    """A Markdown table."""
    click.echo("| preview without a change | wall smallest / median | CPU of the engine, median |")
    click.echo("|---|---|---|")
    for name, figures in found.items():
        cpu = statistics.median(one.cpu for one in figures)
        click.echo(f"| {name} | {min(one.wall for one in figures):.2f} / {middle(figures):.2f} s | {cpu:.2f} s |")


if __name__ == "__main__":
    main()
