"""Command line: ``python -m tools.supply_chain COMMAND``; ``make sbom`` and ``make audit`` run it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tools.deploy.commands import friendly
from tools.deploy.places import ROOT
from tools.supply_chain import auditing, bill_of_materials


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Say what the project consists of, and what is known against it."""


@main.command()
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / ".sandbox" / "sbom.json", show_default=False)
def sbom(output: Path) -> None:
    """Write a CycloneDX bill of materials: the locked Python packages, and the Go modules of the engine."""
    with friendly():
        count = bill_of_materials.write(ROOT, output)
    click.echo(f"{count} components in {output}")


@main.command()
def audit() -> None:
    """Ask a database of vulnerabilities for each locked package; one that could not be asked for is no pass."""
    with friendly():
        found = auditing.audit(ROOT)
    for sentence in found.sentences():
        click.echo(sentence, err=True)
    click.echo(
        f"{found.audited} of {found.total} locked packages were audited, {len(found.vulnerable)} are vulnerable."
    )
    sys.exit(0 if found.passed else 1)


if __name__ == "__main__":
    main(prog_name="python -m tools.supply_chain")
