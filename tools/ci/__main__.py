"""Command line: ``python -m tools.ci COMMAND``; the Makefile names the same commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tools.ci import identity, linting, pipelines, sites
from tools.deploy.commands import friendly
from tools.deploy.places import ROOT

root_option = click.option(
    "--root", type=click.Path(path_type=Path, exists=True), default=ROOT, show_default=True, help="Checkout to read."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """What the pipelines need beside the commands that a person calls."""


@main.command()
@root_option
@click.option(
    "--stacks",
    default="",
    envvar="DEPLOY_STACKS",
    help="Names, or `all`, which leaves out the sandbox. [DEPLOY_STACKS]",
)
@click.option("--only", default="", envvar="CONTENT_STACK", help="The one that the event is about. [CONTENT_STACK]")
@click.option(
    "--environment", default="", envvar="DEPLOYED_ENVIRONMENT", help="Those of one environment. [DEPLOYED_ENVIRONMENT]"
)
@click.option(
    "--gitlab",
    type=click.Path(path_type=Path),
    envvar="PIPELINES_FOLDER",
    help="Write child pipelines into this folder. [PIPELINES_FOLDER]",
)
@click.option(
    "--github",
    type=click.Path(path_type=Path),
    envvar="GITHUB_OUTPUT",
    help="Append the step's outputs to this file. [GITHUB_OUTPUT]",
)
def sync(root: Path, stacks: str, only: str, environment: str, gitlab: Path | None, github: Path | None) -> None:
    """Find the commit of every stack's content, and hand one job for each stack to the forge."""
    with friendly():
        found = sites.pinned(root, sites.narrowed(sites.chosen(root, stacks), only))
        found = [site for site in found if environment in {"", site.environments["github"]}]
        if gitlab:
            pipelines.write_gitlab(found, gitlab)
        if github:
            pipelines.write_github(found, github)
    for site in found:
        click.echo(f"{site.stack}: {site.content or 'a folder of this repository'}")
    if not found:
        click.echo("No stack is named (DEPLOY_STACKS), so there is nothing to do.")


@main.command("sign-in")
def sign_in() -> None:
    """Write what the clouds' clients read to sign in by the job's own token."""
    with friendly():
        names = identity.sign_in()
    click.echo(f"Signed in by the job's own token: {', '.join(names) or 'nowhere, as nothing asks for it'}")


@main.command()
@root_option
@click.option("--build/--no-build", default=False, help="Build what is not in the cache yet; needs Go.")
def lint(root: Path, build: bool) -> None:
    """Check the pipelines' files, and look for secrets in the tree and its history."""
    with friendly():
        checks = [*linting.python_checks(root), *linting.go_checks(root, build=build, skipped=left_out)]
        found = list(linting.failures(checks, root))
    for check, said in found:
        click.echo(f"{check.name} finds:\n{said}\n", err=True)
    wrong = {check.name for check, _ in found}
    click.echo(", ".join(f"{check.name} {'FAILED' if check.name in wrong else 'clean'}" for check in checks))
    sys.exit(1 if found else 0)


def left_out(why: str) -> None:
    """Name what is not checked."""
    click.echo(f"left out: {why}", err=True)


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    main(prog_name="python -m tools.ci")
