"""Command line: ``python -m tools.bench``; ``make bench`` runs it."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from tools.bench.comparing import Claim, Series, as_json, judged, markdown
from tools.bench.measuring import CommandFailed
from tools.bench.programs import NotHere
from tools.deploy.places import find

_S3 = ("blog", "tiny")
Say = Callable[[str], None]
PARTS = {
    "s3": "uploads beside rclone, hugo deploy and aws s3 sync: 2,000 files with 100 MB, and 10,000 with 46 MB",
    "s3-latency": "the same with 30 ms added to each request",
    "clients": "cold deploys beside netlify-cli, vercel and firebase-tools, on the same stand-in",
    "preview": "a preview without a change beside one of an empty program, with 10 and with 10,000 files",
    "resources": "one resource for each file, on the same engine",
    "together": "a release to all platforms at once beside one to each alone",
}
_TOO = {"aws": "aws s3 sync", "rclone": "rclone --checksum", "hugo": "hugo deploy"}


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Parts: " + "; ".join(f"{name}: {text}" for name, text in PARTS.items()) + ".",
)
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--rounds", type=click.IntRange(1, 99), default=3, show_default=True, help="Every way once, then again.")
@click.option(
    "--site", "kinds", type=click.Choice(_S3), multiple=True, help="Only this site (parts s3 and s3-latency)."
)
@click.option("--peer", "peers", type=click.Choice(list(_TOO)), multiple=True, help="Only this peer (parts s3…).")
@click.option("--files", type=click.IntRange(10, 20_000), default=1000, show_default=True, help="Of part resources.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for bench.json, bench.md and the charts.")
def main(
    parts: tuple[str, ...],
    rounds: int,
    kinds: tuple[str, ...],
    peers: tuple[str, ...],
    files: int,
    form: str,
    out: Path | None,
) -> None:
    """Measure our own ways beside other tools on this machine, in interleaved rounds of one run.

    Without PARTS everything is measured, which takes about an hour. The other tools are built or installed into the
    cache folder once; what cannot be had is named and left out. Ends with 1 where a promise is not kept.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its byte code
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started ends with it
    found: list[Series] = []
    promised: list[Claim] = []
    for part in parts or PARTS:
        try:
            for series, claims in _measured(part, rounds, kinds or _S3, [_TOO[name] for name in peers], files):
                found += series
                promised += claims
        except NotHere as error:
            _say(f"{part} is left out: {error}")
        except CommandFailed as error:
            raise click.ClickException(f"{part}: {error}") from error
    results = judged(promised, found)
    folder = out or find().state / "bench"
    document = {"machine": machine(), "rounds": rounds, **as_json(found, results)}
    text = markdown(found, results)
    pictures = _written(folder, document, text, found)
    click.echo(json.dumps(document, indent=2) if form == "json" else text)
    _say(f"In {folder.resolve()}: bench.json, bench.md, {', '.join(path.name for path in pictures)}")
    sys.exit(not all(one.kept for one in results))


def _measured(
    part: str, rounds: int, kinds: Sequence[str], peers: Sequence[str], files: int
) -> Iterator[tuple[list[Series], list[Claim]]]:
    """Series and promises of one part; its modules are imported when it is measured."""
    if part in {"s3", "s3-latency"}:
        from tools.bench import s3

        for kind in kinds:
            yield s3.measure(kind, s3.MILLISECONDS if part == "s3-latency" else 0, rounds, peers, _say), s3.claims(kind)
    elif part == "clients":
        from tools.bench import clients

        yield clients.measure(rounds, _say), clients.claims()
    elif part == "preview":
        from tools.bench import preview

        for size in (preview.SMALL, preview.LARGE):
            yield preview.measure(size, rounds, _say)
    elif part == "resources":
        from tools.bench import resources

        yield resources.measure(files, _say)
    else:
        from tools.bench import side_by_side

        yield side_by_side.measure(rounds, _say), side_by_side.claims()


def _written(folder: Path, document: dict[str, object], text: str, found: Sequence[Series]) -> Sequence[Path]:
    """Write table, figures and charts; matplotlib is imported here, for it takes a second."""
    from tools.bench.picture import draw

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(document, indent=2) + "\n")
    (folder / "bench.md").write_text(text + "\n")
    return draw(found, folder)


def machine() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": list(os.getloadavg()),
    }


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main(prog_name="python -m tools.bench")
