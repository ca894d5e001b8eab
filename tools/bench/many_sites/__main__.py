"""Command line: push to many sites at once, and print how long it took until every forge showed its site."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tools.bench.many_sites.course import Course, run


@click.command()
@click.option("--sites", "count", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--runners", default=4, show_default=True, type=click.IntRange(1, 64))
def main(count: int, runners: int) -> None:
    """Push to many sites at once; half lie at each local forge, and each has a coordinator and a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="many-sites-") as folder:
        course = run(Path(folder), count, runners)
    Console(width=160).print(table(course, runners))
    for job in course.wrong():
        print(f"{job.stack} failed with {job.code}:\n{job.output}", file=sys.stderr)
    if len(course.jobs) != count:
        print(f"{len(course.jobs)} jobs ran for {count} sites", file=sys.stderr)
    sys.exit(1 if course.wrong() or len(course.jobs) != count else 0)


def table(course: Course, runners: int) -> Table:
    """What was measured."""
    jobs, shown = [job.seconds for job in course.jobs], [one.seconds for one in course.shown]
    result = Table(title=f"{len(shown)} sites on {runners} runners", title_justify="left", header_style="bold")
    headings = ("pushes, s", "all live, s", "a site live, median s", "a job, median s", "a job, longest s")
    figures = (course.pushing, course.seconds, statistics.median(shown), statistics.median(jobs), max(jobs))
    for heading in (*headings, "jobs", "failed"):
        result.add_column(heading, justify="right")
    result.add_row(*(f"{value:.0f}" for value in figures), str(len(jobs)), str(len(course.wrong())))
    return result


if __name__ == "__main__":
    main()
