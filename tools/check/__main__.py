"""Command line: ``python -m tools.check``; ``make check`` runs it."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console

from tools.bootstrap import cache_folder
from tools.check.asked import Asked, asked
from tools.check.checking import check
from tools.check.text import lines
from tools.deploy.commands import friendly
from tools.deploy.errors import Refused
from tools.deploy.places import SANDBOX, find
from website.checks.markdown import SMALLEST, section
from website.checks.report import Report


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack", default=SANDBOX, show_default=True, help="Stack: Pulumi.STACK.yaml.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option("--limit", type=click.IntRange(SMALLEST), default=12_000, show_default=True, help="Markdown: characters.")
def main(stack: str, form: str, limit: int) -> None:
    """Check the stack's content: links, markup, secrets, limits. Exits with 1 when there are errors."""
    with friendly():
        wanted = _asked(stack)
        report = check(wanted, cache_folder(), Console(stderr=True))
        _print(report, form, limit)
        sys.exit(1 if report.errors and wanted.checks.mode == "enforce" else 0)


def _asked(stack: str) -> Asked:
    wanted = asked(find().root, stack)
    if wanted is None:
        raise Refused("the stack goes back to an earlier release, whose content is not at hand; unset `release`")
    if wanted.checks.mode == "off":
        raise Refused("the stack has switched the checks off (`checks.mode`); CHECKS=enforce runs them all the same")
    return wanted


def _print(report: Report, form: str, limit: int) -> None:
    """The report goes to standard output, and nothing else does."""
    if form == "json":
        click.echo(json.dumps(report.as_json(), indent=2))
    elif form == "markdown":
        click.echo(section(report, limit), nl=False)
    else:
        for line in lines(report):
            click.echo(line)


if __name__ == "__main__":
    main(prog_name="python -m tools.check")
