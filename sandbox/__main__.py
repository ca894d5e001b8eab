"""Command line of the sandbox; `make up` starts it, `make down` stops it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from pathlib import Path

import click

from sandbox.daemon import AlreadyRunning, Daemon


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for everything that is remembered. sandbox.json in it, written when all is up, says where things are.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65000),
    default=8400,
    help="Port of the site as the edge serves it; the platforms take the next ones. Taken ones are replaced by free "
    "ones; 0 asks for free ones.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 1000),
    default=20.0,
    help="Seconds of the sandbox that pass in a real one: health checks and platforms' delays run that much faster.",
)
@click.option("--verbose", is_flag=True, help="Log each request to a platform.")
def main(state: Path, port: int, speed: float, verbose: bool) -> None:  # click passes flags so
    """Run the hosting platforms and the edge in front of them on this machine, until SIGTERM or Ctrl-C.

    Everything listens on 127.0.0.1 only. Logs go to standard error.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for library in ("asyncio", "filelock", "grpc", "botocore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        asyncio.run(Daemon(state, port, speed).run())
    except AlreadyRunning as error:
        raise click.ClickException(str(error)) from error
    except sqlite3.Error as error:
        raise click.ClickException(f"{state / 'store.sqlite'}: {error}") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or state}: {error.strerror or error}") from error


if __name__ == "__main__":
    main()
