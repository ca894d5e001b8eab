"""Command line: ``python -m tools.preview_comment``; ``make preview-comment`` runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import httpx
from rich.console import Console

from tools.bootstrap import cache_folder
from tools.check.asked import asked
from tools.check.checking import check
from tools.cost.report import as_markdown
from tools.cost.summary import Changes, summary
from tools.deploy import plan_guard, policy_check
from tools.deploy.commands import Commands, friendly, stack_of
from tools.deploy.errors import Refused
from tools.deploy.places import SANDBOX, Places, find
from tools.deploy.plan import Step, steps
from tools.deploy.preflight import Preview
from tools.preview_comment.comment import Found, deployed, marker, refused_by_one, verdicts, written
from tools.preview_comment.markdown import folded
from tools.preview_comment.posting import post, thread
from website import SiteError, load_site
from website.checks.markdown import section


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack", default=SANDBOX, show_default=True, help="Stack: Pulumi.STACK.yaml.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File for the Markdown.")
@click.option("--post/--no-post", default=True, show_default=True, help="In a merge request's job: put it there.")
def main(stack: str, output: Path | None, post: bool) -> None:
    """Preview, and say what would change as a comment on the merge request; changes nothing.

    Outside of a merge request's job it only writes the file. Ends with 1 when `up` would be stopped.
    """
    with friendly():
        places = find()
        found = gathered(places, stack)
        path = output or places.state / "preview-comment.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(found), "utf-8")
        click.echo(f"Wrote {path}.")
        if post:
            _put(found)
        sys.exit(1 if found.stopped else 0)


def _put(found: Found) -> None:
    where = thread(os.environ)
    if where is None:
        click.echo("This is no job of a merge request: nothing was posted.")
        return
    try:
        done = post(where, written(found), marker(found.stack))
    except httpx.HTTPError as error:
        raise Refused(f"the forge was not reached ({type(error).__name__}); the comment is in the file") from error
    click.echo(f"The comment was {done}.")


def gathered(places: Places, stack: str) -> Found:
    """Everything the comment says. What fails is said in it, so that the reviewer sees why."""
    stopped: list[str] = []
    checks = _checked(places, stack, stopped)
    preview, refusals = _previewed(places, stack, stopped)
    plan = steps(preview.events)
    try:
        plan_guard.require_meant(plan, plan_guard.allowed())
    except Refused as refused:
        stopped.append(refused.message)
    found = tuple(verdicts(preview.events))
    sections = [*refusals, *checks, *_cost(places, stack, plan)]
    return Found(stack, plan, _sizes(places, stack), found, tuple(stopped), sections)


def _cost(places: Places, stack: str, plan: Sequence[Step]) -> list[str]:
    """What the stack would cost a month, and how much more that is than what is deployed now."""
    try:
        after = summary(places.root, stack, Changes())
        hosts, mode = deployed(plan)
        before = summary(places.root, stack, Changes(hosts=hosts, mode=mode)) if hosts and mode else None
    except Refused as refused:
        return [f"Cost: not known ({refused.message})\n"]
    if before is None:
        return [as_markdown(after)]
    more = after.bill.total - before.bill.total
    words = "the same as now" if not more else f"${abs(more):,.2f} {'more' if more > 0 else 'less'} than now"
    return [f"Cost a month: ${after.bill.total:,.2f}, {words}.\n\n" + folded("Cost, item by item", as_markdown(after))]


def _previewed(places: Places, stack: str, stopped: list[str]) -> tuple[Preview, list[str]]:
    """The preview, and a section on what single platforms would refuse."""
    run = Commands(stack_of(stack, places), Console(stderr=True), Console(stderr=True))
    try:
        preview = run.quiet_preview()
    except Refused as refused:
        stopped.append(refused.message)
        return Preview([], refused), []
    try:
        troubled = policy_check.require(preview)
    except Refused as refused:
        stopped.append(refused.message)
        return preview, []
    return preview, [refused_by_one(troubled)] if troubled else []


def _checked(places: Places, stack: str, stopped: list[str]) -> list[str]:
    wanted = asked(places.root, stack)
    if wanted is None or wanted.checks.mode == "off":
        return []
    report = check(wanted, cache_folder(), Console(stderr=True), anew=False)
    if report.errors and wanted.checks.mode == "enforce":
        stopped.append("the content has errors, which are listed below")
    return [section(report)]


def _sizes(places: Places, stack: str) -> Mapping[str, int]:
    """Bytes of each file of the new content; nothing where it cannot be read, which is said elsewhere."""
    wanted = asked(places.root, stack)
    if wanted is None:
        return {}
    try:
        site = load_site(wanted.source, ref=wanted.ref, cache=cache_folder())
    except SiteError:
        return {}
    return {path: file.size for path, file in site.files.items()}


if __name__ == "__main__":
    main(prog_name="python -m tools.preview_comment")
