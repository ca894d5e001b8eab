"""Command line of the coordinator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path

import click

from coordinator import delivery, monitoring, places, settings, supervisor
from coordinator.balancer import Balancer, CloudflareBalancer
from coordinator.database import DiskRefuses
from coordinator.delivery import Order, Parts
from coordinator.errors import Refused, Unreachable
from coordinator.memory import Memory
from coordinator.recovery import Recovery, Rehearsal
from coordinator.settings import StackSettings

_log = logging.getLogger(__name__)


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
    """Make pushes live, bring platforms back in steps after an outage, and watch the site, until SIGTERM or Ctrl-C.

    Which of these, and how, the stack's settings say. When it is not running, nothing is deployed by itself, traffic
    stays as it is, and nobody looks. Logs go to standard error. --once and --dry-run are about the outages only.
    """
    _log_to_standard_error(verbose, "dry run, nothing is set: " if dry_run else "")
    if sandbox == (stack is not None):
        raise Refused("name one stack: --stack NAME, or --sandbox for the local one")
    name = stack or places.SANDBOX
    memory = Memory(state or places.memory_file(name), writing=not dry_run)
    try:
        with nullcontext() if dry_run else memory.held():
            asyncio.run(_run(name, memory, once=once, dry_run=dry_run))
    except (Unreachable, DiskRefuses, OSError) as error:
        raise Refused(str(error)) from error


async def _run(stack: str, memory: Memory, *, once: bool, dry_run: bool) -> None:
    found = settings.read(places.ROOT, stack)
    wanted = None if once or dry_run else _delivery(stack, found)
    watched = not once and not dry_run and found.coordinator.watching is not None
    told = monitoring.order(stack, found) if watched else None
    parts = Parts()
    async with AsyncExitStack() as held:
        if once or dry_run:
            found.require_load_balancer()
        if once or dry_run or (found.coordinator.recovery and found.edge_mode != "worker"):
            recovery = await held.enter_async_context(_recovery(stack, found, memory, dry_run=dry_run))
            if once:
                await recovery.once()
                return
            parts.tasks["recovery"] = recovery.run
        if wanted is not None:
            await held.enter_async_context(delivery.opened(wanted, places.ROOT, memory.path.parent, parts))
        if told is not None:
            await held.enter_async_context(
                monitoring.opened(stack, found, told, places.ROOT, memory.path.parent, parts)
            )
        if not parts.tasks and not parts.ending:
            if found.coordinator.recovery:
                found.require_load_balancer()
            raise Refused(f"Pulumi.{stack}.yaml switches every part of the coordinator off; there is nothing to run")
        await supervisor.run(parts.tasks, parts.ending)


def _delivery(stack: str, found: StackSettings) -> Order | None:
    """What makes a push live; None where the settings ask for nothing."""
    if found.coordinator.deploy == "none":
        return None
    if stack == places.SANDBOX and not delivery.has_content_to_follow(found):
        _log.info("the content is a folder: nothing is deployed by itself. CONTENT=file:///…/site.git#main is followed")
        return None
    return delivery.order(stack, found)


@asynccontextmanager
async def _recovery(stack: str, found: StackSettings, memory: Memory, *, dry_run: bool) -> AsyncIterator[Recovery]:
    access = places.access_of(stack)
    speed = access().speed
    balancer = CloudflareBalancer(found.cloudflare_account_id, found.cloudflare_zone_id, found.site_name, access)
    shown: Balancer = Rehearsal(balancer) if dry_run else balancer
    pause = found.recovery.seconds_between_looks(speed)
    try:
        yield Recovery(shown, memory, found.recovery.rules(speed), pause)
    finally:
        await balancer.close()


def _log_to_standard_error(verbose: bool, prefix: str) -> None:
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s %(levelname)s {prefix}%(message)s")
    for library in ("httpx", "httpcore", "cloudflare", "stamina", "filelock", "hypercorn", "asyncio"):
        logging.getLogger(library).setLevel(logging.INFO if verbose else logging.ERROR)


if __name__ == "__main__":
    main(prog_name="python -m coordinator")
