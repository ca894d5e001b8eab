"""Command line: push to both local forges and print the seconds of each step."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tools.deploy.places import ROOT
from tools.push_to_live.journey import Journey, follow
from tools.push_to_live.trial import Trial


@click.command()
@click.option("--forge", "names", multiple=True, default=("github", "gitlab"), show_default=True)
@click.option(
    "--content", type=click.Path(exists=True, file_okay=False, path_type=Path), default=ROOT / "examples/site"
)
def main(names: Sequence[str], content: Path) -> None:
    """Push a page to a repository at each local forge, and follow it until the forge shows that it is live."""
    with tempfile.TemporaryDirectory(prefix="push-to-live-") as folder:
        trial = Trial(Path(folder))
        try:
            trial.prepare(content)
            for name in names:
                Console(width=100).print(table(_journey(trial, name)))
        finally:
            trial.down()


def _journey(trial: Trial, name: str) -> Journey:
    forge = trial.forges[name]
    trial.up(forge)
    with trial.coordinator(forge):
        return follow(trial, forge, f"By way of {name}")


def table(journey: Journey) -> Table:
    """The steps of one push."""
    result = Table(title=f"a push to {journey.forge}", title_justify="left", header_style="bold")
    result.add_column("step")
    result.add_column("seconds", justify="right")
    result.add_column("since the push", justify="right")
    for step, seconds in journey.each:
        result.add_row(step.name, f"{seconds:.2f}", f"{step.at:.2f}")
    return result


if __name__ == "__main__":
    main()
