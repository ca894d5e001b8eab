"""A report as a section of a merge request's comment."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from website.checks.report import Finding, NotRun, Report
from website.errors import printable

SMALLEST: Final = 1_000
"""Characters that the section takes at least."""
_PLACES: Final = 5
_LONGEST: Final = 300


def section(report: Report, limit: int = 12_000) -> str:
    """The report in Markdown, of at most ``limit`` characters (at least 1,000), the worst first.

    Findings with the same text are one line with their places. What has no room is counted. Everything that comes
    from the content stands in code spans, so nothing in it can become a link, a mention or markup.
    """
    if limit < SMALLEST:
        raise ValueError(f"a section needs room for {SMALLEST:,} characters, not {limit:,}")
    head = f"### Content checks: {verdict(report)}\n"
    foot = _not_run(report.not_run, limit // 4)
    room = limit - len(head) - len(foot) - len(_left_out(report.errors, report.warnings)) - 2
    lines: list[str] = []
    left = [report.errors, report.warnings]
    for line, findings in _groups(report.findings):
        if len(line) + 1 > room:
            break
        room -= len(line) + 1
        lines.append(line)
        left[findings[0].level != "error"] -= len(findings)
    if any(left):
        lines.append(_left_out(*left))
    body = "\n" + "\n".join(lines) + "\n" if lines else ""
    return head + body + foot


def verdict(report: Report) -> str:
    """One phrase: how many errors and warnings."""
    if not report.findings:
        return f"nothing found in {counted(report.files, 'file')}"
    return f"{counted(report.errors, 'error')}, {counted(report.warnings, 'warning')}"


def counted(number: int, noun: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _groups(findings: Sequence[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """Findings with the same text together, in the order of the first of each."""
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.level, finding.check, finding.text].append(finding)
    for (level, check, text), found in groups.items():
        places = ", ".join(code(one.place) for one in found[:_PLACES])
        more = f" and {counted(len(found) - _PLACES, 'more place')}" if len(found) > _PLACES else ""
        yield f"- **{level}** {check}: {code(text)} in {places}{more}", found


def _left_out(errors: int, warnings: int) -> str:
    shown = f"{counted(errors, 'error')} and {counted(warnings, 'warning')}"
    return f"- … and {shown} that have no room here; `make check` shows them all."


def _not_run(not_run: Sequence[NotRun], room: int) -> str:
    if not not_run:
        return ""
    text = "\nNot checked:\n\n"
    for number, one in enumerate(not_run):
        line = f"- {one.check}: {code(one.why)}. {one.how}\n"
        if len(text) + len(line) > room - 60:
            return f"{text}- … and {counted(len(not_run) - number, 'more thing')}\n"
        text += line
    return text


def code(text: str) -> str:
    """``text`` as a code span, whatever it holds: https://spec.commonmark.org/0.31.2/#code-spans."""
    plain = printable(text) if not text.isprintable() else text
    plain = plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
    runs = {len(run) for run in re.findall("`+", plain)}
    fence = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
    pad = " " if plain.startswith("`") or plain.endswith("`") or not plain.strip() else ""
    return f"{fence}{pad}{plain}{pad}{fence}"
