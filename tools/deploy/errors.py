"""How a command ends that cannot go on."""

from __future__ import annotations

import click


class Refused(click.ClickException):
    """The text says what, why, and what to do; the command line prints it without a traceback and exits with 1."""

    def show(self, file: object = None) -> None:
        """Print to standard error, so that standard output stays parseable."""
        click.echo(f"{click.style('error', fg='red', bold=True)}: {self.message}", err=True)
