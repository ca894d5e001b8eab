"""Command line: writes the status page as files, for any web server or platform outside the site's own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from coordinator import monitoring, places, settings
from coordinator.database import DiskRefuses
from coordinator.errors import Refused
from coordinator.status_page.rendering import export
from coordinator.watching.observing import archive_file


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack", default=places.SANDBOX, show_default=True, help="Stack: Pulumi.STACK.yaml.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder that the coordinator remembers in. Default: the coordinator's own.",
)
def main(stack: str, out: Path, state: Path | None) -> None:
    """Write index.html, status.json and feed.atom from what the coordinator has found so far."""
    try:
        written = asyncio.run(_written(stack, out, state or places.memory_file(stack).parent))
    except (DiskRefuses, OSError) as error:
        raise Refused(str(error)) from error
    for path in written:
        click.echo(f"{path}  {path.stat().st_size:,} bytes")


async def _written(stack: str, out: Path, state: Path) -> list[Path]:
    found = settings.read(places.ROOT, stack)
    if not archive_file(state, stack).exists():
        raise Refused(
            f"nothing has been watched yet: there is no {archive_file(state, stack)}; run "
            "`make coordinator` with the setting coordinator.watching"
        )
    async with monitoring.read_only(stack, found, state) as reader:
        return export(out, await reader.view())


if __name__ == "__main__":
    main(prog_name="python -m coordinator.status_page")
