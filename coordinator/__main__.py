"""Command line of the coordinator."""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from pathlib import Path

import click

from coordinator import places, settings, supervisor
from coordinator.balancer import Balancer, CloudflareBalancer
from coordinator.errors import Refused, Unreachable
from coordinator.memory import Memory
from coordinator.recovery import Recovery, Rehearsal


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack", help="Stack whose load balancer is looked after: Pulumi.STACK.yaml.")
@click.option("--sandbox", is_flag=True, help="The stack on local platforms; what is needed is found by itself.")
@click.option("--once", is_flag=True, help="Look once, do what follows, and end.")
@click.option("--dry-run", is_flag=True, help="Say what would be set, and set and remember nothing.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that is remembered in. Default: ~/.local/state/peacefulrobot-infra/coordinator/STACK.json.",
)
@click.option("--verbose", is_flag=True, help="Log each request too.")
def main(stack: str | None, sandbox: bool, once: bool, dry_run: bool, state: Path | None, verbose: bool) -> None:
    """Bring platforms back in steps after an outage, until SIGTERM or Ctrl-C.

    When it is not running, traffic stays as it is. Logs go to standard error.
    """
    _log_to_standard_error(verbose, "dry run, nothing is set: " if dry_run else "")
    if sandbox == (stack is not None):
        raise Refused("name one stack: --stack NAME, or --sandbox for the local one")
    name = stack or places.SANDBOX
    memory = Memory(state or places.memory_file(name), writing=not dry_run)
    try:
        with nullcontext() if dry_run else memory.held():
            asyncio.run(_run(name, memory, once=once, dry_run=dry_run))
    except (Unreachable, OSError) as error:
        raise Refused(str(error)) from error


async def _run(stack: str, memory: Memory, *, once: bool, dry_run: bool) -> None:
    found, access = settings.read(places.ROOT, stack), places.access_of(stack)
    found.require_load_balancer()
    speed = access().speed
    balancer = CloudflareBalancer(found.cloudflare_account_id, found.cloudflare_zone_id, found.site_name, access)
    shown: Balancer = Rehearsal(balancer) if dry_run else balancer
    pause = found.recovery.seconds_between_looks(speed)
    recovery = Recovery(shown, memory, found.recovery.rules(speed), pause)
    try:
        await (recovery.once() if once else supervisor.run({"recovery": recovery.run}))
    finally:
        await balancer.close()


def _log_to_standard_error(verbose: bool, prefix: str) -> None:
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {prefix}%(message)s")
    for library in ("httpx", "httpcore", "cloudflare", "stamina", "filelock"):
        logging.getLogger(library).setLevel(logging.INFO if verbose else logging.ERROR)


if __name__ == "__main__":
    main(prog_name="python -m coordinator")
