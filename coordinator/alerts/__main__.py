"""``make alert-test``: one message to each channel, and what came of it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import click

from coordinator import places, settings
from coordinator.alerts.channels import Channel, Message, NotTaken
from coordinator.alerts.opening import alert_order, channels_of, client
from coordinator.errors import Refused

_LONGEST = 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of one channel's message."""

    channel: str
    seconds: float
    refusal: str = ""
    """Empty where it was taken."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack", required=True, help="Stack whose channels are tried: Pulumi.STACK.yaml.")
def main(stack: str) -> None:
    """Send a test message to each alert channel of a stack, at once, and say what came of each.

    Ends with 1 if one did not take it. It needs no coordinator that runs, and is not kept to be sent again.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    outcomes = asyncio.run(tried(stack))
    width = max(len(one.channel) for one in outcomes)
    for one in outcomes:
        click.echo(f"{one.channel:<{width}}  {sentence(one)}")
    sys.exit(1 if any(one.refusal for one in outcomes) else 0)


async def tried(stack: str) -> Sequence[Outcome]:
    """Try all channels of a stack side by side; raises Refused where there is none, or where a setting is wrong."""
    wanted = alert_order(stack, settings.read(places.ROOT, stack))
    if not wanted.settings.names:
        raise Refused(
            f"Pulumi.{stack}.yaml sets up no alert channel, so nobody would be told of an outage: give mail, matrix, "
            "mastodon or webhook in coordinator.alerts (docs/alerts.md)"
        )
    name = f"test-{secrets.token_hex(8)}"
    text = f"Sent by hand for the stack {stack}. Nothing has happened; nobody needs to do anything."
    message = Message(name, name, f"{wanted.site}: test of the alerts", text, time.time(), kind="test")
    async with client() as http:
        return await asyncio.gather(*(_tried(channel, message) for channel in channels_of(wanted, http)))


async def _tried(channel: Channel, message: Message) -> Outcome:
    began, refusal = time.monotonic(), ""
    try:
        async with asyncio.timeout(_LONGEST):
            await channel.send(message)
    except NotTaken as error:
        refusal = str(error)
    except TimeoutError:
        refusal = f"no answer within {_LONGEST:.0f} s"
    return Outcome(channel.name, time.monotonic() - began, refusal)


def sentence(one: Outcome) -> str:
    """What came of it, in words."""
    if one.refusal:
        return f"not taken: {one.refusal}. See coordinator.alerts.{one.channel} and docs/alerts.md"
    return f"taken after {one.seconds:.1f} s"


if __name__ == "__main__":
    main(prog_name="python -m coordinator.alerts")
