"""Command line: ``python -m tools.deploy COMMAND``; the Makefile names the same commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from platforms import PLATFORMS
from tools.check.gate import Gate
from tools.deploy.commands import Commands, friendly, stack_of
from tools.deploy.engine_process import stop_with_make
from tools.deploy.errors import Refused
from tools.deploy.places import SANDBOX, find


@contextmanager
def commands(stack: str) -> Iterator[Commands]:
    """The commands of one stack, with errors made readable."""
    with friendly():
        found, notes = stack_of(stack, find()), Console(stderr=True)
        yield Commands(found, Console(), notes, Gate(found.places.root, stack, notes))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Publish the site, and see to its local sandbox."""
    stop_with_make()


stack_option = click.option("--stack", default=SANDBOX, show_default=True, help="Stack: Pulumi.STACK.yaml.")
format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)


@main.command()
@stack_option
def up(stack: str) -> None:
    """Publish: everything that is needed is set up, started and repaired first."""
    with commands(stack) as run:
        sys.exit(1 if run.up() else 0)


@main.command()
@stack_option
@click.option("--expect-no-changes", is_flag=True, help="Fail if anything would change.")
def preview(stack: str, expect_no_changes: bool) -> None:
    """Show what `up` would change, page by page."""
    with commands(stack) as run:
        sys.exit(1 if run.preview(expect_no_changes=expect_no_changes) else 0)


@main.command()
@stack_option
def drift(stack: str) -> None:
    """Compare what is there with what was declared; changes nothing, and ends with 3 if something differs."""
    with commands(stack) as run:
        sys.exit(run.drift())


@main.command()
@stack_option
def verify(stack: str) -> None:
    """Ask every platform whether it serves the release of the last `up`."""
    with commands(stack) as run:
        sys.exit(run.verify())


@main.command()
@stack_option
@format_option
def status(stack: str, form: str) -> None:
    """Show which release is served where."""
    with commands(stack) as run:
        run.status(form)


@main.command()
@stack_option
def outputs(stack: str) -> None:
    """Print the stack's outputs as JSON, for programs that look after what it declares."""
    with commands(stack) as run:
        run.show_outputs()


@main.command()
@stack_option
@format_option
def releases(stack: str, form: str) -> None:
    """Show which earlier releases can be gone back to, per platform."""
    with commands(stack) as run:
        run.releases(form)


@main.command()
@stack_option
@format_option
def deployments(stack: str, form: str) -> None:
    """Show what each platform's own API says of its newest deployment."""
    with commands(stack) as run:
        run.deployments(form)


@main.command()
def down() -> None:
    """Stop the sandbox."""
    with commands(SANDBOX) as run:
        run.down()


@main.command()
def clean() -> None:
    """Stop the sandbox, remove its state and the virtual environment; the cache outside the checkout stays."""
    with commands(SANDBOX) as run:
        run.clean()


@main.command("break")
@click.argument("platform", default="")
@click.option("--kind", default="down", show_default=True, help="What fails; the sandbox names the kinds it knows.")
def break_platform(platform: str, kind: str) -> None:
    """Have a local PLATFORM fail."""
    with commands(SANDBOX) as run:
        run.break_platform(named(platform, "break"), kind)


@main.command()
@click.argument("platform", default="")
def heal(platform: str) -> None:
    """End the failure of a local PLATFORM."""
    with commands(SANDBOX) as run:
        run.heal(named(platform, "heal"))


def named(platform: str, command: str) -> str:
    """A platform's name, checked before the sandbox is asked."""
    if platform not in PLATFORMS:
        said = f"there is no platform {platform!r}" if platform else "no platform is named"
        raise Refused(f"{said}: use `make {command} PLATFORM=…` with one of {', '.join(PLATFORMS)}")
    return platform


if __name__ == "__main__":
    main(prog_name="python -m tools.deploy")
