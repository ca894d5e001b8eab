"""Upload a site to an S3 server (versitygw) with our publisher, rclone and the aws CLI, round by round."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import requests

from tools.bench import programs, sites
from tools.bench.measuring import CommandFailed, Figures, measured
from tools.bootstrap import cache_folder

KEY, SECRET = "bench", "benchbench"
SCENARIOS = ("cold", "nothing changed", "all mtimes new", "1 % changed")


@dataclass(frozen=True)
class Peer:
    """A way to upload ``folder`` to ``bucket``."""

    name: str
    command: Callable[[Path, str], Sequence[str]]
    environment: Mapping[str, str]


@contextmanager
def server(program: Path, folder: Path) -> Iterator[str]:
    """Run versitygw on files in ``folder``; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    command = [str(program), "--port", f"127.0.0.1:{port}", "--quiet", "posix", str(folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                requests.get(address, timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()


def peers(address: str, scratch: Path) -> Iterator[Peer]:
    """Ours and those that can be had here; the others are named with the reason."""
    keys = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL_S3": address,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    base = {**os.environ, **keys}
    cache = str(scratch / "cache")
    yield Peer(
        "publisher",
        lambda folder, bucket: [sys.executable, "-m", "tools.bench.upload", str(folder), bucket, cache],
        base,
    )
    for make in (_rclone, _aws_cli):
        try:
            yield make(address, base)
        except programs.NotHere as error:
            click.echo(f"left out: {error}", err=True)


def _rclone(address: str, base: Mapping[str, str]) -> Peer:
    program = programs.from_go(programs.RCLONE, _say)
    remote = f":s3,provider=Other,env_auth=true,endpoint='{address}':"
    options = ["--checksum", "--fast-list", "--transfers=32", "--checkers=32", "--s3-no-check-bucket"]
    return Peer(
        "rclone --checksum",
        lambda folder, bucket: [str(program), "sync", str(folder), f"{remote}{bucket}", *options],
        {**base, "RCLONE_CONFIG": os.devnull},
    )


def _aws_cli(address: str, base: Mapping[str, str]) -> Peer:
    del address
    folder = programs.aws_cli(_say)
    return Peer(
        "aws s3 sync",
        lambda site, bucket: [
            sys.executable,
            "-m",
            "awscli",
            "s3",
            "sync",
            str(site),
            f"s3://{bucket}",
            "--delete",
            "--only-show-errors",
        ],
        {**base, "PYTHONPATH": str(folder)},
    )


def _say(text: str) -> None:
    click.echo(text, err=True)


def one_round(peer: Peer, site: Path, disk: Path, number: int, scratch: Path) -> Iterator[tuple[str, Figures]]:
    """All scenarios of one peer, from an empty bucket on."""
    bucket = f"round-{number}-{abs(hash(peer.name)) % 10**6}"
    (disk / bucket).mkdir()
    shutil.rmtree(scratch / "cache", ignore_errors=True)
    log = scratch / "log.txt"
    for scenario in SCENARIOS:
        if scenario == "all mtimes new":
            sites.touch_all(site)
        if scenario == "1 % changed":
            sites.change_some(site, number)
        yield scenario, measured(peer.command(site, bucket), peer.environment, log)
    shutil.rmtree(disk / bucket)


def table(found: Mapping[tuple[str, str], Sequence[Figures]], names: Sequence[str]) -> str:
    """Markdown: wall seconds (smallest / median), median CPU seconds and megabytes, for each peer and scenario."""
    lines = ["| tool | " + " | ".join(SCENARIOS) + " |", "|---" * (len(SCENARIOS) + 1) + "|"]
    for name in names:
        cells = []
        for scenario in SCENARIOS:
            figures = found.get((name, scenario), ())
            walls = [one.wall for one in figures]
            cells.append(
                f"{min(walls):.2f} / {statistics.median(walls):.2f} s "
                f"({statistics.median(one.cpu for one in figures):.2f} s CPU, "
                f"{statistics.median(one.memory for one in figures):.0f} MB)"
                if figures
                else "–"
            )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


@click.command()
@click.option("--site", "kind", type=click.Choice(list(sites.KINDS)), default="blog", show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Each round runs every tool once, one after the other.")
def main(kind: str, rounds: int) -> None:
    """Measure uploads beside other tools on this machine; prints a Markdown table."""
    original = sites.generate(kind, cache_folder() / "bench" / f"site-{kind}-{sites.SEED}")
    found: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    try:
        gateway = programs.from_go(programs.VERSITYGW, _say)
    except programs.NotHere as error:
        raise click.ClickException(f"without a server there is nothing to measure: {error}") from error
    memory = Path("/dev/shm")  # noqa: S108 - a disk in memory, so that the disk is not what is measured
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as temporary:
        scratch = Path(temporary)
        (scratch / "disk").mkdir()
        with server(gateway, scratch / "disk") as address:
            ways = list(peers(address, scratch))
            for number in range(rounds):
                for peer in ways:
                    site = scratch / "site"
                    shutil.copytree(original, site)
                    try:
                        for scenario, figures in one_round(peer, site, scratch / "disk", number, scratch):
                            found[peer.name, scenario].append(figures)
                            _say(f"round {number + 1}, {peer.name}, {scenario}: {figures.wall:.2f} s")
                    except CommandFailed as error:
                        raise click.ClickException(str(error)) from error
                    shutil.rmtree(site)
    click.echo(f"{kind}: wall smallest / median of {rounds} rounds (CPU, peak memory)\n")
    click.echo(table(found, [peer.name for peer in ways]))


if __name__ == "__main__":
    main()
