"""One check of one content, from the stack's settings to the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from tools.check import nu, remembered
from tools.check.asked import Asked
from tools.deploy.errors import Refused
from website import ContentError, Site, SiteError, load_site
from website.checks.report import Findings, NotRun, Report
from website.checks.settings import CONTENT

if TYPE_CHECKING:
    from website.checks.site import Searcher

_SAID_EVERY: Final = 5.0
"""Seconds between two lines of progress where there is no terminal."""


def check(asked: Asked, cache: Path, notes: Console, *, anew: bool = True) -> Report:
    """Check the content; mistakes for which it cannot be published at all are findings too.

    Unless ``anew``, what was found of the same content by the same settings is taken from ``cache``. Raises Refused
    where the content cannot be read.
    """
    try:
        site = load_site(asked.source, ref=asked.ref or None, options=asked.options, cache=cache)
        key = remembered.key(site, asked)
        known = None if anew else remembered.read(cache, key)
        if known is not None:
            return known
        report = _checked(site, asked, cache, notes)
    except ContentError as error:
        return _unpublishable(error, asked)
    except SiteError as error:
        raise Refused(str(error)) from error
    if all(asked.checks.level(one.check) is None for one in report.not_run):
        remembered.write(cache, key, report)
    return report


def _unpublishable(error: ContentError, asked: Asked) -> Report:
    findings = Findings(asked.checks)
    for problem in error.problems:
        findings.add(CONTENT, problem.path, problem.line, problem.text)
    why = "the content cannot be published as it is, so there is no site to check"
    return findings.report("", 0, [NotRun("all others", why, "Correct the errors above, then run again.")])


def _checked(site: Site, asked: Asked, cache: Path, notes: Console) -> Report:
    """All checks. The parsers are imported here, for the commands that need none of them."""
    from tools.check.limits import check_limits
    from website.checks.site import Surroundings, check_site

    findings = Findings(asked.checks)
    secrets = _secrets(cache, findings) if findings.wants("secrets") else None
    with _progress(len(site.files), notes) as progress:
        check_site(site, findings, Surroundings(asked.hosts, secrets, progress))
    check_limits(site, asked.platforms, findings)
    nu.check_pages(site, findings, cache, notes)
    return findings.report(site.release_id, len(site.files))


def _secrets(cache: Path, findings: Findings) -> Searcher | None:
    try:
        from website.checks.secrets import Secrets
    except ImportError as error:
        how = "It is in the locked packages; where this machine has no build of it, run the checks on another."
        findings.skip("secrets", f"Kingfisher cannot be loaded here ({error})", how)
        return None
    return Secrets(cache / "kingfisher")


@contextmanager
def _progress(total: int, notes: Console) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, elsewhere a line now and then; nothing for what is done at once."""
    if notes.is_terminal:
        columns = (SpinnerColumn(), TextColumn("Checking"), MofNCompleteColumn(), TextColumn("files"))
        with Progress(*columns, console=notes, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    said = time.monotonic()

    def say(done: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _SAID_EVERY:
            said = time.monotonic()
            notes.print(f"Checked {done:,} of {total:,} files", highlight=False)

    yield say
