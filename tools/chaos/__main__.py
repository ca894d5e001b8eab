"""Command line: ``python -m tools.chaos``; ``make chaos`` runs it."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import click
from rich.console import Console

from tools.chaos import report
from tools.chaos.call_faults import KINDS, CallFaults
from tools.chaos.crashes import DEPLOYMENTS, MOMENTS, Crashes, UndisturbedRunFailed
from tools.chaos.findings import Case
from tools.chaos.jobs import JobFailed, share
from tools.chaos.rivals import Rivals
from tools.chaos.sampling import Sample
from tools.chaos.soak import Soak
from tools.chaos.stage import MOST_DEPLOYMENTS
from tools.chaos.surroundings import Surroundings
from tools.chaos.two_hours import TwoHours
from tools.deploy.commands import friendly
from tools.deploy.errors import Refused
from tools.deploy.places import ROOT, find
from tools.deploy.report import wide


def crash(site: Path, random: Random, sample: Sample, only: str) -> Iterator[Case]:
    """Every kind of deployment, every kind of moment."""
    for deployment in DEPLOYMENTS:
        for moment in MOMENTS:
            if only in f"{deployment} {moment}":
                yield from Crashes(deployment, moment, site, random, sample).cases()


def faults(site: Path, random: Random, sample: Sample, only: str) -> Iterator[Case]:
    """Every kind of fault of a call."""
    yield from CallFaults(site, random, sample, [kind for kind in KINDS if only in kind]).cases()


def surroundings(site: Path, random: Random, sample: Sample, only: str) -> Iterator[Case]:
    """Disk, state folder and names; there are few, so all are tried."""
    del sample
    yield from Surroundings(site, random, only).cases()


def rivals(site: Path, random: Random, sample: Sample, only: str) -> Iterator[Case]:
    """Two at once; there are few, so all are tried."""
    del sample
    yield from Rivals(site, random, only).cases()


def soak(site: Path, random: Random, sample: Sample, only: str) -> Iterator[Case]:
    """500 deployments by the publisher, and those of nearly a day by the engine; with a sample a share of both."""
    for name, engine in (("publisher", False), ("engine", True)):
        if only in name:
            count = min(_DEPLOYMENTS, MOST_DEPLOYMENTS) if engine else _DEPLOYMENTS
            yield from Soak(site, random, max(1, count // sample.every), engine=engine).cases()


def coordinator(site: Path, random: Random, sample: Sample, only: str) -> Iterator[Case]:
    """Many times two hours of simulated time."""
    del site, only
    yield from TwoHours(random, max(1, _LIVES // sample.every)).cases()


#: Simulated times of two hours.
_LIVES = 100
#: Deployments of a whole soak.
_DEPLOYMENTS = 500
Part = Callable[[Path, Random, Sample, str], Iterable[Case]]
PARTS: Mapping[str, Part] = {
    "crash": crash,
    "faults": faults,
    "surroundings": surroundings,
    "rivals": rivals,
    "coordinator": coordinator,
    "soak": soak,
}
#: Parts whose cases are independent of one another and many.
_SHARED = ("crash", "faults")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--part", "names", type=click.Choice(list(PARTS)), multiple=True, help="Only this part.")
@click.option("--only", default="", help="Only the lines of a part that have this in their name: first, 500 …")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Only each n-th case.")
@click.option("--from", "first", type=click.IntRange(1), help="The first of them; a random one where it is not given.")
@click.option(
    "--jobs", type=click.IntRange(1, 16), default=1, show_default=True, help="Processes that share crash and faults."
)
@click.option("--seed", type=int, default=20261130, show_default=True, help="Of edits and of which cases are taken.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Begin no case after so many minutes.")
@click.option("--site", type=click.Path(path_type=Path, exists=True, file_okay=False), help="What is published.")
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
@click.option("--quiet", is_flag=True, help="No line for each case.")
@click.option("--share", "is_share", is_flag=True, hidden=True, help="One of several processes; it may have no case.")
@click.option("--report", "folder", type=click.Path(path_type=Path), help="Folder for chaos.md and chaos.json.")
def main(
    names: tuple[str, ...],
    only: str,
    every: int,
    first: int | None,
    jobs: int,
    seed: int,
    minutes: float | None,
    site: Path | None,
    form: str,
    quiet: bool,
    is_share: bool,
    folder: Path | None,
) -> None:
    """End runs and break calls at every moment, and look what is left.

    Works on sandboxes of its own; what runs already is left alone. Ends with 1 when something did not hold.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the sandboxes end with it
    deadline = time.monotonic() + minutes * 60 if minutes is not None else None
    kept = folder or find().state / "chaos"
    asked = Asked(site or ROOT / "examples" / "site", only, Sample(every, first), jobs, seed, minutes, kept)
    with friendly():
        found: list[Case] = []
        try:
            for name in names or PARTS:
                for case in until(deadline, asked.cases(name)):
                    found.append(case)
                    if not quiet:
                        tell(case, len(found))
                    report.write(found, seed, kept)
        except UndisturbedRunFailed as error:
            raise Refused(
                f"a run that nothing was done to failed, so there is nothing to compare with: {error}"
            ) from error
        except JobFailed as error:
            raise Refused(str(error)) from error
        if not found and not is_share:
            raise Refused("nothing was tried: no case fits ONLY and FROM. `make chaos` without them tries all.")
    show(found, seed, form, kept)
    sys.exit(any(case.broken for case in found))


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    site: Path
    only: str
    sample: Sample
    jobs: int
    seed: int
    minutes: float | None
    folder: Path

    def cases(self, name: str) -> Iterable[Case]:
        """The cases of one part, by several processes where that is asked for and the part can be shared."""
        random = Random(self.seed)  # noqa: S311 - to be repeated
        if self.jobs == 1 or name not in _SHARED:
            return PARTS[name](self.site, random, self.sample, self.only)
        arguments = ["--part", name, "--only", self.only, "--seed", str(self.seed), "--site", str(self.site)]
        if self.minutes is not None:
            arguments += ["--minutes", str(self.minutes)]
        return share(arguments, self.sample.shares(self.jobs, random), self.folder)


def until(deadline: float | None, cases: Iterable[Case]) -> Iterator[Case]:
    """The cases, as long as there is time."""
    for case in cases:
        yield case
        if deadline is not None and time.monotonic() > deadline:
            click.echo("The time is over; the cases that are left are not tried.", err=True)
            return


def tell(case: Case, number: int) -> None:
    """One line of progress."""
    click.echo(f"{number}. {case.row}; {case.what}: {case.outcome}, {case.seconds:.0f} s", err=True)
    for sentence in case.broken:
        click.echo(f"   BROKEN: {sentence}", err=True)


def show(found: list[Case], seed: int, form: str, folder: Path) -> None:
    """The result, and where it is kept."""
    if form == "json":
        click.echo(json.dumps(report.as_json(found, seed), indent=2))
    elif form == "markdown":
        click.echo(report.markdown(found, seed))
    else:
        wide(Console()).print(report.table(found))
        click.echo(f"Every case: {folder / 'chaos.json'}")


if __name__ == "__main__":
    main(prog_name="python -m tools.chaos")
