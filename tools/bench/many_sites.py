"""Deploy many sites at once as the pipelines do: one stack file and one job for each, on some runners.

All jobs are there at once, as after a change of the program; a runner takes the next when it has ended one. Each job
runs the script of the generated pipeline as it stands, with a sandbox and a state of its own, as on a fresh machine.
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import yaml
from rich.console import Console
from rich.table import Table

from tools.bench.checkout import checkout
from tools.bootstrap import cache_folder
from tools.ci import pipelines, sites
from tools.ci.runner import Pipeline, bash
from tools.deploy.places import ROOT

HOSTS = ("vercel", "netlify")
_PIPELINES = ".pipelines"


@dataclass(frozen=True)
class Job:
    """One job: how it ended, and what it made live."""

    stack: str
    waited: float
    """Seconds until a runner took it."""
    seconds: float
    code: int
    release: str
    output: str


def prepare(folder: Path, count: int) -> Path:
    """A checkout in ``folder`` with ``count`` stacks, each with a small site and a host name of its own."""
    root = checkout(ROOT, folder)
    shutil.copytree(ROOT / ".gitlab", root / ".gitlab")
    (root / ".cache").mkdir()
    (root / ".cache" / "peacefulrobot-infra").symlink_to(cache_folder())
    template = yaml.safe_load((root / "Pulumi.sandbox.yaml").read_text("utf-8"))
    for number in range(count):
        _add_stack(root, f"sandbox-{number:03}", template)
    return root


def _add_stack(root: Path, name: str, template: Mapping[str, object]) -> None:
    content = root / "content" / name
    content.mkdir(parents=True)
    (content / "index.html").write_text(f"<!doctype html><title>{name}</title><p>{name}</p>\n", "utf-8")
    (content / "404.html").write_text("<!doctype html><title>Not here</title><p>Not here</p>\n", "utf-8")
    own = {
        "content": f"content/{name}",
        "hostname": f"{name.replace('sandbox-', 's')}.peacefulrobot.com",
        "hosts": list(HOSTS),
    }
    config = {**_config(template), **{f"peacefulrobot-infra:{key}": value for key, value in own.items()}}
    (root / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump({**template, "config": config}), "utf-8")


def _config(template: Mapping[str, object]) -> dict[str, object]:
    found = template.get("config")
    return dict(found) if isinstance(found, dict) else {}


def pipeline(root: Path, names: list[str]) -> Pipeline:
    """The deployments of the stacks, as ``make sync`` writes them."""
    pipelines.write_gitlab(sites.pinned(root, names), root / _PIPELINES)
    return Pipeline(root, f"{_PIPELINES}/deploy.yml")


def run(jobs: Pipeline, name: str, state: Path, started: float) -> Job:
    """Run one job, and take its sandbox down."""
    stack = str(jobs.job(name)["variables"]["STACK"])
    local = {"PEACEFULROBOT_STATE": str(state / stack), "PEACEFULROBOT_PORT": "0", "PEACEFULROBOT_SPEED": "60"}
    taken = time.monotonic()
    try:
        ended = jobs.run(name, local)
    finally:
        bash("make down", jobs.root, local)
    release = re.search(r"Every platform serves (r[0-9a-f]{16})", ended.output)
    waited, seconds = taken - started, time.monotonic() - taken
    return Job(stack, waited, seconds, ended.code, release[1] if release else "", ended.output)


def deploy(root: Path, state: Path, runners: int) -> tuple[list[Job], float]:
    """Deploy every stack that :func:`prepare` made; returns the jobs and the seconds until the last had ended."""
    names = sorted(path.name.split(".")[1] for path in root.glob("Pulumi.sandbox-*.yaml"))
    jobs, started = pipeline(root, names), time.monotonic()
    with ThreadPoolExecutor(max_workers=runners) as pool:
        ended = list(pool.map(lambda name: run(jobs, name, state, started), jobs.jobs))
    return ended, time.monotonic() - started


def wrong(ended: list[Job]) -> list[Job]:
    """Jobs that failed, or made live what another site is."""
    releases = [job.release for job in ended]
    return [job for job in ended if job.code or not job.release or releases.count(job.release) > 1]


def table(ended: list[Job], runners: int, total: float) -> Table:
    """What was measured."""
    seconds, waits = [job.seconds for job in ended], [job.waited for job in ended]
    result = Table(title=f"{len(ended)} sites on {runners} runners", title_justify="left", header_style="bold")
    for heading in ("all, s", "a job, median s", "a job, longest s", "waited for a runner, longest s", "failed"):
        result.add_column(heading, justify="right")
    figures = (total, statistics.median(seconds), max(seconds), max(waits))
    result.add_row(*(f"{value:.0f}" for value in figures), str(len(wrong(ended))))
    return result


@click.command()
@click.option("--sites", "count", default=50, show_default=True, type=click.IntRange(1, 500))
@click.option("--runners", default=4, show_default=True, type=click.IntRange(1, 64))
def main(count: int, runners: int) -> None:
    """Deploy many sites at once, each by a job of its own."""
    with tempfile.TemporaryDirectory(prefix="many-sites-") as folder:
        root = prepare(Path(folder, "checkout"), count)
        ended, total = deploy(root, Path(folder, "states"), runners)
    Console(width=160).print(table(ended, runners, total))
    for job in wrong(ended):
        print(f"{job.stack} failed with {job.code}:\n{job.output}", file=sys.stderr)  # noqa: T201
    sys.exit(1 if wrong(ended) else 0)


if __name__ == "__main__":
    main()
