"""Uploads to an S3 server (versitygw): our publisher beside rclone, hugo and the aws CLI, round by round."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tools.bench import programs, sites
from tools.bench.comparing import Claim, Series, grouped
from tools.bench.measuring import Figures, disk_in_memory, measured
from tools.bootstrap import cache_folder
from website.statcache import YOUNG_NS

KEY, SECRET = "bench", "benchbench"
COLD, SAME, TOUCHED, CHANGED = "cold", "nothing changed", "all mtimes new", "1 % changed"
OURS, RCLONE, HUGO, AWS = "publisher", "rclone --checksum", "hugo deploy", "aws s3 sync"
MILLISECONDS = 30
"""Added to each request in the part with a slow line."""
_SETTLED = YOUNG_NS / 1e9 + 0.5
"""Seconds: our cache of digests remembers no file that is younger when it is read."""
_PEERS = (RCLONE, HUGO)
_ALLOWED = {COLD: 0.6, CHANGED: 0.5, SAME: 0.35, TOUCHED: 0.35}
_MEMORY = 110.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Peer:
    """A way to upload ``folder`` to ``bucket``."""

    name: str
    command: Callable[[Path, str], Sequence[str]]
    environment: Mapping[str, str]


def name_of(kind: str, milliseconds: int) -> str:
    """The part as it stands in tables."""
    described = {"blog": "2,000 files, 100 MB", "tiny": "10,000 files, 46 MB"}[kind]
    return f"S3, {described}" + (f", {milliseconds} ms a request" if milliseconds else "")


def claims(kind: str) -> list[Claim]:
    """What is promised for a site."""
    part = name_of(kind, 0)
    return [
        *(Claim(part, scenario, OURS, _PEERS, allowed) for scenario, allowed in _ALLOWED.items()),
        Claim(part, COLD, OURS, (), _MEMORY, "memory"),
        Claim(name_of(kind, MILLISECONDS), COLD, OURS, _PEERS, _ALLOWED[COLD]),
    ]


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
        for _ in range(200):
            try:
                requests.get(address, timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()


@contextmanager
def delayed(address: str, milliseconds: int) -> Iterator[str]:
    """The address of a proxy in front of a server that adds milliseconds to each request."""
    target = urlsplit(address)
    command = [sys.executable, "-m", "tools.bench.delay_proxy", str(target.hostname), str(target.port)]
    process = subprocess.Popen([*command, str(milliseconds)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def peers(address: str, scratch: Path, say: Say) -> Iterator[Peer]:
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
        OURS, lambda folder, bucket: [sys.executable, "-m", "tools.bench.upload", str(folder), bucket, cache], base
    )
    for make in (_rclone, _hugo, _aws_cli):
        try:
            yield make(address, base, scratch, say)
        except programs.NotHere as error:
            say(f"left out: {error}")


def _rclone(address: str, base: Mapping[str, str], scratch: Path, say: Say) -> Peer:
    del scratch
    program = programs.from_go(programs.RCLONE, say)
    remote = f":s3,provider=Other,env_auth=true,endpoint='{address}':"
    options = ["--checksum", "--fast-list", "--transfers=32", "--checkers=32", "--s3-no-check-bucket"]
    return Peer(
        RCLONE,
        lambda folder, bucket: [str(program), "sync", str(folder), f"{remote}{bucket}", *options],
        {**base, "RCLONE_CONFIG": os.devnull},
    )


def _hugo(address: str, base: Mapping[str, str], scratch: Path, say: Say) -> Peer:
    """Its configuration names folder and bucket, so each call writes one; hugo.toml alone makes a project."""
    program = programs.from_go(programs.HUGO, say, tags="withdeploy")
    project = scratch / "hugo"
    project.mkdir()

    def command(folder: Path, bucket: str) -> Sequence[str]:
        query = f"region=us-east-1&endpoint={address}&s3ForcePathStyle=true&use_path_style=true"
        target = f'publishDir = "{folder}"\n[[deployment.targets]]\nname = "s3"\nURL = "s3://{bucket}?{query}"\n'
        (project / "hugo.toml").write_text(target)
        return [str(program), "deploy", "--source", str(project), "--workers", "32", "--maxDeletes", "-1"]

    return Peer(HUGO, command, base)


def _aws_cli(address: str, base: Mapping[str, str], scratch: Path, say: Say) -> Peer:
    del address, scratch
    folder = programs.aws_cli(say)
    start = [sys.executable, "-m", "awscli", "s3", "sync"]
    return Peer(
        AWS,
        lambda site, bucket: [*start, str(site), f"s3://{bucket}", "--delete", "--only-show-errors"],
        {**base, "PYTHONPATH": str(folder)},
    )


def one_round(
    peer: Peer, site: Path, disk: Path, number: int, scratch: Path, scenarios: Sequence[str]
) -> Iterator[tuple[str, Figures]]:
    """All scenarios of one peer, from an empty bucket on."""
    bucket = f"round-{number}"
    (disk / bucket).mkdir()
    shutil.rmtree(scratch / "cache", ignore_errors=True)
    log = scratch / "log.txt"
    for scenario in scenarios:
        if scenario == TOUCHED:
            sites.touch_all(site)
        if scenario == CHANGED:
            sites.change_some(site, number)
        yield scenario, measured(peer.command(site, bucket), peer.environment, log)
    shutil.rmtree(disk / bucket)


def measure(kind: str, milliseconds: int, rounds: int, wanted: Sequence[str], say: Say) -> list[Series]:
    """Measure all peers in interleaved rounds; ``wanted`` names the peers beside ours, all where it is empty.

    Raises NotHere without a server, CommandFailed where a peer fails.
    """
    original = sites.generate(kind, cache_folder() / "bench" / f"site-{kind}-{sites.SEED}")
    gateway = programs.from_go(programs.VERSITYGW, say)
    scenarios = (COLD, SAME) if milliseconds else (COLD, SAME, CHANGED, TOUCHED)
    part = name_of(kind, milliseconds)
    found: dict[tuple[str, str, str], list[Figures]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=disk_in_memory()) as temporary:
        scratch = Path(temporary)
        disk = scratch / "disk"
        disk.mkdir()
        with server(gateway, disk) as plain, delayed(plain, milliseconds) if milliseconds else nullcontext(plain) as at:
            ways = [one for one in peers(at, scratch, say) if not wanted or one.name in (OURS, *wanted)]
            for number in range(rounds):
                for peer in ways:
                    site = scratch / "site"
                    shutil.copytree(original, site)
                    time.sleep(_SETTLED)
                    for scenario, figures in one_round(peer, site, disk, number, scratch, scenarios):
                        found[part, scenario, peer.name].append(figures)
                        say(f"{part}, round {number + 1}, {peer.name}, {scenario}: {figures.wall:.2f} s")
                    shutil.rmtree(site)
    return grouped(found)
