"""A report for a person at a terminal: one line a finding, as compilers write them, and what it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import click

from website.checks.markdown import counted, verdict
from website.checks.report import Report
from website.checks.settings import Mode
from website.errors import printable

SHOWN: Final = 100
"""Findings that are shown one by one."""
_COLOURS: Final = {"error": "red", "warning": "yellow"}


def lines(report: Report, shown: int = SHOWN) -> Iterator[str]:
    """The worst first; what is not shown is counted by check."""
    for finding in report.findings[:shown]:
        level = click.style(finding.level, fg=_COLOURS[finding.level])
        yield f"{finding.place}: {level} [{finding.check}] {printable(finding.text)}"
    left = Counter((finding.level, finding.check) for finding in report.findings[shown:])
    if left:
        kinds = ", ".join(f"{number:,} {check} ({level})" for (level, check), number in left.items())
        yield f"… and {sum(left.values()):,} more: {kinds}. FORMAT=json lists all."
    for one in report.not_run:
        yield f"Not checked: {one.check}, for {printable(one.why)}. {printable(one.how)}"
    where = f" in {counted(report.files, 'file')} (release {report.release})" if report.release else ""
    yield f"Content checks: {verdict(report)}{'' if not report.findings else where}."


def closing(report: Report, mode: Mode) -> str:
    """What follows from the report for a run that would publish the content."""
    if not report.errors:
        return ""
    if mode == "advisory":
        return "The checks are advisory, so the errors stop nothing."
    return (
        "Nothing was uploaded. Mend the errors, or set the level of a check or `checks.mode` of the stack. For this "
        "run only, CHECKS=advisory lets them pass."
    )
